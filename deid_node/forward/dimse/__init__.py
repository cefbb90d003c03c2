"""Delivery by C-STORE, and storage commitment asked of an archive: the SCU."""
