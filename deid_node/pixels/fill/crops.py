"""The part of a frame around a mask, as an inpainter gets it.

A crop is in stored values, without those under the mask: they are overwritten where
it is made, so that no backend can let them through.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame, Mask, StoredFrame
from deid_node.pixeldata.layout import Layout
from deid_node.pixeldata.palette import Palette
from deid_node.pixels.fill.surround import median_of, near, ring_of
from deid_node.pixels.fill.tones import TOP, LinearTone, PaletteTone, Shown, Tone, tone_of
from deid_node.values.geometry import Box

RANGE_PIXELS: Final = 32
"""How far around what is filled the pixels count whose range makes the grey scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """The window of a crop on another frame of the same instance.

    `stored` are its values, those under `mask` overwritten: what is filled on that frame,
    or stays on it by leave, is no more to be seen here than what is filled on this one.
    """

    stored: StoredFrame
    mask: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A crop before it is filled.

    `stored` is the crop in stored values, those under `mask` overwritten; `target` is
    the part of `mask` that is to be filled, the rest is another crop's; `window` is where it
    lies in its frame. `tone` leads to
    grey or RGB and back. `prompt` says what kind of image it is (``ultrasound
    image``), and with one `seed` and one `window` noise is the same each time.
    `neighbours` are the nearest frames on which the target is bare, if any; `next_slice` is
    the window on the slice beside this one, number `slice_number` of a stack, where there is one.
    """

    stored: StoredFrame
    mask: Mask
    target: Mask
    tone: Tone
    window: Box
    prompt: str = ""
    seed: int = 0
    neighbours: tuple[Neighbour, ...] = ()
    next_slice: Neighbour | None = None
    slice_number: int = 0

    def shown(self) -> Shown:
        """Return the crop as grey or RGB on a scale of 0 to 255."""
        return self.tone.shown(self.stored)

    def back(self, shown: Shown) -> StoredFrame:
        """Return a filled crop in stored values: `shown` under `target`, the rest as it was."""
        result = self.stored.copy()
        result[self.target] = self.tone.stored(shown, result.dtype)[self.target]
        return result

    def plain(self, ring: Mask) -> NDArray[np.generic]:
        """Return the one stored value that stands best for `ring`, one number a sample."""
        if isinstance(self.tone, PaletteTone):
            values, counts = np.unique(self.stored[ring], return_counts=True)
            best = values[np.argmax(counts)] if values.size else self.stored.dtype.type(0)
            return np.asarray(best, dtype=self.stored.dtype)
        return median_of(self.stored, ring)


def crop_of(
    values: StoredFrame,
    mask: Mask,
    layout: Layout,
    palette: Palette | None,
    *,
    target: Mask | None = None,
    window: Box | None = None,
    prompt: str = "",
    seed: int = 0,
    neighbours: tuple[Neighbour, ...] = (),
) -> Crop:
    """Return a crop ready to be filled; no argument is written to.

    Parameters
    ----------
    values
        ``(rows, columns[, 3])`` stored values of the crop.
    mask
        ``(rows, columns)``, every pixel that may not be looked at.
    target
        The part of it that is to be filled; all of it by default.
    window
        Where it lies in its frame; at the corner by default.
    """
    wanted = mask if target is None else target & mask
    blank = values.copy()
    blank[mask] = median_of(values, ring_of(mask))
    around = near(wanted, RANGE_PIXELS) & ~mask
    known = blank[around] if around.any() else blank[~mask]
    if not known.size:
        known = np.zeros((1, *blank.shape[2:]), dtype=blank.dtype)
    rows, columns = mask.shape
    return Crop(
        blank,
        mask,
        wanted,
        tone_of(known, layout, palette),
        window or Box(0, 0, columns, rows),
        prompt,
        seed,
        neighbours,
    )


def picture_crop(frame: DisplayFrame, mask: Mask, *, prompt: str = "", seed: int = 0) -> Crop:
    """Return an 8-bit grey or RGB picture as a crop, for those who have no DICOM at hand.

    Raises
    ------
    ValueError
        The mask does not cover the picture, or it has another depth.
    """
    if frame.shape[:2] != mask.shape or frame.dtype != np.uint8:
        raise ValueError("a mask does not cover its 8-bit frame")
    rows, columns = mask.shape
    blank = frame.copy()
    blank[mask] = median_of(frame, ring_of(mask))
    tone = LinearTone(0.0, 1.0, 0.0, TOP)
    return Crop(blank, mask, mask, tone, Box(0, 0, columns, rows), prompt, seed)
