"""The door for C-STORE, C-ECHO and storage commitment: the SCP."""
