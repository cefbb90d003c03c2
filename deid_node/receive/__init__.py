"""The door in: associations, peers and C-STORE."""
