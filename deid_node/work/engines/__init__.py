"""A family: where the corridor runs."""
