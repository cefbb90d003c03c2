"""RLE Lossless: a codestream taken apart into its byte planes, with nothing left over.

A segment may decode to more than its plane: zeros are padding, anything else
could be a second picture, which no reader shows and any program can.

Source: PS3.5 G.3.1 (segments), G.3.2 (decoder), G.5 (header).
"""

import itertools
import struct
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

MAX_SEGMENTS: Final = 15
HEADER_BYTES: Final = 64


def planes_of(codestream: bytes, count: int, size_bytes: int) -> NDArray[np.uint8]:
    """Return the `count` byte planes of one frame, ``(size_bytes, count)``.

    Raises
    ------
    struct.error, ValueError, imagecodecs.ImcdError
        There is another number of segments, their offsets do not ascend, one is
        shorter than a plane, or something stands behind a plane or between segments.
    """
    number, *offsets = struct.unpack_from(f"<{1 + MAX_SEGMENTS}L", codestream)
    if number != count or count > MAX_SEGMENTS:
        raise ValueError
    bounds = [HEADER_BYTES, *offsets[:count], len(codestream)]
    if bounds != sorted(bounds) or codestream[HEADER_BYTES : bounds[1]].strip(b"\x00"):
        raise ValueError
    result = np.empty((size_bytes, count), dtype=np.uint8)
    for place, (start, stop) in enumerate(itertools.pairwise(bounds[1:])):
        plain = np.frombuffer(imagecodecs.packbits_decode(codestream[start:stop]), np.uint8)
        if plain.size < size_bytes or plain[size_bytes:].any():
            raise ValueError
        result[:, place] = plain[:size_bytes]
    return result
