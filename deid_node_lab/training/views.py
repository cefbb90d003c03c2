"""What the corridor would show of a grey picture: the three views, as channels.

The corridor shows a grey frame as one picture whose channels are the clinical window,
the full range and the equalised view (`deid_node.pixeldata.display`). A training picture
has 8 bits, so a deeper frame is made up around it: more levels, a few far values that
dim the full range, a window that clips. Text may then stand in one channel alone.
"""

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.display import in_views
from deid_node.pixeldata.levels import Levels

_WHITE = 255


def shown(
    picture: NDArray[np.uint8], chance: np.random.Generator, *, faint: bool
) -> NDArray[np.uint8]:
    """Return the views of a grey picture ``(rows, columns, 3)`` of three equal channels.

    `faint` says that text stands a few levels off its ground, which no noise may hide.
    """
    grey = np.ascontiguousarray(picture[..., 0])
    draw = chance.random()
    if draw < 0.12 and not faint:
        return picture
    views = _of_8_bits(grey, chance) if draw < 0.45 else _of_more(grey, chance, faint=faint)
    if chance.random() < 0.1:
        views = _WHITE - views
    return views


def as_frame(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture as the corridor shows it: a grey one in its views, a colour one as it is."""
    if pixels.ndim == 3 and (np.ptp(pixels, axis=2) > 0).any():
        return pixels
    grey = np.ascontiguousarray(pixels if pixels.ndim == 2 else pixels[..., 0])
    return in_views(grey)


def _of_8_bits(grey: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    levels = Levels(grey)
    full, equal = levels.scaled(levels.low, levels.high), levels.equalised()
    if chance.random() < 0.3:
        middle, width = chance.uniform(40, 200), float(np.exp(chance.uniform(3.4, 5.6)))
        return np.stack([levels.scaled(middle - width / 2, middle + width / 2), full, equal], 2)
    return np.stack([grey if chance.random() < 0.8 else full, full, equal], 2)


def _of_more(
    grey: NDArray[np.uint8], chance: np.random.Generator, *, faint: bool
) -> NDArray[np.uint8]:
    step = 1.0 if faint and chance.random() < 0.5 else float(np.exp(chance.uniform(0.7, 2.9)))
    values = grey.astype(np.float32) * step
    if not faint:
        values += chance.uniform(0, step, grey.shape)
        if chance.random() < 0.4:
            values += chance.normal(0, chance.uniform(0.2, 2.5) * step, grey.shape)
    top = _WHITE * step
    if chance.random() < 0.45:  # metal, or a mark of the scanner at the end of the range
        rows, columns = grey.shape
        y, x = int(chance.integers(rows)), int(chance.integers(columns))
        high, wide = (int(n) for n in chance.integers(1, 7, 2))
        far = top * float(np.exp(chance.uniform(0.2, 2.5)))
        values[y : y + high, x : x + wide] = far if chance.random() < 0.8 else -far
    stored = np.rint(values).astype(np.int32).clip(-32768, 32767).astype(np.int16)
    levels = Levels(stored)
    full = levels.scaled(levels.low, levels.high)
    window = full
    if chance.random() < 0.75:
        black = chance.uniform(-0.25, 0.35) * top
        window = levels.scaled(black, black + chance.uniform(0.25, 1.3) * top)
    return np.stack([window, full, levels.equalised()], 2)
