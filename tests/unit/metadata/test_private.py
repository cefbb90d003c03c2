"""Private elements: those of the safe list stay under their creator, all others go."""

import struct

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from deid_node.errors import ConfigurationError
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.clean.safe_private import kept_rows, load_safe_private
from deid_node.metadata.encoding.elements import is_empty
from deid_node.metadata.scrub import Scrubber
from tests.builders.samples import ROOT, SHARED
from tests.unit.metadata.canary import UID_ROOT, as_read, levels, marks_in, stored, study_instance

SIEMENS = "SIEMENS MR HEADER"


def _blocks(dataset: Dataset) -> None:
    """Put safe, unsafe, misplaced and unreserved private elements into one level."""
    for tag, vr, value in (
        (0x00190010, "LO", SIEMENS),
        (0x0019100C, "IS", "1000"),
        (0x0019100D, "CS", "DIRECTIONAL"),
        (0x0019100E, "FD", [0.0, 0.6, 0.8]),
        (0x00191008, "LO", "CANARYBIRD"),  # not in the list
        (0x00190011, "LO", "CANARYBIRD"),  # nobody's block
        (0x0019110C, "IS", "771259"),
        (0x0019120C, "IS", "771259"),  # no reservation
        (0x00210010, "LO", SIEMENS),  # another group
        (0x0021100C, "IS", "771259"),
        (0x00430020, "LO", "GEMS_PARM_01"),
        (0x00432027, "SH", "0.984:1"),
        (0x00432039, "IS", [1000, 0, 0, 8]),
        (0x00991010, "FL", 1.0),
    ):
        dataset[tag] = DataElement(tag, vr, value)


def _private(dataset: Dataset) -> dict[int, object]:
    return {int(element.tag): element.value for element in dataset if element.tag.is_private}


KEPT = {
    0x00190010: SIEMENS,
    0x0019100C: 1000,
    0x0019100D: "DIRECTIONAL",
    0x0019100E: [0.0, 0.6, 0.8],
    0x00430020: "GEMS_PARM_01",
    0x00432027: "0.984:1",
    0x00432039: [1000, 0, 0, 8],
}


@pytest.mark.req("REQ-MD-35")
@pytest.mark.parametrize("encoding", ["as read", "decoded", "implicit VR"])
def test_safe_elements_stay_at_every_depth_and_nothing_else_does(
    cleaning_scrubber: Scrubber, leak_check: LeakCheck, encoding: str
) -> None:
    dataset, item = study_instance(), Dataset()
    for level in (dataset, item):
        _blocks(level)
    dataset.ReferencedSeriesSequence = [item]
    if encoding == "implicit VR":
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    original = dataset if encoding == "decoded" else as_read(dataset)

    cleaned = as_read(cleaning_scrubber.scrub(original).dataset)

    for level in (cleaned, cleaned.ReferencedSeriesSequence[0]):
        assert _private(level) == KEPT
    assert not marks_in(stored(cleaned))
    leak_check.check(original, cleaned)


@pytest.mark.req("REQ-MD-35")
def test_what_was_kept_is_recorded_once_at_the_top(cleaning_scrubber: Scrubber) -> None:
    dataset, item, claim = study_instance(), Dataset(), Dataset()
    _blocks(item)
    dataset.ReferencedSeriesSequence = [item, item]
    claim.PrivateGroupReference, claim.PrivateCreatorReference = 0x0043, "CANARYBIRD"
    claim.BlockIdentifyingInformationStatus = "SAFE"
    dataset.PrivateDataElementCharacteristicsSequence = [claim]

    cleaned = as_read(cleaning_scrubber.scrub(as_read(dataset)).dataset)

    assert [
        (
            one.PrivateGroupReference,
            one.PrivateCreatorReference,
            one.BlockIdentifyingInformationStatus,
        )
        for one in cleaned.PrivateDataElementCharacteristicsSequence
    ] == [(0x0019, SIEMENS, "SAFE"), (0x0043, "GEMS_PARM_01", "SAFE")]
    assert not any(
        "PrivateDataElementCharacteristicsSequence" in level for level in list(levels(cleaned))[1:]
    )


def test_nothing_is_recorded_where_nothing_was_kept(cleaning_scrubber: Scrubber) -> None:
    dataset = study_instance()
    dataset[0x00190010] = DataElement(0x00190010, "LO", "CANARYBIRD")

    cleaned = cleaning_scrubber.scrub(as_read(dataset)).dataset

    assert not _private(cleaned)
    assert "PrivateDataElementCharacteristicsSequence" not in cleaned


@pytest.mark.parametrize(
    ("tag", "creator", "vr", "value"),
    [
        (0x0019100C, SIEMENS, "LO", "CANARYBIRD"),
        (0x0019100C, SIEMENS, "UN", b"CANARYBIRD"),
        (0x0019100D, SIEMENS, "UN", b"Canarybird"),
        (0x0019100D, SIEMENS, "CS", "CANARYBIRD"),
        (0x0019100E, SIEMENS, "UN", b"CANARYBIRD.."[:11]),
        (0x00431027, "GEMS_PARM_01", "SH", "Canarybird"),
        (0x00991005, "NQHeader", "LT", "seen: tweety"),
        (0x00991005, "NQHeader", "LT", "\u91d1\u7cf8\u96c0"),
        (0x7E011012, "HOLOGIC, Inc.", "OB", b"CANARYBIRD"),
        (0x01491002, "SIEMENS Ultrasound SC2000", "FD", [1e9, 2e9]),
        (0x0019100C, "Siemens MR header", "IS", "771259"),
    ],
)
def test_a_safe_place_with_an_unsafe_value_goes_too(
    cleaning_scrubber: Scrubber, tag: int, creator: str, vr: str, value: object
) -> None:
    dataset = study_instance()
    reservation = tag >> 16 << 16 | (tag & 0xFFFF) >> 8
    dataset[reservation] = DataElement(reservation, "LO", creator)
    dataset[tag] = DataElement(tag, vr, value)

    cleaned = cleaning_scrubber.scrub(as_read(dataset)).dataset

    assert not _private(cleaned)


def test_elements_of_unknown_vr_get_the_vr_of_the_list(cleaning_scrubber: Scrubber) -> None:
    dataset = study_instance()
    for tag, vr, value in (
        (0x00190010, "LO", SIEMENS),
        (0x0019100C, "UN", b"50"),
        (0x0019100E, "UN", struct.pack("<3d", 0.0, 1.0, 0.0)),
    ):
        dataset[tag] = DataElement(tag, vr, value)

    cleaned = as_read(cleaning_scrubber.scrub(as_read(dataset)).dataset)

    assert (cleaned[0x0019100C].VR, cleaned[0x0019100C].value) == ("IS", 50)
    assert (cleaned[0x0019100E].VR, cleaned[0x0019100E].value) == ("FD", [0.0, 1.0, 0.0])


BINARY = {
    "FD": (struct.pack("<3d", 0, 0, 0), [0.0, 0.0, 0.0]),
    "FL": (struct.pack("<f", 0), 0.0),
    "SL": (struct.pack("<l", 7 << 8), 7 << 8),
    "SS": (b"  ", 0x2020),
    "UL": (b"    ", 0x20202020),
    "US": (b"\0\0", 0),
}


@pytest.mark.req("REQ-MD-35")
@pytest.mark.parametrize("sent", ["own", "UN", "implicit", "big"])
@pytest.mark.parametrize("depth", [0, 1])
def test_zeros_and_blanks_of_a_safe_number_are_its_value(
    cleaning_scrubber: Scrubber, leak_check: LeakCheck, sent: str, depth: int
) -> None:
    dataset, level, expected = study_instance(), Dataset(), {}
    level = dataset if depth == 0 else level
    blocks: dict[tuple[int, str], int] = {}
    for row in load_safe_private().values():
        if row.vr not in BINARY:
            continue
        # Creators that share a group have a block each.
        there = sum(group == row.group for group, _ in blocks)
        block = blocks.setdefault((row.group, row.creator), 0x10 + there)
        tag = row.group << 16 | block << 8 | row.element
        stored_value, number = BINARY[row.vr]
        reservation = row.group << 16 | block
        level[reservation] = DataElement(reservation, "LO", row.creator)
        level[tag] = (
            DataElement(tag, "UN", stored_value) if sent == "UN"
            else DataElement(tag, row.vr, number)
        )  # fmt: skip
        expected[tag] = number
    if depth:
        dataset.ReferencedSeriesSequence = [level]
    if sent == "implicit":
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    if sent == "big":
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian

    cleaned = as_read(cleaning_scrubber.scrub(as_read(dataset)).dataset)

    found = cleaned.ReferencedSeriesSequence[0] if depth else cleaned
    if sent == "implicit":
        # Without VRs the reader takes some of them for something else: the bytes count.
        spelled = dict(BINARY.values())
        kept = {
            int(tag): spelled[found.get_item(tag).value]
            for tag in found.keys()  # noqa: SIM118
            if int(tag) in expected
        }
    else:
        kept = {tag: value for tag, value in _private(found).items() if tag & 0xFF00}
    assert len(expected) > 200
    assert kept == expected
    leak_check.check(as_read(dataset), cleaned)


@pytest.mark.parametrize(
    ("vr", "stored_value", "empty"),
    [
        ("LO", b"  ", True), ("UI", b"\0\0", True), ("PN", b"  ", True), ("DS", b"  ", True),
        ("US", b"\0\0", False), ("FL", b"\0" * 4, False), ("FD", b" " * 8, False),
        ("AT", b"\0" * 4, False), ("OB", b"\0\0", False), ("UN", b"  ", False), ("US", b"", True),
        ("SQ", b"", True), ("OW", b"", True),
    ],
)  # fmt: skip
def test_what_pads_a_text_is_a_value_elsewhere(vr: str, stored_value: bytes, empty: bool) -> None:
    tag = BaseTag(0x00191008)
    element = RawDataElement(tag, vr, len(stored_value), stored_value, 0, False, True)

    assert is_empty(element) is empty


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01_philips_b0_float_zero_emptied", {0x20011003: 0.0, 0x2005100D: 0.0}),
        (
            "01c_other_safe_private_zeros_emptied",
            {0x00251007: 0, 0x00451001: 0, 0x00451002: 0.0, 0x09031010: 0, 0x09031012: 0},
        ),
    ],
)
def test_the_zeros_of_real_files_stay(
    cleaning_scrubber: Scrubber, name: str, expected: dict[int, float]
) -> None:
    path = SHARED / "field" / f"{name}.dcm"
    if not path.exists():
        pytest.skip("the shared data folder is missing")

    cleaned = as_read(cleaning_scrubber.scrub(dcmread(path)).dataset)

    assert {tag: cleaned[tag].value for tag in expected} == expected


def test_uids_in_safe_elements_are_replaced_like_any_other(
    cleaning_scrubber: Scrubber, scrubber: Scrubber
) -> None:
    dataset = study_instance()
    dataset[0x00990010] = DataElement(0x00990010, "LO", "NQHeader")
    dataset[0x00991002] = DataElement(0x00991002, "UI", f"{UID_ROOT}.2")

    cleaned = cleaning_scrubber.scrub(as_read(dataset)).dataset

    assert cleaned[0x00991002].value == cleaned.SeriesInstanceUID


def test_items_of_a_safe_sequence_are_planned_like_any_other(cleaning_scrubber: Scrubber) -> None:
    dataset, item = study_instance(), Dataset()
    creator = "SIEMENS Ultrasound SC2000"
    item[0x01290010] = DataElement(0x01290010, "LO", creator)
    item[0x01291002] = DataElement(0x01291002, "UI", f"{UID_ROOT}.8")
    item[0x01291008] = DataElement(0x01291008, "OB", b"CANARYBIRD")
    item.PatientName = "Canarybird"
    dataset[0x01290010] = DataElement(0x01290010, "LO", creator)
    dataset[0x01291000] = DataElement(0x01291000, "SQ", Items([item]))

    cleaned = as_read(cleaning_scrubber.scrub(as_read(dataset)).dataset)

    (inside,) = cleaned[0x01291000].value
    assert set(_private(inside)) == {0x01290010, 0x01291002}
    assert not marks_in(stored(cleaned))


def test_the_list_is_whole_and_refused_when_edited() -> None:
    text = (ROOT / "deid_node/metadata/data/safe_private.csv").read_text("utf-8")

    assert len(load_safe_private()) == 452
    with pytest.raises(ConfigurationError, match=r"E\.3\.10-1"):
        kept_rows(text.replace("GEMS_PARM_01", "GEMS_PARM_02"))
