"""Comments and application segments inside codestreams: removed, the coded data untouched.

No viewer shows them and no finder sees them, any hex editor does: a name in a
comment, the EXIF block of a camera, a thumbnail from before the cleaning.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from deid_node.dicom.syntaxes import Family
from deid_node.errors import Undecodable
from deid_node.pixeldata import jpeg_2000
from deid_node.pixeldata.attributes import twin_of
from deid_node.pixeldata.decoders import decoded
from deid_node.pixeldata.fragments import Encapsulation
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.jpeg import segments
from deid_node.pixeldata.writers import put_encapsulated

_WITHOUT_TEXT: Final[Mapping[Family, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        Family.JPEG: segments.without_text,
        Family.JPEG_LOSSLESS: segments.without_text,
        Family.JPEG_LS: partial(segments.without_text, is_ls=True),
        Family.JPEG_2000: jpeg_2000.without_text,
        Family.HTJ2K: jpeg_2000.without_text,
    }
)


def without_comments(
    dataset: Dataset, frames: Frames, scratch_dir: Path | None
) -> tuple[Dataset, Frames, bool]:
    """Return `dataset` and `frames` without text beside the coded data, and whether there was some.

    Nothing is written to, and both come back themselves where there is nothing to
    remove. `scratch_dir` is that of `Scratch`.

    Raises
    ------
    Undecodable
        The segments of a codestream cannot be told apart, or a decoder makes other
        pixels of it without them.
    """
    without_text = _WITHOUT_TEXT.get(frames.syntax.family)
    if without_text is None or not any(
        _differs(frames, n, without_text) for n in range(len(frames))
    ):
        return dataset, frames, False
    extended = "ExtendedOffsetTable" in dataset
    encapsulation = Encapsulation(len(frames), extended=extended, scratch_dir=scratch_dir)
    for index in range(len(frames)):
        encapsulation.add(_stripped(frames, index, without_text))
    twin = twin_of(dataset)
    put_encapsulated(twin, encapsulation)
    return twin, Frames(twin, frames.source.keyword), True


def _differs(frames: Frames, index: int, without_text: Callable[[bytes], bytes]) -> bool:
    codestream = frames.codestream(index)
    return without_text(codestream) is not codestream


def _stripped(frames: Frames, index: int, without_text: Callable[[bytes], bytes]) -> bytes:
    codestream = frames.codestream(index)
    plain = without_text(codestream)
    if plain is not codestream:
        words = decoded(plain, frames.syntax.family, frames.source)
        if not np.array_equal(words, frames[index]):
            raise Undecodable("a codestream that shows something else without its comments")
    return plain
