"""Under ``provenance: seg`` an instance that was filled is sealed with its marks, or not at all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from deid_node.errors import IdentifierLeft, ProvenanceFailed
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.provenance import segmentation_of
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.spool.blobs import companion_name, reference
from deid_node.values.geometry import Box, Region
from deid_node.values.outcome import Cleaned, Outcome, Withheld
from tests.builders.samples import packaged
from tests.unit.pipeline.test_corridor import KEY, Once, an_order

TEXT = Box(10, 10, 60, 30)


def a_corridor(box: Box | None = TEXT) -> Corridor:
    cleaner = PixelCleaner(Once(box), build_inpainter(FillPolicy.AUTO, None))
    options = frozenset({Option.CLEAN_PIXEL_DATA})
    scrubber = build_scrubber(MetadataOptions(), options, key=KEY)
    return Corridor(
        compile_router(RouteOptions()),
        {"research": Treatment(cleaner, scrubber, options, marks_filled=True)},
        Provenance("once", "2024e"),
    )


def left_behind(outcome: Outcome, folder: Path) -> str:
    assert isinstance(outcome, Withheld), outcome
    assert list(folder.iterdir()) == []
    return outcome.code


@pytest.mark.req("REQ-PX-16")
@pytest.mark.parametrize("name", ["CT_small.dcm", "examples_rgb_color.dcm"])
def test_every_pixel_that_differs_is_marked_and_every_mark_is_in_the_report(
    tmp_path: Path, name: str
) -> None:
    order = an_order(tmp_path, packaged(name))

    outcome = a_corridor().clean(order)

    assert isinstance(outcome, Cleaned), outcome
    marks = dcmread(order.companion_output)
    marked = marks.pixel_array.astype(np.bool_)
    before, after = dcmread(order.blob).pixel_array, dcmread(order.output).pixel_array
    changed = (before != after).reshape(*marked.shape, -1).any(axis=-1)
    assert changed.any()
    assert not (changed & ~marked).any()
    reported = np.zeros_like(marked)
    for region in outcome.instance.report.regions:
        reported[region.box.slices] = True
    assert np.array_equal(marked, reported)


def test_the_companion_is_the_file_that_lies_there(tmp_path: Path) -> None:
    order = an_order(tmp_path)

    outcome = a_corridor().clean(order)

    assert isinstance(outcome, Cleaned)
    companion, written = outcome.instance.companion, reference(order.companion_output)
    assert companion is not None
    assert companion.blob.name == companion_name(order.id)
    assert (companion.blob.size_bytes, companion.blob.sha256) == (
        written.size_bytes,
        written.sha256,
    )
    marks = dcmread(order.companion_output)
    assert companion.sop_class_uid == marks.SOPClassUID == marks.file_meta.MediaStorageSOPClassUID
    assert companion.sop_instance_uid == marks.SOPInstanceUID
    assert companion.series_instance_uid == marks.SeriesInstanceUID
    assert outcome.instance.study_instance_uid == marks.StudyInstanceUID
    assert companion.transfer_syntax == marks.file_meta.TransferSyntaxUID


def test_an_instance_without_a_region_has_no_companion(tmp_path: Path) -> None:
    order = an_order(tmp_path)

    outcome = a_corridor(box=None).clean(order)

    assert isinstance(outcome, Cleaned)
    assert outcome.instance.companion is None
    assert not order.companion_output.exists()


def test_both_files_are_the_same_every_time(tmp_path: Path) -> None:
    sums = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        order = an_order(tmp_path / name)
        assert isinstance(a_corridor().clean(order), Cleaned)
        sums.append([reference(path).sha256 for path in order.outputs])

    assert sums[0] == sums[1]


def test_marks_that_cannot_be_made_withhold_the_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise ProvenanceFailed("what was filled cannot be marked (ValueError)")

    monkeypatch.setattr("deid_node.pipeline.segmentation_of", refused)

    outcome = a_corridor().clean(an_order(tmp_path))

    assert left_behind(outcome, tmp_path) == "provenance_failed"


@pytest.mark.req("REQ-PX-16")
def test_an_identifier_in_the_marks_withholds_the_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marks go through the same second look as the instance."""

    def leaking(cleaned: Dataset, regions: Sequence[Region], *, finder: str) -> Dataset:
        marks = segmentation_of(cleaned, regions, finder=finder)
        marks.ContentDescription = str(dcmread(packaged("CT_small.dcm")).PatientName)
        return marks

    monkeypatch.setattr("deid_node.pipeline.segmentation_of", leaking)

    outcome = a_corridor().clean(an_order(tmp_path))

    assert left_behind(outcome, tmp_path) == IdentifierLeft.code


def test_nothing_is_remembered_of_an_instance_whose_marks_leak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter((None, IdentifierLeft("ContentDescription")))
    remembered: list[object] = []

    def look(*_: object, **__: object) -> None:
        if (error := next(looks)) is not None:
            raise error

    monkeypatch.setattr(LeakCheck, "check", look)
    monkeypatch.setattr("deid_node.metadata.scrub.Scrubber.remember", remembered.append)

    outcome = a_corridor().clean(an_order(tmp_path))

    assert left_behind(outcome, tmp_path) == IdentifierLeft.code
    assert remembered == []
