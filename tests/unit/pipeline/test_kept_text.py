"""Burned-in lines that stay, from the file that came to the file that leaves."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread

from deid_node.leaks import spoken
from deid_node.leaks.spoken import HeaderMatch
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.keep.judge import Judge, KeepList
from deid_node.pixels.text.keep.patterns import compiled
from deid_node.pixels.text.keep.sightings import places
from deid_node.pixels.text.read.base import Reader, Reading
from deid_node.pixels.text.search import Look
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.spool.rows import report_json
from deid_node.values.geometry import Box, Found
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Outcome, Withheld
from tests.builders.values import an_origin
from tests.fakes.finder import finds_ink
from tests.fakes.reader import ScriptedReader, reads, reads_always
from tests.unit.pixeldata.instances import EXPLICIT, Kind, instance

SIDE = Box(150, 20, 166, 38)
LINE = Box(10, 60, 140, 84)
SCALE = Box(20, 150, 90, 166)
ANYTHING = (re.compile(r"(?s).*"),)


def a_film(lines: Mapping[Box, str]) -> Dataset:
    """Return a film with `lines` burned in, of a patient whose header is full."""
    frame = np.full((200, 200), 20, np.uint8)
    for box, text in lines.items():
        height = box.bottom - box.top
        at = (box.left + 2, box.bottom - height // 4)
        cv2.putText(frame, text, at, cv2.FONT_HERSHEY_SIMPLEX, height / 40, 250, 1)
    dataset = instance(frame[None], Kind(EXPLICIT))
    dataset.PatientName, dataset.PatientID = "Doe^Jane^Quincy", "MR-00471193"
    dataset.PatientBirthDate, dataset.PatientAge = "19570430", "066Y"
    dataset.StudyDate, dataset.StudyTime = "20231204", "144107"
    dataset.AccessionNumber, dataset.StudyID = "RA23-5581", "1"
    dataset.InstitutionName, dataset.OperatorsName = "Riverside Clinic", "Lee^Ann"
    dataset.ReferringPhysicianName, dataset.StationName = "Ng^Bo", "XRAY9"
    return dataset


def a_corridor(
    lines: Mapping[Box, str],
    *,
    reader: Reader | None = None,
    patterns: Sequence[re.Pattern[str]] | None = None,
    keeping: bool = True,
) -> Corridor:
    listed = tuple(patterns or (*compiled("@laterality"), *compiled("@measurements")))
    keep = KeepList(reader or reads(lines), listed) if keeping else None
    cleaner = PixelCleaner(
        finds_ink(*lines),
        build_inpainter(FillPolicy.SOLID, None),
        keep=keep,
    )
    options = frozenset({Option.CLEAN_PIXEL_DATA})
    scrubber = build_scrubber(MetadataOptions(), options, key=bytes(range(32)))
    return Corridor(
        compile_router(RouteOptions()),
        {"research": Treatment(cleaner, scrubber, options)},
        Provenance("ink", "2024e"),
    )


def an_order(folder: Path, dataset: Dataset) -> WorkOrder:
    blob = folder / "blob.dcm"
    dataset.save_as(blob, enforce_file_format=True)
    return WorkOrder(InstanceId("0123456789abcdef"), 1, blob, folder / "clean.part", an_origin())


def sealed(outcome: Outcome) -> CleanInstance:
    assert isinstance(outcome, Cleaned), outcome
    return outcome.instance


def fitting(text: str) -> Box:
    """Return a box that is as long as one line of `text`: only what it says is in question."""
    return Box(10, 60, 10 + max(10, 10 * len(text)), 76)


def is_even(dataset: Dataset, box: Box) -> bool:
    return bool(np.ptp(dataset.pixel_array[box.slices]) == 0)


@pytest.mark.req("REQ-PX-10")
def test_the_side_and_the_scale_stay_and_the_name_goes(tmp_path: Path) -> None:
    lines = {SIDE: "R", LINE: "DOE JANE", SCALE: "10.5 mm"}
    film = a_film(lines)
    order = an_order(tmp_path, film)

    report = sealed(a_corridor(lines).clean(order)).report

    result = dcmread(order.output)
    assert [kept.box for kept in report.kept] == [SCALE, SIDE]
    assert {kept.source for kept in report.kept} == {"reads"}
    assert is_even(result, LINE)
    for box in (SIDE, SCALE):
        assert np.array_equal(result.pixel_array[box.slices], film.pixel_array[box.slices])


def test_what_stays_identifies_nobody_and_that_is_what_is_attested(tmp_path: Path) -> None:
    lines = {SIDE: "R", LINE: "DOE JANE"}
    order = an_order(tmp_path, a_film(lines))

    report = sealed(a_corridor(lines).clean(order)).report

    assert dcmread(order.output).BurnedInAnnotation == "NO"
    assert set(report.method_codes) == {"113100", "113101"}


@pytest.mark.req("REQ-PX-11")
@pytest.mark.parametrize(
    "text",
    [
        "DOE JANE",
        "Jane",
        "QUINCY D.",
        "JDQ",
        "J D",
        "00471193",
        "471193",
        "MR 0047 1193",
        "RA23-5581",
        "5581",
        "30.04.57",
        "30 APR 1957",
        "1957",
        "04/12/2023",
        "14:41",
        "2:41 PM",
        "66Y",
        "RIVERSIDE",
        "Lee",
        "NG",
        "XRAY9",
        "R DOE",
        "LANN",
    ],
)
def test_no_identifier_of_the_header_stays_even_where_the_pattern_is_anything(
    tmp_path: Path, text: str
) -> None:
    lines = {SIDE: "R", fitting(text): text}
    order = an_order(tmp_path, a_film(lines))

    report = sealed(a_corridor(lines, patterns=ANYTHING).clean(order)).report

    assert [kept.box for kept in report.kept] == [SIDE]
    assert is_even(dcmread(order.output), fitting(text))


@pytest.mark.parametrize("text", ["KV 120", "10.5 mm", "SUPINE", "Im 4/50", "MLO", "RT", "F"])
def test_a_line_of_which_the_header_says_nothing_may_stay(tmp_path: Path, text: str) -> None:
    lines = {fitting(text): text}
    order = an_order(tmp_path, a_film(lines))

    report = sealed(a_corridor(lines, patterns=ANYTHING).clean(order)).report

    assert [kept.box for kept in report.kept] == [fitting(text)]


@given(
    st.sampled_from(["DOE", "JANE", "QUINCY", "00471193", "RA23-5581", "1957-04-30", "RIVERSIDE"]),
    st.text("RLAP mx:^,.", max_size=8),
    st.text("RLAP mx:^,.", max_size=8),
    st.sampled_from([str.upper, str.lower, str.title]),
)
def test_nothing_of_the_header_stays_whatever_is_written_around_it(
    identifier: str, before: str, after: str, spelt: Callable[[str], str]
) -> None:
    text = " ".join(spelt(f"{before}{identifier}{after}").split())
    keep = KeepList(reads_always(text), ANYTHING)
    judge = Judge(keep, HeaderMatch(a_film({})).says, Stopwatch())
    box = Box(0, 60, 8 * len(text), 76)
    look = Look(0, (np.zeros((200, 400), np.uint8),), ((Found(box, 0.9),),))

    assert not judge.texts(look.views, places(look))


def test_nothing_that_was_read_is_in_the_outcome(tmp_path: Path) -> None:
    lines = {SIDE: "LEFT", LINE: "DOE JANE"}
    outcome = a_corridor(lines).clean(an_order(tmp_path, a_film(lines)))

    told = repr(outcome) + report_json(sealed(outcome).report)

    assert not re.search("left\\b(?!=)|doe|jane", told.replace('"left"', ""), re.IGNORECASE)


def test_a_reader_that_fails_withholds_without_its_text(tmp_path: Path) -> None:
    def broken(_frame: DisplayFrame, _box: Box) -> Reading:
        raise RuntimeError("DOE JANE")

    lines = {SIDE: "R"}
    order = an_order(tmp_path, a_film(lines))

    outcome = a_corridor(lines, reader=ScriptedReader(broken)).clean(order)

    assert isinstance(outcome, Withheld)
    assert outcome.code == "unexpected"
    assert "DOE" not in repr(outcome)
    assert not order.output.exists()


@pytest.mark.req("REQ-PX-15")
def test_a_treatment_that_keeps_none_never_asks_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_original: Dataset) -> None:
        raise AssertionError

    monkeypatch.setattr(spoken, "texts_of", never)
    lines = {SIDE: "R", LINE: "DOE JANE"}
    order = an_order(tmp_path, a_film(lines))

    report = sealed(a_corridor(lines, keeping=False).clean(order)).report

    assert report.kept == ()
    assert is_even(dcmread(order.output), SIDE)
