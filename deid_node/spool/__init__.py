"""Custody: what was acknowledged lies on disk and in the journal."""
