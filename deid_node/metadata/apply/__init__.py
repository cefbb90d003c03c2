"""The plan carried out on one dataset."""
