"""Burned-in text: where it may stand, where it was found, what of it may stay."""
