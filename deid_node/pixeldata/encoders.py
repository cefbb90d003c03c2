"""Words to codestreams: which lossless encoder serves which syntax, written down.

No encoder here loses anything, and none is believed: the caller decodes what it
gets and compares. What has no entry is written as Explicit VR Little Endian.

Source: PS3.5 A.4 (per syntax), 8.2, Annex G (RLE).
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import imagecodecs
import jpeg_ls
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.bits import Words
from deid_node.pixeldata.codestream import Codestream
from deid_node.pixeldata.layout import Layout
from deid_node.pixeldata.native import native_bytes
from deid_node.pixeldata.rle import HEADER_BYTES, MAX_SEGMENTS

_ROOT: Final = "1.2.840.10008.1.2"
_BYTE_BITS: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One frame to be encoded, and how its like came.

    `layout` is that of the decoded frame, `source` that of the dataset; `header`
    is that of the frame as it came.
    """

    words: Words
    layout: Layout
    source: Layout
    header: Codestream | None


def _rle(task: Task) -> bytes:
    words, layout = task.words, task.layout
    if layout.bits_allocated < 8:
        raise ValueError
    planes = words.reshape(layout.rows, layout.columns, layout.samples)
    ordered = planes.astype(planes.dtype.newbyteorder(">"), copy=False)
    size = ordered.dtype.itemsize
    if layout.samples * size > MAX_SEGMENTS:
        raise ValueError
    # PS3.5 G.2: a segment for each byte of each sample, the most significant first.
    octets = np.ascontiguousarray(ordered).view(np.uint8)
    segments = []
    for place in range(layout.samples * size):
        # PS3.5 G.3.1: each row is coded for itself.
        plain = np.ascontiguousarray(octets[:, :, place])
        segment = bytes(imagecodecs.packbits_encode(plain, axis=-1))
        segments.append(segment + b"\x00" * (len(segment) % 2))
    offsets, position = [], HEADER_BYTES
    for segment in segments:
        offsets.append(position)
        position += len(segment)
    offsets += [0] * (MAX_SEGMENTS - len(offsets))
    return struct.pack("<16L", len(segments), *offsets) + b"".join(segments)


def _depth(task: Task) -> int:
    """Return the bits of a sample: as many as its like has, for all frames are of one kind."""
    return task.layout.bits_stored if task.header is None else task.header.precision


def _plain_bits(task: Task) -> NDArray[Any]:
    """Return the words cut to their depth: a codestream of unsigned samples holds no more."""
    cut: NDArray[Any] = task.words & task.words.dtype.type((1 << _depth(task)) - 1)
    return cut


def _jpeg_lossless(task: Task) -> bytes:
    depth = _depth(task)
    plain = _plain_bits(task)
    # UNKNOWN writes no JFIF marker, which some decoders take for more than it says.
    told = task.layout.photometric if task.header is None else task.header.colour
    colour = "RGB" if told == "RGB" else "UNKNOWN"
    space = colour if task.layout.samples == 3 else None
    return bytes(
        imagecodecs.jpeg8_encode(
            plain.astype(np.uint8) if depth <= _BYTE_BITS else plain,
            colorspace=space,
            outcolorspace=space,
            lossless=True,
            predictor=1,
            bitspersample=depth,
        )
    )


def _jpeg_ls(task: Task) -> bytes:
    layout = task.layout
    return bytes(
        jpeg_ls.encode_pixel_data(
            _plain_bits(task).tobytes(),
            rows=layout.rows,
            columns=layout.columns,
            samples_per_pixel=layout.samples,
            bits_stored=_depth(task),
            planar_configuration=0,
        )
    )


def _jpeg_2000(task: Task) -> bytes:
    layout = task.layout
    signed = layout.signed if task.header is None else task.header.signed
    words = task.words if signed else _plain_bits(task)
    return bytes(
        imagecodecs.jpeg2k_encode(
            words.view(f"i{words.dtype.itemsize}") if signed else words,
            codecformat="j2k",
            reversible=True,
            bitspersample=_depth(task),
            mct=task.header is not None and task.header.colour == "RGB",
        )
    )


def _htj2k(task: Task) -> bytes:
    signed = task.layout.signed if task.header is None else task.header.signed
    words = task.words if signed else _plain_bits(task)
    return bytes(
        imagecodecs.htj2k_encode(
            words.view(f"i{words.dtype.itemsize}") if signed else words,
            reversible=True,
            rgb=task.header is not None and task.header.colour == "RGB",
        )
    )


def _plain(task: Task) -> bytes:
    return native_bytes(task.words, task.source)


ENCODERS: Final[Mapping[str, Callable[[Task], bytes]]] = MappingProxyType(
    {
        f"{_ROOT}.1.98": _plain,
        f"{_ROOT}.5": _rle,
        # libjpeg-turbo; selection value 1 is allowed in both.
        f"{_ROOT}.4.57": _jpeg_lossless,
        f"{_ROOT}.4.70": _jpeg_lossless,
        f"{_ROOT}.4.80": _jpeg_ls,  # CharLS
        f"{_ROOT}.4.90": _jpeg_2000,  # OpenJPEG
        f"{_ROOT}.4.201": _htj2k,  # OpenJPH
    }
)
"""Encoders by transfer syntax. Lossy syntaxes have none, on purpose."""
