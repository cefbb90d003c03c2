"""Words to native bytes: the way back of `decoders.native_words`."""

import numpy as np

from deid_node.pixeldata.bits import Words
from deid_node.pixeldata.layout import SUBSAMPLED, Layout


def native_bytes(words: Words, layout: Layout, *, big_endian: bool = False) -> bytes:
    """Return one frame as native Pixel Data holds it, without padding.

    Parameters
    ----------
    words
        ``(rows, columns)`` or ``(rows, columns, samples)``, samples together.
    layout
        Tells planes and subsampling of the result. Subsampled colour takes the
        chroma of the first pixel of each pair.
    big_endian
        Byte order of words of more than 8 bits.

    Returns
    -------
    The bytes; one-bit frames are packed, the last byte filled with zeros.
    """
    if layout.bits_allocated == 1:
        return np.packbits(words.reshape(-1), bitorder="little").tobytes()
    if layout.photometric in SUBSAMPLED:
        pairs = np.empty((layout.rows, layout.columns // 2, 4), dtype=words.dtype)
        pairs[:, :, 0] = words[:, 0::2, 0]
        pairs[:, :, 1] = words[:, 1::2, 0]
        pairs[:, :, 2:] = words[:, 0::2, 1:]
        return pairs.tobytes()
    ordered = words.astype(words.dtype.newbyteorder(">" if big_endian else "<"), copy=False)
    if layout.samples > 1 and layout.planar == 1:
        return ordered.transpose(2, 0, 1).tobytes()
    return ordered.tobytes()
