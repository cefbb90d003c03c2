"""What is to happen to each attribute, decided before any instance is seen."""
