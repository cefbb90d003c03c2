"""A family: the doors out."""
