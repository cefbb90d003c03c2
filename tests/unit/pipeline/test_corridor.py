"""The corridor fails closed: whatever goes wrong on the page, nothing leaves it unsealed."""

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from deid_node.dicom.silence import silenced
from deid_node.errors import IdentifierLeft, Undecodable
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.metadata.scrub import Scrubber
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.options import FillPolicy
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.spool.blobs import reference
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.values.geometry import Box, Found
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Discarded, Outcome, Postponed, Withheld
from tests.builders.samples import packaged
from tests.builders.values import an_origin

KEY = bytes(range(32))


class Once:
    """Sees one box at the first look at a size, and nothing on what was filled."""

    name = "once"

    def __init__(self, box: Box | None) -> None:
        self._box = box
        self._looked = False

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        seen = () if self._looked or self._box is None else (Found(self._box, 0.9),)
        self._looked = True
        return [seen for _ in frames]


def a_corridor(
    *,
    box: Box | None = None,
    route: dict[str, Any] | None = None,
    compares: bool = False,
    files: BlobFiles = PLAIN,
) -> Corridor:
    cleaner = PixelCleaner(Once(box), build_inpainter(FillPolicy.AUTO, None))
    options = frozenset({Option.CLEAN_PIXEL_DATA})
    scrubber = build_scrubber(MetadataOptions(), options, key=KEY)
    return Corridor(
        compile_router(RouteOptions.model_validate(route or {})),
        {"research": Treatment(cleaner, scrubber, options)},
        Provenance("once", "2024e"),
        files,
        compares=compares,
    )


def an_order(folder: Path, blob: str | Path = "") -> WorkOrder:
    return WorkOrder(
        InstanceId("0123456789abcdef"),
        1,
        Path(blob) if blob else packaged("CT_small.dcm"),
        folder / "clean.part",
        an_origin(),
    )


def cleaned(corridor: Corridor, order: WorkOrder) -> Dataset:
    outcome = corridor.clean(order)
    assert isinstance(outcome, Cleaned), outcome
    return dcmread(order.output)


def withheld(outcome: Outcome, order: WorkOrder) -> str:
    """The code; and the proof that nothing is left that could be delivered."""
    assert isinstance(outcome, Withheld | Postponed)
    assert not order.output.exists()
    return outcome.code


def test_a_sealed_instance_is_the_file_that_lies_there(tmp_path: Path) -> None:
    order = an_order(tmp_path)

    outcome = a_corridor().clean(order)

    assert isinstance(outcome, Cleaned)
    sealed, written = outcome.instance, reference(order.output)
    assert (sealed.blob.size_bytes, sealed.blob.sha256) == (written.size_bytes, written.sha256)
    dataset = dcmread(order.output)
    assert sealed.sop_instance_uid == dataset.SOPInstanceUID
    assert sealed.study_instance_uid == dataset.StudyInstanceUID
    assert sealed.destinations == ("archive",)


def test_text_free_pixels_leave_byte_for_byte(tmp_path: Path) -> None:
    order = an_order(tmp_path)

    result = cleaned(a_corridor(), order)

    original = dcmread(order.blob)
    assert result.PixelData == original.PixelData
    assert result.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    assert result.BurnedInAnnotation == "NO"


def test_the_same_instance_gives_the_same_bytes_every_time(tmp_path: Path) -> None:
    sums = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        order = an_order(tmp_path / name)
        cleaned(a_corridor(box=Box(10, 10, 60, 30)), order)
        sums.append(reference(order.output).sha256)

    assert sums[0] == sums[1]


def test_what_was_done_is_in_the_report(tmp_path: Path) -> None:
    order = an_order(tmp_path)

    outcome = a_corridor(box=Box(10, 10, 60, 30)).clean(order)

    assert isinstance(outcome, Cleaned)
    report = outcome.instance.report
    assert report.pixels_changed
    assert {region.source for region in report.regions} == {"once"}
    assert set(report.method_codes) == {"113100", "113101"}
    assert {step.stage for step in report.steps} >= {"decode", "find", "fill", "scrub", "total"}


@pytest.mark.parametrize(
    ("route", "code"),
    [
        ({"rules": [], "otherwise": "withhold"}, "no_rule"),
        (
            {"rules": [{"name": "r", "when": {"kind": "always"}, "then": {"kind": "withhold"}}]},
            "rule_withholds",
        ),
    ],
)
def test_what_no_rule_forwards_is_withheld(
    tmp_path: Path, route: dict[str, Any], code: str
) -> None:
    order = an_order(tmp_path)

    outcome = a_corridor(route=route).clean(order)

    assert withheld(outcome, order) == code


def test_what_a_rule_discards_leaves_no_file(tmp_path: Path) -> None:
    order = an_order(tmp_path)
    route = {"rules": [{"name": "r", "when": {"kind": "always"}, "then": {"kind": "discard"}}]}

    outcome = a_corridor(route=route).clean(order)

    assert outcome == Discarded("r")
    assert not order.output.exists()


@pytest.mark.parametrize("content", [b"", b"not DICOM", b"\x00" * 128 + b"DICM", b"\xff" * 5000])
def test_a_file_that_is_no_dicom_is_withheld(tmp_path: Path, content: bytes) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(content)
    order = an_order(tmp_path, blob)

    outcome = a_corridor().clean(order)

    assert withheld(outcome, order) in {"not_dicom", "malformed_dataset"}


def test_truncated_pixels_are_withheld(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(packaged("CT_small.dcm").read_bytes()[:-5000])
    order = an_order(tmp_path, blob)

    outcome = a_corridor().clean(order)

    assert withheld(outcome, order) in {"undecodable", "malformed_dataset"}


def test_an_identifier_left_after_writing_removes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = an_order(tmp_path)

    def left(
        _self: LeakCheck, _original: Dataset, written: Dataset, *, retained: frozenset[str]
    ) -> None:
        assert Option.CLEAN_PIXEL_DATA in retained
        assert written == dcmread(order.output)
        raise IdentifierLeft("PatientName")

    monkeypatch.setattr(LeakCheck, "check", left)

    outcome = a_corridor().clean(order)

    assert withheld(outcome, order) == "identifier_left"


@pytest.mark.parametrize(
    ("owner", "method"), [(PixelCleaner, "clean"), (Scrubber, "scrub"), (LeakCheck, "check")]
)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("DOE^JANE"), "unexpected"),
        (MemoryError(), "memory_limit"),
        (Undecodable("no decoder"), "undecodable"),
    ],
    ids=["a fault of ours", "no memory", "an error of the house"],
)
def test_whatever_a_step_raises_withholds_without_its_text(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    method: str,
    error: Exception,
    code: str,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(owner, method, broken)
    order = an_order(tmp_path)

    outcome = a_corridor().clean(order)

    assert withheld(outcome, order) == code
    assert "DOE" not in repr(outcome)


@pytest.mark.req("REQ-RX-21")
@pytest.mark.parametrize(
    ("fault", "code", "costs_a_start"),
    [
        (OSError(errno.ENOSPC, "of the disk"), "spool_full", False),
        (OSError(errno.EROFS, "of the disk"), "spool_unavailable", False),
        (OSError(errno.ENOMEM, "of a mapping"), "memory_limit", True),
        (MemoryError("Mueller^Hans"), "memory_limit", True),
    ],
    ids=["full", "read-only", "nothing to be mapped", "no memory"],
)
def test_a_disk_or_a_memory_that_takes_no_more_is_not_the_instances_fault(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    code: str,
    costs_a_start: bool,
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise fault

    monkeypatch.setattr("deid_node.pipeline.part10.write", fail)

    outcome = a_corridor().clean(an_order(tmp_path))

    assert isinstance(outcome, Postponed)
    assert (outcome.code, outcome.costs_a_start) == (code, costs_a_start)
    assert "Mueller" not in repr(outcome)


@pytest.mark.parametrize(
    "harm",
    [lambda blob: blob.write_bytes(blob.read_bytes()[:-1] + b"!"), Path.unlink],
    ids=["other bytes", "gone"],
)
def test_a_blob_that_is_not_what_came_is_withheld(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    blob = tmp_path / "received.dcm"
    blob.write_bytes(packaged("CT_small.dcm").read_bytes())
    order = replace(an_order(tmp_path, blob), blob_sha256=reference(blob).sha256)
    assert isinstance(a_corridor().clean(order), Cleaned)
    order.output.unlink()

    harm(blob)
    outcome = a_corridor().clean(order)

    assert isinstance(outcome, Withheld)
    assert withheld(outcome, order) == "blob_damaged"


def test_a_disk_that_fails_for_good_is_told_as_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.EIO, "of the disk")

    monkeypatch.setattr("deid_node.pipeline.part10.write", fail)

    outcome = a_corridor().clean(an_order(tmp_path))

    assert isinstance(outcome, Withheld)
    assert outcome.code == "unexpected"


def test_an_element_of_an_unknown_kind_is_told_as_malformed(tmp_path: Path) -> None:
    content = packaged("CT_small.dcm").read_bytes()
    at = content.index(b"\x08\x00\x18\x00UI") + 4
    blob = tmp_path / "damaged.dcm"
    blob.write_bytes(content[:at] + b"U\xd8" + content[at + 2 :])
    order = an_order(tmp_path, blob)

    with silenced():
        outcome = a_corridor().clean(order)

    assert withheld(outcome, order) == "malformed_dataset"


def named_twice(folder: Path) -> Path:
    """A CT whose SOP Instance UID stands once more behind its pixels."""
    content = packaged("CT_small.dcm").read_bytes()
    uid = b"1.2.3.4.5.6"
    blob = folder / "named_twice.dcm"
    blob.write_bytes(content + b"\x08\x00\x18\x00UI" + bytes([len(uid) + 1, 0]) + uid + b"\x00")
    return blob


def test_an_instance_of_two_names_is_withheld(tmp_path: Path) -> None:
    """The journal would name the one, an archive file it under the other."""
    order = an_order(tmp_path, named_twice(tmp_path))

    with silenced():
        outcome = a_corridor().clean(order)

    assert withheld(outcome, order) == "repeated_tag"


def test_an_instance_that_the_journal_knows_by_another_name_is_withheld(tmp_path: Path) -> None:
    original = str(dcmread(packaged("CT_small.dcm")).SOPInstanceUID)
    order = replace(an_order(tmp_path), sop_instance_uid=original)
    other = replace(order, sop_instance_uid="1.2.3.4.5.6")

    assert withheld(a_corridor().clean(other), other) == "malformed_dataset"
    assert isinstance(a_corridor().clean(order), Cleaned)
    assert original not in repr(order)


def test_a_scrubber_that_names_another_object_than_it_writes_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrub = Scrubber.scrub
    monkeypatch.setattr(
        Scrubber,
        "scrub",
        lambda self, dataset: replace(scrub(self, dataset), sop_instance_uid="2.25.1"),
    )
    order = an_order(tmp_path)

    assert withheld(a_corridor().clean(order), order) == "malformed_dataset"
