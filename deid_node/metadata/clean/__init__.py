"""Judges of single values: what of them may stay."""
