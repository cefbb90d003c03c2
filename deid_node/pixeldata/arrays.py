"""The three kinds of pixel arrays, told apart by name.

A stored frame holds what stands in Pixel Data after decoding, before any
rescale or window; a display frame is what a reader sees. Handing one where
the other is meant finds no text in a CT: air at -1000 HU is not black paint.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

StoredFrame: TypeAlias = NDArray[np.integer | np.floating]
"""``(rows, columns)`` or ``(rows, columns, samples)``, dtype as stored."""

DisplayFrame: TypeAlias = NDArray[np.uint8]
"""``(rows, columns)`` grey or ``(rows, columns, 3)`` RGB, 8 bit."""

Mask: TypeAlias = NDArray[np.bool_]
"""``(rows, columns)``; True where a pixel is to be filled."""
