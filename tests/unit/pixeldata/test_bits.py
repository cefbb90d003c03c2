import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_node.pixeldata.bits import stray, values_of, words_of
from deid_node.pixeldata.layout import Layout


def layout(allocated: int, stored: int, high: int, *, signed: bool) -> Layout:
    return Layout("PixelData", 2, 2, 1, allocated, stored, high, signed, "MONOCHROME2", 0, 1)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    allocated = draw(st.sampled_from([8, 16, 32]))
    stored = draw(st.integers(1, allocated))
    high = draw(st.integers(stored - 1, allocated - 1))
    return layout(allocated, stored, high, signed=draw(st.booleans()))


@given(layouts(), st.lists(st.integers(0, 2**32 - 1), min_size=4, max_size=4))
def test_values_survive_being_written(kind: Layout, numbers: list[int]) -> None:
    span = 1 << kind.bits_stored
    low = -(span // 2) if kind.signed and kind.bits_stored > 1 else 0
    values = np.array([n % span + low for n in numbers]).astype(kind.value_dtype).reshape(2, 2)
    if kind.signed and kind.bits_stored == 1:
        values = -values

    words = words_of(values, kind)

    assert np.array_equal(values_of(words, kind), values)
    assert not stray(words, kind)


@given(layouts(), st.integers(0, 2**32 - 1))
def test_words_are_stray_exactly_when_writing_them_anew_would_change_unused_bits(
    kind: Layout, number: int
) -> None:
    words = np.full((2, 2), number % (1 << kind.bits_allocated), dtype=kind.word_dtype)
    used = ((1 << kind.bits_stored) - 1) << kind.low_bit
    unused = int(words[0, 0]) & ~used
    sign = bool(int(words[0, 0]) >> kind.high_bit & 1) and kind.signed
    above = ((1 << kind.bits_allocated) - 1) ^ ((1 << (kind.high_bit + 1)) - 1)
    allowed = {0} | ({above} if sign else set())

    assert stray(words, kind) == (unused not in allowed)


@pytest.mark.parametrize("signed", [False, True])
def test_an_overlay_in_the_high_bits_is_stray_and_no_part_of_the_values(signed: bool) -> None:
    kind = layout(16, 12, 11, signed=signed)
    words = np.array([[5, 5], [5, 5]], dtype=np.uint16)
    words[0, 0] |= 1 << 14

    assert stray(words, kind)
    assert (values_of(words, kind) == 5).all()
