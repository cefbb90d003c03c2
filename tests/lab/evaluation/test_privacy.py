"""Figures come out of whole runs, and nothing that was read does."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from deid_node.errors import UnsupportedObject
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.arms import OwnArm, PeerArm
from deid_node_lab.evaluation.cases import Case, Item, case_of, contrast_levels, dataset_of
from deid_node_lab.evaluation.privacy import evaluate
from deid_node_lab.evaluation.tables import page
from tests.fakes.finder import finds_ink, finds_nothing, has_ink

WORD, NAME = "Secretname", "Quandt"
LINE = Box(20, 20, 70, 32)


class Reader:
    """A peer that sees one box while there is ink in it, and reads one word there."""

    name = "reader"

    def boxes(self, picture: DisplayFrame) -> Sequence[Box]:
        return [LINE] if has_ink(picture, LINE) else []

    def texts(self, picture: DisplayFrame) -> Sequence[str]:
        return [WORD, NAME] if has_ink(picture, LINE) else []


@pytest.fixture
def case() -> Case:
    picture = np.full((64, 96), 40, np.uint8)
    picture[22:30:2, 22:68:2] = 250
    dataset = dataset_of(picture)
    dataset.PatientName = f"{NAME}^Roberta"
    corners = [[20, 20], [70, 20], [70, 32], [20, 32]]
    return case_of(dataset, [Item(np.array(corners, np.float32), WORD)], group="US")


def own(*, sees: bool) -> OwnArm:
    finder = finds_ink(LINE) if sees else finds_nothing()
    return OwnArm(finder, PixelCleaner(finder, SolidInpainter()))


def test_found_text_is_cleaned_and_no_longer_read(case: Case) -> None:
    report = evaluate([case], [own(sees=True), PeerArm(Reader())], readers=[Reader()])

    for arm in report["arms"]:
        assert arm["figures"]["items_found"]["value"] == 1.0
        (residual,) = arm["residual"]
        assert (residual["readable_before"], residual["readable_after"]) == (1, 0)
        assert (residual["identifiers_before"], residual["identifiers_after"]) == (1, 0)
        assert (residual["seen_before"], residual["seen_after"]) == (2, 0)


def test_missed_text_is_still_read(case: Case) -> None:
    report = evaluate([case], [own(sees=False)], readers=[Reader()])

    (arm,) = report["arms"]
    assert arm["figures"]["items_found"]["value"] == 0.0
    assert arm["residual"][0]["readable_after"] == 1
    assert arm["residual"][0]["identifiers_after"] == 1


def test_no_word_name_or_path_is_in_report_or_tables(case: Case) -> None:
    report = evaluate([case], [own(sees=False), PeerArm(Reader())], readers=[Reader()])

    told = json.dumps(report) + page(report)
    for value in (WORD, NAME, "Roberta"):
        assert value.lower() not in told.lower()
        assert value.lower() not in repr(case).lower()


def test_breakdowns_count_each_line_once(case: Case) -> None:
    report = evaluate([case, case], [own(sees=True)])

    by = report["arms"][0]["by"]
    assert by["height"]["10-20 px"]["whole"] == 2
    assert by["contrast"]["180 levels and more"]["whole"] == 2
    assert by["group"]["US"]["part"] == 2
    assert report["groups"] == {"US": 2}


def test_only_the_first_images_are_read_when_told_so(case: Case) -> None:
    report = evaluate([case, case, case], [own(sees=True)], readers=[Reader()], read_limit=1)

    assert report["images"] == 3
    assert report["arms"][0]["residual"][0]["images"] == 1


def test_an_image_that_is_withheld_is_counted_and_not_read(case: Case) -> None:
    case.dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"  # a segmentation is never filled

    report = evaluate([case], [own(sees=True)], readers=[Reader()])

    assert report["arms"][0]["withheld"] == {"residual_text": 1}
    assert report["arms"][0]["residual"] == []
    assert "residual_text: 1" in page(report)


def test_an_object_without_pixels_is_no_case(case: Case) -> None:
    del case.dataset.PixelData

    with pytest.raises(UnsupportedObject):
        case_of(case.dataset, ())


@pytest.mark.parametrize("shape", [(31, 33), (31, 33, 3)], ids=["grey", "colour"])
def test_a_picture_is_shown_as_it_is(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)

    assert np.array_equal(case_of(dataset_of(picture), ()).picture, picture)


@pytest.mark.parametrize(("ground", "ink"), [(20, 220), (220, 20), (100, 130)])
def test_contrast_is_the_distance_of_ink_and_ground(ground: int, ink: int) -> None:
    picture = np.full((40, 60), ground, np.uint8)
    picture[10:20:2, 10:40:3] = ink
    line = Item(np.array([[8, 8], [42, 8], [42, 22], [8, 22]], np.float32))

    assert contrast_levels(picture, line) == abs(ground - ink)
    assert contrast_levels(np.full((40, 60), 9, np.uint8), line) == 0
