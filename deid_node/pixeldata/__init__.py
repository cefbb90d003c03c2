"""Pixel Data as DICOM writes it: frames, codestreams, bits, and how they look."""
