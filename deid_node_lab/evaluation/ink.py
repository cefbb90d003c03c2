"""The ink of a line that a person can see: what a line counts by.

A box says where a line was written, not what can be seen of it. White letters on
saturated bone are no text to anybody, and the empty half of a wrapped line hides no
name. So a line counts by its strokes, in whichever view they stand out:

* A *stroke* is what is thinner than half of the line's height: by how many grey levels a
  pixel differs from the frame after an opening (light strokes) or a closing (dark ones)
  with a square of that side. An edge of an organ or of a banner is no stroke, whatever
  its contrast.
* The *ground* is the surround of the line without any line. Its own strokes (speckle,
  trabeculae, noise) are the measure: three quarters of its pixels lie below its *texture*.
* A line is *seen* in a plane of a view (grey, or one of three channels) where the mean of
  its strongest strokes is at least one level and `STANDS_OUT` times the texture, or
  `SURELY_SEEN_LEVELS` whatever the texture.
* Its *ink* there are the pixels of at least half that strength that stand out as well,
  light or dark, whichever lie further from the level of the ground: between light strokes
  lie dark gaps. Ink in any plane is ink. Fewer than `LEAST_INK_PIXELS` are a speck.

One level on a flat ground counts: any viewer can stretch it until it is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame, Mask
from deid_node_lab.evaluation.areas import Place, painted
from deid_node_lab.evaluation.cases import Case, Item

STANDS_OUT: Final = 2.0
"""How far strokes exceed what three quarters of the ground's pixels stay below.

White noise alone reaches 1.7. A rule or a frame beside a line takes less than a quarter.
"""

LEAST_LEVELS: Final = 1.0
SURELY_SEEN_LEVELS: Final = 128.0
"""Strokes of half the grey scale are seen on any ground: graphics around a line,
which no box tells, must not make it vanish."""

LEAST_INK_PIXELS: Final = 6
_STRONGEST_SHARE: Final = 0.02
_STRONGEST_LEAST: Final = 8
_STROKE_OF_HEIGHT: Final = 0.5
_LEAST_SIDE, _MOST_SIDE = 5, 61
_REACH_PIXELS: Final = 12
_SLACK_PIXELS: Final = 4
_TEXTURE_PERCENT: Final = 75


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """The visible strokes of a line: `pixels` is a mask of the part `place` of the frame."""

    place: Place
    pixels: Mask

    @property
    def seen(self) -> bool:
        """Whether anybody can see the line."""
        return int(self.pixels.sum()) >= LEAST_INK_PIXELS

    def hidden_share(self, mask: Mask) -> float:
        """Return how much of the ink lies under `mask` of the whole frame; 1 without ink."""
        total = int(self.pixels.sum())
        return int((self.pixels & mask[self.place]).sum()) / total if total else 1.0


def ink_of(case: Case, items: Iterable[Item]) -> tuple[Ink, ...]:
    """Return the visible ink of each of `items`, whose ground is free of every line of `case`."""
    shape = case.picture.shape[:2]
    planes = tuple(_planes((case.picture, *case.views)))
    written = np.zeros(shape, np.bool_)
    for item in case.items:
        place, inside = painted(item.corners, shape, more=_SLACK_PIXELS)
        side = 2 * _SLACK_PIXELS + 1
        written[place] |= cv2.dilate(inside.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return tuple(_ink(item, planes, written) for item in items)


def _ink(item: Item, planes: Sequence[NDArray[np.uint8]], written: Mask) -> Ink:
    side = _side(item)
    place, inside = painted(item.corners, written.shape, more=side + _REACH_PIXELS)
    ink = np.zeros(inside.shape, np.bool_)
    if not inside.any():
        return Ink(place, ink)
    ground = ~written[place]
    for plane in planes:
        cut = plane[place]
        level = float(np.median(cut[ground])) if ground.any() else 0.0
        standing = [_standing_out(one, inside, ground) for one in _strokes(cut, side)]
        ink |= max(standing, key=lambda one: _off_ground(cut, one, level))
    return Ink(place, ink)


def _off_ground(plane: NDArray[np.uint8], ink: Mask, level: float) -> float:
    return abs(float(plane[ink].mean()) - level) if ink.any() else -1.0


def _standing_out(strokes: NDArray[np.int16], inside: Mask, ground: Mask) -> Mask:
    texture = float(np.percentile(strokes[ground], _TEXTURE_PERCENT)) if ground.any() else 0.0
    least = max(LEAST_LEVELS, min(STANDS_OUT * texture, SURELY_SEEN_LEVELS))
    strength = _strongest(strokes[inside])
    if strength < least:
        return np.zeros_like(inside)
    return np.asarray(inside & (strokes >= max(least, strength / 2)), np.bool_)


def _planes(views: Iterable[DisplayFrame]) -> Iterator[NDArray[np.uint8]]:
    """Yield each grey view and each channel of a colour view, none of them twice."""
    seen: list[NDArray[np.uint8]] = []
    for view in views:
        channels = (view,) if view.ndim == 2 else tuple(np.moveaxis(view, 2, 0))
        for plane in channels:
            if not any(np.array_equal(plane, other) for other in seen):
                seen.append(plane)
                yield plane


def _strokes(plane: NDArray[np.uint8], side: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return by how many levels each pixel stands out as part of something thin: light, dark."""
    kernel = np.ones((side, side), np.uint8)
    levels = np.ascontiguousarray(plane)
    light = levels - cv2.morphologyEx(levels, cv2.MORPH_OPEN, kernel)
    dark = cv2.morphologyEx(levels, cv2.MORPH_CLOSE, kernel) - levels
    return light.astype(np.int16), dark.astype(np.int16)


def _strongest(strokes: NDArray[np.int16]) -> float:
    count = min(len(strokes), max(_STRONGEST_LEAST, round(_STRONGEST_SHARE * len(strokes))))
    return float(np.partition(strokes, len(strokes) - count)[-count:].mean())


def _side(item: Item) -> int:
    """Return the side of the square that no stroke of the line can hold: odd."""
    edges = np.linalg.norm(item.corners - np.roll(item.corners, 1, axis=0), axis=1)
    side = int(np.clip(round(float(edges.min()) * _STROKE_OF_HEIGHT), _LEAST_SIDE, _MOST_SIDE))
    return side | 1
