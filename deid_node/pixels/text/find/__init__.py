"""Family of finders: where on a frame does text stand."""
