"""A family: where audit messages go."""
