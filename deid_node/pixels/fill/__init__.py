"""The family of inpainters: what fills the pixels under a mask."""
