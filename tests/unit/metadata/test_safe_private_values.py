"""A safe private element whose value is text, a name or no number of its VR goes."""

import struct
from collections.abc import Callable

import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import ImplicitVRLittleEndian

from deid_node.leaks.check import LeakCheck
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option, SafePrivateOptions
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY, as_read, stored, study_instance

PHILIPS, GE, SITE = "Philips Imaging DD 001", "GEMS_ACQU_01", "OUR LAB"
# By VR: an attribute of the list, and one that only the site names.
LISTED = {
    "LO": (0x0019109E, GE), "SH": (0x2001108B, PHILIPS), "ST": (0x2001105A, PHILIPS),
    "LT": (0x00991005, "NQHeader"), "CS": (0x20011010, PHILIPS), "DS": (0x20011083, PHILIPS),
    "IS": (0x2001101D, PHILIPS), "FD": (0x0019100E, "SIEMENS MR HEADER"),
    "FL": (0x20011003, PHILIPS), "SS": (0x2001102D, PHILIPS),
}  # fmt: skip
OWN = {vr: (0x00771001 + n, SITE) for n, vr in enumerate(
    ("LO", "SH", "ST", "LT", "UT", "UC", "CS", "DS", "IS", "FD", "FL", "US", "SS", "UL", "SL")
)}  # fmt: skip


@pytest.fixture(scope="module")
def keeping() -> Scrubber:
    own = tuple(
        SafePrivateOptions.model_validate(
            {
                "creator": SITE,
                "attribute": f"{tag >> 16:04X},xx{tag & 0xFF:02X}",
                "vr": vr,
                "reason": "measured",
            }
        )
        for vr, (tag, _) in OWN.items()
    )
    options = frozenset({Option.RETAIN_SAFE_PRIVATE})
    return build_scrubber(MetadataOptions(safe_private=own), options, key=KEY)


def _put(level: Dataset, place: tuple[int, str], vr: str, value: bytes) -> None:
    tag, creator = place
    reservation = tag >> 16 << 16 | (tag & 0xFFFF) >> 8
    level[reservation] = DataElement(reservation, "LO", creator)
    value += b" " * (len(value) % 2)
    level[tag] = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)


def _left(
    keeping: Scrubber, places: list[tuple[int, str]], vr: str, sent: str, value: bytes, depth: int
) -> tuple[Dataset, dict[int, bytes]]:
    """Return the cleaned instance and what stays of the private elements at `depth`."""
    dataset, level = study_instance(), Dataset()
    level = dataset if depth == 0 else level
    for place in places:
        _put(level, place, sent if sent == "UN" else vr, value)
    for _ in range(depth):
        outer = Dataset() if depth > 1 and level is not dataset else dataset
        outer.ReferencedSeriesSequence = [level]
        level, depth = outer, depth - 1
    if level is not dataset:
        dataset.ReferencedSeriesSequence = [level]
    if sent == "implicit":
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    cleaned = as_read(keeping.scrub(as_read(dataset)).dataset)
    found: dict[int, bytes] = {}
    pending = [cleaned]
    while pending:
        one = pending.pop()
        for element in list(one.values()):
            tag = int(element.tag)
            if tag >> 16 & 1 and tag & 0xFF00:
                raw = one.get_item(tag).value
                found[tag] = raw if isinstance(raw, bytes) else str(raw).encode()
        pending += one.get("ReferencedSeriesSequence", [])
    return cleaned, found


def _places(vr: str) -> list[tuple[int, str]]:
    return [places[vr] for places in (LISTED, OWN) if vr in places]


SAID = {
    "a name": b"Whitby Clara",
    "one name": b"Whitby",
    "in capitals": b"WHITBY",
    "with a caret": b"WHITBY^CLARA",
    "in lower case with signs": b"whitby_clara",
    "with a number": b"Whitby2",
    "run together": b"ClaraWhitby",
    "spaced": b"W h i t b y",
    "initials": b"J.S.",
    "with a title": b"Dr Head",
    "a name in good company": b"T1 HEAD Whitby",
    "a sentence": b"seen with her sister",
    "a telephone number": b"0171 555 1234",
    "run together digits": b"01715551234",
    "with a plus": b"+49 89 1234567",
    "with points": b"089.123.456",
    "short": b"555-1234",
    "behind a word": b"tel 5551234",
    "an identifier": b"PX-448812",
    "a bare one": b"448812",
    "one in pieces": b"A1B2C3",
    "behind a known word": b"HEAD 448812",
    "glued to a known word": b"HEAD448812",
    "pieces behind a known word": b"HEAD 44 88 12",
    "a day": b"13.02.1951",
    "a day in digits": b"13021951",
    "a day with a month": b"13 Feb 1951",
    "a year": b"1951",
    "an address of mail": b"clara@whitby.example",
    "a link": b"http://x.example/?n=whitby",
    "a street": b"12 Marsh Lane",
    "another script": "Grüße".encode("latin-1"),
    "wide": "Whitby".encode("utf-16-le"),
    "in a later value": b"EPI\\Whitby",
    "two initials and a year": b"CW51",
    "a known word and a year": b"Head 1951",
    "a sequence and a room": b"FSE_4488",
    "months in words": b"February 51",
    "a month and a year": b"02.1951",
    "a surname that is a word": b"Mr White",
    "a title behind": b"Whitby MD",
    "a surname with a colour": b"Clara White",
    "lines": b"EPI\r\nWhitby",
    "escaped": b"\x1b$BWhitby",
}


@pytest.mark.req("REQ-MD-35")
@pytest.mark.parametrize("sent", ["own", "UN", "implicit"])
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("vr", ["LO", "SH", "ST", "LT", "UT", "UC"])
def test_what_people_write_goes(
    keeping: Scrubber, quiet: None, vr: str, sent: str, depth: int
) -> None:
    stayed = [
        what
        for what, value in SAID.items()
        if _left(keeping, _places(vr), vr, sent, value, depth)[1]
    ]

    assert not stayed


@pytest.mark.req("REQ-MD-35")
@pytest.mark.parametrize("sent", ["own", "UN"])
@pytest.mark.parametrize("vr", ["LO", "SH", "LT", "CS", "DS"])
def test_what_stands_behind_a_nul_goes(keeping: Scrubber, quiet: None, vr: str, sent: str) -> None:
    value = b"1" if vr == "DS" else b"EPI"
    for tail in (b"\0Whitby Clara", b"\0\0Whitby", b"\0\x0017155512", b" \0 Whitby\0"):
        cleaned, left = _left(keeping, _places(vr), vr, sent, value + tail, 1)

        assert {kept.strip() for kept in left.values()} == {value}
        assert b"Whitby" not in stored(cleaned)
        assert b"1715551" not in stored(cleaned)


@pytest.mark.req("REQ-MD-35")
@pytest.mark.parametrize("sent", ["own", "UN"])
@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("CS", b"WHITBY CLARA"), ("CS", b"Whitby"), ("CS", b"01715551234"), ("CS", b"PX448812"),
        ("CS", b"0171 555 1234"), ("CS", b"NO\\WHITBY CLARA"), ("CS", b"WHITBY^CLARA"),
        ("DS", b"Whitby"), ("DS", b"1 Whitby"), ("DS", b"1\\2\\Whitby"), ("DS", b"0171 555 1234"),
        ("DS", b"+49891234567012"), ("DS", b"1.5e"), ("DS", b"13.02.1951"), ("DS", b"555-1234"),
        ("IS", b"Whitby"), ("IS", b"448812448812"), ("IS", b"12A"), ("IS", b"1951-02-13"),
        ("FD", b"Whitby C"), ("FD", b"Clara Whitby, ok"),
        ("FD", "Whit".encode("utf-16-le")), ("FL", b"Whit"), ("FL", b"Whitby  "),
        ("FL", b"Clara Whitby"), ("SS", b"Whitby"), ("US", b"Whitby"), ("US", b"Clara Whitby"),
        ("UL", b"Whitby C"), ("SL", b"Clara Whitby"), ("UL", "Whitby".encode("utf-16-le")),
    ],
)  # fmt: skip
def test_what_is_no_value_of_its_vr_goes(
    keeping: Scrubber, quiet: None, vr: str, value: bytes, sent: str
) -> None:
    for depth in (0, 1):
        assert not _left(keeping, _places(vr), vr, sent, value, depth)[1]


@pytest.mark.parametrize(
    ("keyword", "known", "vr", "value"),
    [
        ("PatientID", "7712590", "IS", b"7712590"),
        ("PatientID", "7712590", "DS", b"7712590.0"),
        ("PatientID", "77-12590", "IS", b"0007712590"),
        ("AccessionNumber", "10000", "IS", b"1\\10000"),
        ("PatientName", "Fiesta^Lava", "LO", b"FIESTA"),
        ("PatientName", "Dixon^Ann", "SH", b"DIXON"),
        ("PatientBirthDate", "19510213", "DS", b"13021951"),
    ],
)
def test_what_names_this_patient_goes(
    keeping: Scrubber, quiet: None, keyword: str, known: str, vr: str, value: bytes
) -> None:
    dataset = study_instance()
    setattr(dataset, keyword, known)
    for place in _places(vr):
        _put(dataset, place, vr, value)

    cleaned = as_read(keeping.scrub(as_read(dataset)).dataset)

    assert not [element for element in cleaned if element.tag.is_private]


SPOKEN = [
    b"DIXON", b"mDIXON", b"EPI", b"EPI2", b"EFGRE3D", b"efgre3d", b"FGRE", b"SSFSE", b"FSE-XL",
    b"3DFIESTA", b"PROPELLER", b"LAVA-Flex", b"COSMIC", b"TOF3D", b"2DTOF", b"FRFSE", b"EPI_DIFF",
    b"*tfl3d1_16ns", b"SENSE-Head-8", b"Q-Body", b"B", b"1H", b"31P", b"129Xe", b"0.984:1",
    b"/1.3:1", b"5.4", b"-0.35", b"1000", b"mm", b"g/ml", b"mm/s", b"SUVbw", b"LINEAR", b"WHITE",
    b"ARIAL", b"LEFT", b"1.0.2", b"b1000", b"DIXON\\EPI",
]  # fmt: skip


@pytest.mark.req("REQ-MD-35")
@pytest.mark.parametrize("sent", ["own", "UN", "implicit"])
@pytest.mark.parametrize("vr", ["LO", "SH"])
def test_what_the_trade_calls_things_stays(
    keeping: Scrubber, quiet: None, vr: str, sent: str, leak_check: LeakCheck
) -> None:
    for value in SPOKEN:
        for depth in (0, 1):
            _, left = _left(keeping, _places(vr), vr, sent, value, depth)
            assert {kept.strip() for kept in left.values()} == {value}
            assert len(left) == 2


@pytest.mark.req("REQ-MD-35")
@pytest.mark.parametrize("sent", ["own", "UN"])
@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("CS", b"BI_CUBIC"), ("CS", b"L_PRESENTATION"), ("CS", b"LINEARMODALITY"), ("CS", b"N"),
        ("CS", b"ELSEWHERE"), ("DS", b"63.881806"), ("DS", b"0.71\\-0.35\\1e-05"), ("DS", b" 20"),
        ("IS", b"1000"), ("IS", b"1000001000\\8\\0\\0"), ("IS", b"-3"), ("IS", b"0"),
        ("FD", struct.pack("<3d", 0, 0.6, 0.8)), ("FD", struct.pack("<d", 1e-40)),
        ("FL", struct.pack("<f", 0.0002765719254966825)), ("FL", struct.pack("<f", 1000)),
        ("SS", b"\x19\0"), ("US", struct.pack("<3H", 77, 0, 65535)), ("UL", b"\0\0\0\0"),
    ],
)  # fmt: skip
def test_values_of_their_vr_stay(
    keeping: Scrubber, quiet: None, vr: str, value: bytes, sent: str
) -> None:
    for depth in (0, 2):
        _, left = _left(keeping, _places(vr), vr, sent, value, depth)

        assert {kept.strip(b" ") for kept in left.values()} == {value.strip(b" ")}
        assert len(left) == len(_places(vr))


def test_a_decoded_value_is_judged_like_its_bytes(keeping: Scrubber, quiet: None) -> None:
    dataset = study_instance()
    judged: list[tuple[str, Callable[[], object]]] = [
        ("LO", lambda: "Whitby"),
        ("FD", lambda: list(struct.unpack("<2d", b"Clara Whitby, ok"))),
        ("UL", lambda: list(struct.unpack("<2L", b"Whitby C"))),
    ]
    dataset[0x00770010] = DataElement(0x00770010, "LO", SITE)
    for vr, value in judged:
        dataset[OWN[vr][0]] = DataElement(OWN[vr][0], vr, value(), already_converted=True)

    cleaned = keeping.scrub(dataset).dataset

    assert not [element for element in cleaned if element.tag.is_private]
