"""What burns a name into an image, and how it is taken out again."""
