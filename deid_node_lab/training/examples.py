"""Images with known lines of text, to measure a finder by; none is ever trained on.

Real screens with boxes drawn by hand, text rendered on held-out images in
held-out fonts, and images without text. A third of the real screens chooses the
threshold; the others only report.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node_lab.training.backgrounds import Background
from deid_node_lab.training.samples import SampleMaker
from deid_node_lab.training.views import as_frame

Part: TypeAlias = Literal["validation", "test"]


@dataclass(frozen=True, slots=True)
class Example:
    """A frame with its lines, each as four corners ``(x, y)``.

    `optional` lines are neither a miss nor a false alarm.
    """

    name: str
    frame: DisplayFrame
    items: tuple[NDArray[np.float32], ...]
    optional: tuple[NDArray[np.float32], ...] = ()


def screens(folder: Path, part: Part) -> tuple[Example, ...]:
    """Return the DICOM screens below `folder` that ``boxes.json`` has boxes for."""
    images = json.loads((folder / "boxes.json").read_text("utf-8"))["images"]
    chosen = [
        name
        for index, name in enumerate(sorted(images))
        if (index % 3 == 2) == (part == "validation")
    ]
    return tuple(_screen(folder, name, images[name]) for name in chosen)


def text_free(backgrounds: Sequence[Background]) -> Iterator[Example]:
    """Return an example without lines for each picture, as the corridor shows it."""
    for background in backgrounds:
        yield Example(background.path, as_frame(background.pixels), ())


def rendered(maker: SampleMaker, count: int) -> Iterator[Example]:
    """Return the first `count` samples of `maker`, with the lines that can be read.

    Lines cut to slivers by the border and those below 5 pixels are optional.
    """
    for index in range(count):
        sample = maker.sample(index)
        side = sample.picture.shape[0]
        asked: list[NDArray[np.float32]] = []
        optional: list[NDArray[np.float32]] = []
        for line in sample.lines:
            extent = np.ptp(np.clip(line.corners, 0, side), axis=0)
            short = min(float(extent.min()), line.height)
            (asked if short >= min(5.0, 0.6 * line.height + 1) else optional).append(line.corners)
        yield Example(f"rendered-{index}", sample.picture, tuple(asked), tuple(optional))


def _screen(folder: Path, name: str, image: dict[str, Any]) -> Example:
    dataset = pydicom.dcmread(folder / name)
    stored = dataset.pixel_array
    if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        stored = stored[image["frame"]]
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
        stored = (stored >> 8).astype(np.uint8) if stored.dtype != np.uint8 else stored
    boxes = image["boxes"]
    if stored.dtype != np.uint8:
        raise ValueError(f"not an 8-bit screen: {name}")
    return Example(
        name,
        as_frame(np.ascontiguousarray(stored)),
        tuple(_corners(box) for box in boxes if not box.get("optional")),
        tuple(_corners(box) for box in boxes if box.get("optional")),
    )


def _corners(box: dict[str, int]) -> NDArray[np.float32]:
    left, top, right, bottom = box["x0"], box["y0"], box["x1"], box["y1"]
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
