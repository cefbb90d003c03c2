"""Reads the encoded dataset out of a Part 10 file, without decoding it."""

import struct
from io import BufferedIOBase
from pathlib import Path

from deid_node.dicom.bulk import Bulk
from deid_node.errors import BlobDamaged
from deid_node.spool.files import BlobFiles

# Preamble, "DICM", and (0002,0000) UL with its four bytes: how long the rest of group 2 is.
_HEAD = struct.Struct("<128x4sHH2sHI")


def dataset_in(path: Path, files: BlobFiles) -> Bulk:
    """Return the encoded dataset of the Part 10 file at `path`, opened and not read yet.

    Raises
    ------
    BlobDamaged
        The file cannot be read or does not begin as the node writes it. Source: PS3.10 7.1.
    """
    try:
        file = files.open(path)
        head = file[: _HEAD.size]
    except OSError:
        raise BlobDamaged("a clean file cannot be read") from None
    if len(head) == _HEAD.size:
        prefix, group, element, vr, length, rest = _HEAD.unpack(head)
        begins = (prefix, group, element, vr, length) == (b"DICM", 2, 0, b"UL", 4)
        start = _HEAD.size + int(rest)
        if begins and start < len(file):
            return file.within(start, len(file) - start)
    raise BlobDamaged("a clean file does not begin as Part 10 says")


def read_some(dataset: BufferedIOBase, size_bytes: int) -> bytes:
    """Return up to `size_bytes` more of an open file; raise `BlobDamaged` where it ends early."""
    try:
        chunk = dataset.read(size_bytes)
    except OSError:
        raise BlobDamaged("a clean file cannot be read") from None
    if not chunk:
        raise BlobDamaged("a clean file is shorter than it was")
    return chunk
