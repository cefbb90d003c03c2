"""JPEG codestreams opened: marker segments, entropy coded data, single blocks."""
