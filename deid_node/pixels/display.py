"""Stored frames to what a reader sees: 8-bit grey or RGB, in several views.

One window is not enough. Text that was burned in at the top of the range is
white in every window; text burned in at a value below the window is black on
black there, yet any viewer brings it back. So the clinical windows *and* the
full range are shown, and for deep images also an equalised view in which small
steps between large populations stand apart. The first view is the one that a
person would be shown.

Source: PS3.3 C.7.6.3.1.2 (photometric interpretation), C.11.1 (Modality LUT),
C.11.2 (VOI LUT), C.7.6.16.2.9, C.7.6.16.2.10 (per frame); PS3.4 N.2.
"""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from deid_node.pixels.arrays import DisplayFrame, StoredFrame
from deid_node.pixels.attributes import items, numbers
from deid_node.pixels.layout import Layout
from deid_node.pixels.levels import WHITE, Levels
from deid_node.pixels.palette import Palette, palette_of

_MAX_WINDOWS: Final = 2
_DIM_LEVELS: Final = 128
"""An 8-bit frame that uses fewer levels than this is shown stretched as well."""


class Display:
    """Views of the frames of one instance; reads the dataset once, keeps no frame.

    Parameters
    ----------
    dataset
        Where window, rescale and palette are looked up.
    layout
        Of the decoded frames.

    Raises
    ------
    MalformedDataset
        A palette is missing or broken.
    """

    def __init__(self, dataset: Dataset, layout: Layout, *, big_endian: bool = False) -> None:
        self._layout = layout
        self._dataset = dataset
        self._shared = items(dataset, "SharedFunctionalGroupsSequence")[:1]
        self._per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
        self.palette: Palette | None = None
        if layout.photometric == "PALETTE COLOR":
            self.palette = palette_of(dataset, signed=layout.signed, big_endian=big_endian)

    def picture(self, values: StoredFrame, index: int) -> DisplayFrame:
        """Return the view that a person would be shown of frame `index`."""
        return self.views(values, index)[0]

    def views(
        self, values: StoredFrame, index: int, *, like: StoredFrame | None = None
    ) -> tuple[DisplayFrame, ...]:
        """Return every view of frame `index` in which text is to be looked for.

        Parameters
        ----------
        values
            ``(rows, columns)`` or ``(rows, columns, 3)`` stored values of the frame.
        index
            Its number, from 0: windows may differ from frame to frame.
        like
            The frame whose ranges and populations make the views, where not `values`
            itself: so that a filled frame is shown as the original was.

        Returns
        -------
        At least one 8-bit grey or RGB frame of the same rows and columns. A view
        that shows no more than another is left out.
        """
        if self._layout.samples == 3:
            rgb = rgb_of(values, self._layout)
            model = rgb if like is None else rgb_of(like, self._layout)
            dim = int(model.max()) - int(model.min()) < _DIM_LEVELS
            return (rgb, _full(rgb, model)) if dim else (rgb,)
        if self.palette is not None:
            shown: DisplayFrame = self.palette.rgb(values)
            indices = values if like is None else like
            return (shown, _full(values, indices)) if self.palette.hides(indices) else (shown,)
        views = list(self._grey_views(Levels(values, like), values, index))
        if self._layout.photometric == "MONOCHROME1":
            views = [WHITE - view for view in views]
        return tuple(views)

    def _grey_views(
        self, levels: Levels, values: StoredFrame, index: int
    ) -> Iterator[DisplayFrame]:
        low, high = levels.low, levels.high
        seen: set[tuple[float, float]] = set()
        for window in self._windows(index):
            # A window that holds the whole range shows what the full range shows, dimmer.
            if window not in seen and (window[0] > low or window[1] < high or not seen):
                seen.add(window)
                yield levels.scaled(*window)
        if values.dtype == np.uint8 and high > 1:
            if not seen:
                yield np.ascontiguousarray(values, dtype=np.uint8)
            if high - low < _DIM_LEVELS or seen:
                yield levels.scaled(low, high)
            return
        if (low, high) not in seen:
            yield levels.scaled(low, high)
        if high - low > WHITE or self._layout.floating:
            yield levels.equalised()

    def _windows(self, index: int) -> list[tuple[float, float]]:
        """Return the windows of a frame as ranges of stored values."""
        slope, intercept = self._rescale(index)
        windows = []
        for group in self._groups(index, "FrameVOILUTSequence"):
            centers, widths = numbers(group, "WindowCenter"), numbers(group, "WindowWidth")
            for center, width in zip(centers, widths, strict=False):
                if width < 1 or not np.isfinite(center + width):
                    continue
                ends = [(center - width / 2 - intercept) / slope]
                ends.append((center + width / 2 - intercept) / slope)
                windows.append((min(ends), max(ends)))
        return windows[:_MAX_WINDOWS]

    def _rescale(self, index: int) -> tuple[float, float]:
        for group in self._groups(index, "PixelValueTransformationSequence"):
            slope, intercept = numbers(group, "RescaleSlope"), numbers(group, "RescaleIntercept")
            if len(slope) == 1 and len(intercept) == 1 and slope[0] != 0:
                return slope[0], intercept[0]
        return 1.0, 0.0

    def _groups(self, index: int, keyword: str) -> Iterator[Dataset]:
        own = self._per_frame[index : index + 1]
        for group in (*own, *self._shared):
            yield from items(group, keyword)
        yield self._dataset


def rgb_of(values: StoredFrame, layout: Layout) -> DisplayFrame:
    """Return colour values as 8-bit RGB ``(rows, columns, 3)``.

    Deeper samples are scaled by their full range in all three components together,
    so that hues stay.
    """
    if layout.photometric == "RGB":
        return _byte(values, layout)
    full = _byte(values, layout)
    if layout.photometric == "YBR_PARTIAL_422":
        luma = (full[..., :1].astype(np.float32) - 16) * (255 / 219)
        chroma = (full[..., 1:].astype(np.float32) - 128) * (255 / 224) + 128
        full = np.clip(np.rint(np.concatenate([luma, chroma], axis=2)), 0, 255).astype(np.uint8)
    return rgb_of_ybr(full)


def rgb_of_ybr(ybr: NDArray[np.uint8]) -> DisplayFrame:
    """Return 8-bit YBR_FULL as RGB (PS3.3 C.7.6.3.1.2)."""
    swapped = np.ascontiguousarray(ybr[..., [0, 2, 1]])
    return np.asarray(cv2.cvtColor(swapped, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


def ybr_of_rgb(rgb: DisplayFrame) -> NDArray[np.uint8]:
    """Return 8-bit RGB as YBR_FULL (PS3.3 C.7.6.3.1.2)."""
    swapped = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2YCrCb)
    return np.asarray(swapped, dtype=np.uint8)[..., [0, 2, 1]]


def _byte(values: StoredFrame, layout: Layout) -> NDArray[np.uint8]:
    if values.dtype.itemsize == 1 and not layout.signed:
        return np.ascontiguousarray(np.left_shift(values, 8 - layout.bits_stored), dtype=np.uint8)
    if layout.photometric != "RGB":
        # Chroma has its zero in the middle: only the top bits may be taken.
        return np.right_shift(values, max(0, layout.bits_stored - 8)).astype(np.uint8)
    return _full(values)


def _full(values: StoredFrame, like: StoredFrame | None = None) -> DisplayFrame:
    levels = Levels(values, like)
    return levels.scaled(levels.low, levels.high)
