"""Words to values and back: the stored bits of the allocated ones.

Bits above High Bit are not pixels. Some writers leave them at zero, some repeat
the sign, and until 2004 an overlay could live there: a patient's name in a plane
that no window shows. Values never see them; `stray` tells whether they hold
something.

Source: PS3.5 8.1.1; PS3.3 C.9.2 (Overlay Bit Position, retired for embedding).
"""

from typing import Any

from numpy.typing import NDArray

from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixeldata.layout import Layout

Words = NDArray[Any]
"""``(rows, columns)`` or ``(rows, columns, samples)``; unsigned, or floating as stored."""


def values_of(words: Words, layout: Layout) -> StoredFrame:
    """Return the values in `words`, a new array or a view; sign applied, bits above cleared."""
    if layout.floating or layout.bits_allocated in {layout.bits_stored, 1}:
        return words.view(layout.value_dtype)
    above = layout.bits_allocated - 1 - layout.high_bit
    typed = (words << above).view(layout.value_dtype)
    result: StoredFrame = typed >> (above + layout.low_bit)
    return result


def words_of(values: StoredFrame, layout: Layout) -> Words:
    """Return words that hold `values` and nothing else.

    Signed values repeat their sign above High Bit (as two's complement of the
    allocated size) where no unused bits lie below; all other unused bits are zero.
    """
    if layout.floating:
        return values.astype(layout.word_dtype)
    words = values.astype(layout.value_dtype).view(layout.word_dtype)
    if layout.low_bit == 0 and (layout.signed or layout.bits_stored == layout.bits_allocated):
        return words
    used = layout.word_dtype.type((1 << layout.bits_stored) - 1)
    result: Words = (words & used) << layout.low_bit
    return result


def stray(words: Words, layout: Layout) -> bool:
    """Return whether unused bits hold something other than zero or the repeated sign."""
    if layout.floating or layout.bits_allocated in {layout.bits_stored, 1}:
        return False
    one = layout.word_dtype.type(1)
    if layout.low_bit and bool((words & ((one << layout.low_bit) - one)).any()):
        return True
    above = words >> (layout.high_bit + 1)
    if not above.any():
        return False
    if not layout.signed:
        return True
    sign = (words >> layout.high_bit) & one
    ones = (one << (layout.bits_allocated - 1 - layout.high_bit)) - one
    return bool((above != sign * ones)[above != 0].any())
