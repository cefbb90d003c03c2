"""How well a finder finds: lines found, images found whole, area masked without need.

The rule of a hit: nine tenths of a line's box lie under the mask, the mask being
the found boxes with a margin, as the cleaner makes it. Half a name is a name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.values.geometry import Found
from deid_node_lab.training.examples import Example

MARGIN_PIXELS = 3
"""How far masks reach beyond the found boxes."""

_COVERED_SHARE = 0.9
_HEIGHTS = (0, 7, 10, 20, 40)
_SLACK_PIXELS = 4  # boxes drawn by hand are that much too wide or too narrow


@dataclass(slots=True)
class Figures:
    """What came out of one set of images; counts are added image by image."""

    images: int = 0
    items: int = 0
    items_found: int = 0
    images_whole: int = 0
    images_touched: int = 0
    pixels: int = 0
    pixels_unneeded: int = 0
    missed: list[str] = field(default_factory=list)
    by_height: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def recall(self) -> float:
        """Share of the lines that were found; 1 where there are none."""
        return self.items_found / self.items if self.items else 1.0

    @property
    def unneeded(self) -> float:
        """Share of all pixels that was masked without need."""
        return self.pixels_unneeded / self.pixels if self.pixels else 0.0

    def line(self) -> str:
        """Return the figures in words."""
        return (
            f"items {self.items_found}/{self.items} ({self.recall:.4f}), "
            f"images whole {self.images_whole}/{self.images}, "
            f"unneeded area {self.unneeded:.4%}, images touched {self.images_touched}/{self.images}"
        )


def judge(results: Iterable[tuple[Example, Sequence[Found]]]) -> Figures:
    """Return the figures of a finder's answers.

    `images_touched` counts those where any pixel was masked without need; `by_height`
    holds lines found and lines asked for by the height of their ink.
    """
    figures = Figures()
    for example, found in results:
        rows, columns = example.frame.shape[:2]
        mask = np.zeros((rows, columns), np.bool_)
        for one in found:
            mask[one.box.grown(MARGIN_PIXELS, rows=rows, columns=columns).slices] = True
        hits = [_covered(mask, corners) >= _COVERED_SHARE for corners in example.items]
        allowed = np.zeros((rows, columns), np.uint8)
        for corners in (*example.items, *example.optional):
            _paint(allowed, corners)
        reach = 2 * (MARGIN_PIXELS + _SLACK_PIXELS) + 1
        allowed = np.asarray(cv2.dilate(allowed, np.ones((reach, reach), np.uint8)), np.uint8)
        unneeded = int((mask & (allowed == 0)).sum())
        figures.images += 1
        figures.items += len(hits)
        figures.items_found += sum(hits)
        figures.images_whole += all(hits)
        figures.images_touched += unneeded > 0
        for corners, hit in zip(example.items, hits, strict=True):
            name = _height_class(corners)
            hit_before, before = figures.by_height.get(name, (0, 0))
            figures.by_height[name] = (hit_before + hit, before + 1)
        figures.pixels += rows * columns
        figures.pixels_unneeded += unneeded
        figures.missed += [
            f"{example.name} at {corners.min(0).astype(int).tolist()}"
            for corners, hit in zip(example.items, hits, strict=True)
            if not hit
        ]
    return figures


def _height_class(corners: NDArray[np.float32]) -> str:
    height = float(np.hypot(*(corners[3] - corners[0])))
    for low, high in pairwise(_HEIGHTS):
        if height < high:
            return f"{low}-{high} px"
    return f"{_HEIGHTS[-1]} px and more"


def _covered(mask: Mask, corners: NDArray[np.float32]) -> float:
    area = np.zeros(mask.shape, np.uint8)
    _paint(area, corners)
    inside = area > 0
    total = int(inside.sum())
    return float((mask & inside).sum()) / total if total else 1.0


def _paint(area: NDArray[np.uint8], corners: NDArray[np.float32]) -> None:
    # Corners are edges of pixels; fillPoly takes their centres and paints its border too.
    centre = corners.mean(0)
    inner = corners + np.sign(centre - corners) * 0.5
    cv2.fillPoly(area, [inner.round().astype(np.int32)], 1)
