"""Tiles cover a frame, overlap, and are sewn without a trace."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_node.pixels.text.find.tiles import sew, spans, tiles

multiples = st.integers(1, 400).map(lambda n: 16 * n)


@given(length=multiples)
def test_spans_keep_every_pixel_once_and_see_what_they_keep(length: int) -> None:
    cut = spans(length, side=1024, overlap=128, stride=16)

    assert [span.kept_start for span in cut[1:]] == [span.kept_stop for span in cut[:-1]]
    assert (cut[0].kept_start, cut[-1].kept_stop) == (0, length)
    assert all(s.start <= s.kept_start < s.kept_stop <= s.stop <= length for s in cut)
    assert all(s.start % 16 == 0 and s.stop - s.start <= 1024 for s in cut)


@given(length=multiples.filter(lambda n: n > 1024))
def test_neighbouring_spans_see_past_the_seam(length: int) -> None:
    cut = spans(length, side=1024, overlap=128, stride=16)

    for before, after in pairwise(cut):
        assert before.stop - before.kept_stop >= 48
        assert after.kept_start - after.start >= 48


@pytest.mark.parametrize("shape", [(64, 64), (1040, 96), (2000 // 16 * 16, 3008)])
def test_sewn_maps_equal_the_map_of_the_whole(shape: tuple[int, int]) -> None:
    rows, columns = shape
    whole = np.random.default_rng(3).random((2, rows // 2, columns // 2), np.float32)
    plan = tiles(rows, columns, side=1024, overlap=128, stride=16)

    pieces = []
    for tile in plan:
        down, across = tile.seen
        pieces.append(
            (tile, whole[:, down.start // 2 : down.stop // 2, across.start // 2 : across.stop // 2])
        )

    assert np.array_equal(sew(pieces, rows, columns, scale=2), whole)
