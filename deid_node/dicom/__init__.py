"""House rules on top of pydicom."""
