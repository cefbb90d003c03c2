"""Fills that are carried from frame to frame: a background that stands still is filled once.

What counts is the nearer surround. A heart that moves in the middle of a screen is no
reason to draw the ground of a label in its corner anew, and another draw would be
seen as a flicker.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from deid_node.pixels.fill.base import Filled, Inpainter
from deid_node.pixels.fill.crops import RANGE_PIXELS, Crop
from deid_node.pixels.fill.surround import near
from deid_node.values.geometry import Box


class Carried:
    """The last fill of each place of one instance; frames are asked for in their order."""

    def __init__(self) -> None:
        self._last: dict[Box, tuple[bytes, Filled]] = {}

    def filled(self, crops: Sequence[Crop], inpainter: Inpainter) -> tuple[Filled, ...]:
        """Return `crops` filled, by `inpainter` where the surround is not that of the last time."""
        digests = [_digest(crop) for crop in crops]
        last: dict[Box, bytes] = {place: digest for place, (digest, _) in self._last.items()}
        fresh = []
        for number, (crop, digest) in enumerate(zip(crops, digests, strict=True)):
            if last.get(crop.window) != digest:
                fresh.append(number)
                last[crop.window] = digest
        made = inpainter.fill([crops[number] for number in fresh])
        new = dict(zip(fresh, made, strict=True))
        result = []
        for number, (crop, digest) in enumerate(zip(crops, digests, strict=True)):
            if number in new:
                self._last[crop.window] = (digest, new[number])
            result.append(self._last[crop.window][1])
        return tuple(result)


def _digest(crop: Crop) -> bytes:
    """Return a digest of all that a fill is made of near the target; it stands for equality."""
    around = near(crop.target, RANGE_PIXELS)
    digest = hashlib.blake2b(digest_size=32)
    for part in (crop.mask[around], crop.target, np.ascontiguousarray(crop.stored[around])):
        digest.update(part.tobytes())
    for one in crop.neighbours:
        digest.update(one.mask.tobytes())
        digest.update(np.ascontiguousarray(one.stored).tobytes())
    return digest.digest()
