"""Pictures beside the picture, and objects that nobody can look into."""
