"""Stored frames to what a reader sees: 8-bit grey or RGB, and in views for a finder.

One window is not enough. Text that was burned in at the top of the range is
white in every window; text burned in at a value below the window is black on
black there, yet any viewer brings it back. So a grey frame is shown to a finder in
three views at once, as the channels of one picture: the clinical window, the full
range, and an equalised view in which small steps between large populations stand
apart. Such a picture looks coloured; its first channel is what a person would be
shown. A second clinical window makes a second picture.

Source: PS3.3 C.7.6.3.1.2 (photometric interpretation), C.11.1 (Modality LUT),
C.11.2 (VOI LUT), C.7.6.16.2.9, C.7.6.16.2.10 (per frame); PS3.4 N.2.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from deid_node.pixeldata.arrays import DisplayFrame, StoredFrame
from deid_node.pixeldata.attributes import items, numbers
from deid_node.pixeldata.layout import Layout
from deid_node.pixeldata.levels import WHITE, Levels
from deid_node.pixeldata.palette import Palette, palette_of

_MAX_WINDOWS: Final = 2
_BYTE_BITS: Final = 8
_DIM_LEVELS: Final = 128
"""A colour frame that uses fewer levels than this is shown stretched and equalised as well."""


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
        """Return what a person would be shown of frame `index`: grey, or RGB."""
        if self._layout.samples == 3:
            return rgb_of(values, self._layout)
        if self.palette is not None:
            shown: DisplayFrame = self.palette.rgb(values)
            return shown
        return next(self._windowed(Levels(values), values, index))

    def views(
        self, values: StoredFrame, index: int, *, like: StoredFrame | None = None
    ) -> tuple[DisplayFrame, ...]:
        """Return every picture of frame `index` in which text is to be looked for.

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
        At least one 8-bit picture ``(rows, columns, 3)``: RGB of a colour frame; of a
        grey one window, full range and equalised view. One that shows no more than
        another is left out.
        """
        if self._layout.samples == 3:
            rgb = rgb_of(values, self._layout)
            model = rgb if like is None else rgb_of(like, self._layout)
            if int(model.max()) - int(model.min()) >= _DIM_LEVELS:
                return (rgb,)
            return rgb, in_views(_summed(rgb), None if like is None else _summed(model))
        if self.palette is not None:
            shown: DisplayFrame = self.palette.rgb(values)
            indices = values if like is None else like
            return (shown, in_views(values, like)) if self.palette.hides(indices) else (shown,)
        levels = Levels(values, like)
        full, equalised = levels.scaled(levels.low, levels.high), levels.equalised()
        if self._layout.photometric == "MONOCHROME1":
            full, equalised = WHITE - full, WHITE - equalised
        return tuple(
            np.stack([window, full, equalised], axis=2)
            for window in self._windowed(levels, values, index)
        )

    def readable(self, pictures: Sequence[DisplayFrame]) -> tuple[tuple[DisplayFrame, ...], ...]:
        """Return each of `pictures`, as `views` gave them, apart into what can be read on it.

        RGB is read as it is; of a picture that shows a grey frame each channel is a view
        of its own, on which other words may stand. The equalised view of 8 bits is found
        on and not read: there it makes letters of any grain.
        """
        coloured = self._layout.samples == 3 or self.palette is not None
        deep = coloured or self._layout.bits_stored > _BYTE_BITS
        return tuple(
            (one,) if coloured and number == 0 else tuple(one[..., n] for n in range(2 + deep))
            for number, one in enumerate(pictures)
        )

    def _windowed(self, levels: Levels, values: StoredFrame, index: int) -> Iterator[DisplayFrame]:
        """Yield a grey frame in each of its windows, as a reader sees it; in one at least."""
        for view in self._in_windows(levels, values, index):
            yield WHITE - view if self._layout.photometric == "MONOCHROME1" else view

    def _in_windows(
        self, levels: Levels, values: StoredFrame, index: int
    ) -> Iterator[DisplayFrame]:
        low, high = levels.low, levels.high
        seen: set[tuple[float, float]] = set()
        for window in self._windows(index):
            # A window that holds the whole range shows what the full range shows, dimmer.
            if window not in seen and (window[0] > low or window[1] < high or not seen):
                seen.add(window)
                yield levels.scaled(*window)
        if seen:
            return
        if values.dtype == np.uint8 and high > 1:
            yield np.ascontiguousarray(values, dtype=np.uint8)
        else:
            yield levels.scaled(low, high)

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


def in_views(values: StoredFrame, like: StoredFrame | None = None) -> DisplayFrame:
    """Return values of one sample ``(rows, columns)`` as a finder is shown them.

    For what has no window of its own: a grey picture, indices of a palette, an overlay.
    `like` as for `Display.views`.
    """
    levels = Levels(values, like)
    full = levels.scaled(levels.low, levels.high)
    plain = np.asarray(values, np.uint8) if values.dtype == np.uint8 and levels.high > 1 else full
    return np.stack([plain, full, levels.equalised()], axis=2)


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


def _full(values: StoredFrame) -> DisplayFrame:
    levels = Levels(values)
    return levels.scaled(levels.low, levels.high)


def _summed(rgb: DisplayFrame) -> StoredFrame:
    """Return the sum of red, green and blue, in which a step of any of them shows."""
    summed: StoredFrame = rgb.sum(axis=2, dtype=np.uint16)
    return summed
