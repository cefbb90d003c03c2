"""The attack reads what is left, and finds nothing where nothing is."""

from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed here")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.pixels.text.read.build import build_reader
from deid_node.pixels.text.read.options import CrnnReaderOptions
from deid_node_lab.evaluation.restoration.arms import Attempt, BlackBox, NodeArm
from deid_node_lab.evaluation.restoration.holes import Hole
from deid_node_lab.evaluation.restoration.legibility import (
    OwnReader,
    Pair,
    attacked,
    control,
    pairs_on,
    similarity,
)
from tests.builders.textures import rough_picture


@pytest.fixture(scope="module")
def reader() -> OwnReader:
    return OwnReader(build_reader(CrnnReaderOptions(device="cpu")))


@pytest.fixture(scope="module")
def pairs() -> tuple[Pair, ...]:
    return tuple(pairs_on([rough_picture(n, grain=5.0) for n in range(8)], (), seed=1, limit=8))


class Untouched:
    """Leaves the text where it is."""

    name = "untouched"

    def fill(self, holes: Sequence[Hole]) -> Sequence[Attempt]:
        return tuple(Attempt(hole.written[hole.view.slices]) for hole in holes)


def test_the_two_texts_of_a_pair_stand_under_one_mask(pairs: tuple[Pair, ...]) -> None:
    assert len(pairs) == 8
    for pair in pairs:
        first, second = pair.holes[0][0], pair.holes[1][0]
        assert pair.texts[0] != pair.texts[1]
        assert first.boxes == second.boxes
        for hole in (first, second):
            assert hole.mask[hole.written != hole.picture.values].all()


def test_the_two_frames_of_a_pair_differ_by_little(pairs: tuple[Pair, ...]) -> None:
    still, again = (hole.picture.values.astype(int) for hole in pairs[0].holes[0])

    assert 0 < np.abs(still - again).mean() < 4


def test_text_that_was_not_masked_is_read(pairs: tuple[Pair, ...], reader: OwnReader) -> None:
    told = attacked(Untouched(), pairs, [reader])

    excess = told["readers"][reader.name]["excess"]
    assert excess["low"] > 0
    assert told["same_bytes"] == 0.0


def test_a_little_ink_that_was_left_is_read(pairs: tuple[Pair, ...], reader: OwnReader) -> None:
    told = control(BlackBox(), pairs, [reader])

    assert told["readers"][reader.name]["excess"]["low"] > 0


@pytest.mark.parametrize(
    "arm", [BlackBox(), NodeArm("Telea", TeleaInpainter())], ids=lambda arm: arm.name
)
def test_a_fill_made_of_the_surround_says_nothing(
    arm: BlackBox, pairs: tuple[Pair, ...], reader: OwnReader
) -> None:
    told = attacked(arm, pairs, [reader])

    assert told["same_bytes"] == 1.0
    assert told["readers"][reader.name]["excess"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_pictures_of_one_line_are_shown(pairs: tuple[Pair, ...]) -> None:
    shown: list[Sequence[DisplayFrame]] = []

    class Watching:
        name = "watching"

        def texts(self, pictures: Sequence[DisplayFrame]) -> Sequence[str]:
            shown.append(pictures)
            return ()

    attacked(Untouched(), pairs[:1], [Watching()])

    assert [len(pictures) for pictures in shown] == [5, 5]
    assert all(one.dtype == np.uint8 and one.ndim == 2 for one in shown[0])


def test_fills_that_are_alike_are_read_once(pairs: tuple[Pair, ...]) -> None:
    asked: list[int] = []

    class Counting:
        name = "counting"

        def texts(self, pictures: Sequence[DisplayFrame]) -> Sequence[str]:
            asked.append(len(pictures))
            return ()

    attacked(BlackBox(), pairs[:2], [Counting()])

    assert asked == [5, 5]


@pytest.mark.parametrize(
    ("said", "truth", "wanted"),
    [("AB12", "AB12", 1.0), ("ab-12", "AB12", 1.0), ("AX12", "AB12", 0.75), ("", "AB", 0.0),
     ("XAB12", "AB12", 0.8), ("kitten", "sitting", 1 - 3 / 7)],
)  # fmt: skip
def test_similarity_is_edit_distance_by_length(said: str, truth: str, wanted: float) -> None:
    assert similarity(said, truth) == pytest.approx(wanted)
