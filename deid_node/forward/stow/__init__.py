"""The destination that takes instances by STOW-RS."""
