"""Which samples must leave with pixels that nobody touched, whole or in a part.

The small MR and the mosaic hold no text; the power Doppler of an ultrasound is flow in a
vessel, whatever stands around it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from deid_node.demo.table import Row
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.values.geometry import Box

MOSAIC: Final = "MR, mosaic of slices"

TEXT_FREE: Final = frozenset(
    {
        MOSAIC,
        "MR",
        "MR, implicit VR",
        "MR, big endian",
        "MR, RLE",
        "MR, JPEG-LS",
        "MR, JPEG 2000",
    }
)
"""Titles of samples without a letter."""

FLOW: Final[Mapping[str, Box]] = MappingProxyType(
    {
        "ultrasound, colour": Box(44, 83, 254, 146),
        "ultrasound, JPEG 2000": Box(88, 167, 509, 271),
    }
)
"""Where power Doppler is drawn, by title, in stored pixels."""

TAKEN_FOR_TEXT: Final = frozenset({"ultrasound, colour"})
"""Titles of samples whose flow the finder takes for text: they may wait for a person."""


def harmed(rows: Sequence[Row], archive: Path) -> tuple[str, ...]:
    """Return the titles of text-free samples that did not arrive with their own pixels."""
    return tuple(_changed([row for row in rows if row.title in TEXT_FREE], archive, {}))


def flow_harmed(rows: Sequence[Row], archive: Path) -> tuple[str, ...]:
    """Return the titles of samples whose flow is not what the scanner sent.

    One that is taken for text may be withheld; what is delivered has its flow as it was.
    """
    shown = [row for row in rows if row.title in FLOW]
    waiting = {
        row.title
        for row in shown
        if row.title in TAKEN_FOR_TEXT and row.ended.journey.clean is None
    }
    return tuple(_changed([row for row in shown if row.title not in waiting], archive, FLOW))


def _changed(rows: Sequence[Row], archive: Path, parts: Mapping[str, Box]) -> Iterator[str]:
    arrived = {
        str(dataset.SOPInstanceUID): dataset for dataset in map(dcmread, sorted(archive.iterdir()))
    }
    for row in rows:
        clean = row.ended.journey.clean
        if clean is None:
            yield f"{row.title} (withheld)"
            continue
        part = parts.get(row.title)
        where = (...,) if part is None else part.slices
        pairs = zip(_frames(row.original), _frames(arrived[clean.sop_instance_uid]), strict=True)
        if not all(np.array_equal(before[where], after[where]) for before, after in pairs):
            yield row.title


def _frames(dataset: Dataset) -> Iterator[NDArray[np.generic]]:
    keyword = pixel_keyword(dataset)
    if keyword is not None:
        frames = Frames(dataset, keyword)
        for number in range(len(frames)):
            yield values_of(frames[number], frames.layout)
