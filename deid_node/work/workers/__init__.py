"""A family: in what the corridor runs."""
