"""The second look knows an identifier however it is spelled, in prose and in bytes."""

from collections.abc import Callable
from typing import Literal
from unicodedata import normalize

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from deid_node.errors import IdentifierLeft
from deid_node.leaks.check import LeakCheck
from tests.unit.metadata.canary import as_read, study_instance

# What the header says, and what of it is planted.
SPELLINGS: dict[str, tuple[str, str, str]] = {
    "spaced": ("PatientName", "Whitby^Clara", "W h i t b y"),
    "spaced, short": ("PatientName", "Lee^Bo", "L E E"),
    "spaced by points": ("PatientName", "Lee^Bo", "l.e.e"),
    "cut in two": ("PatientName", "Whitby^Clara", "WHIT BY"),
    "hyphened": ("PatientName", "Whitby^Clara", "Whit-by"),
    "run together": ("PatientName", "Lee^Ann", "leeann"),
    "run together, turned": ("PatientName", "Lee^Bo", "BOLEE"),
    "behind a title": ("PatientName", "Whitby^Clara", "MrsWhitby"),
    "behind a title, short": ("PatientName", "Lee^Bo", "MrsLee"),
    "between words": ("PatientName", "Whitby^Clara", "ofwhitbynow"),
    "with an initial": ("PatientName", "Whitby^Clara", "CWHITBY"),
    "with digits": ("PatientName", "Whitby^Clara", "whitby2"),
    "ä as ae": ("PatientName", "Jäger^Uwe", "JAEGER"),
    "ä as a": ("PatientName", "Jäger^Uwe", "Jager"),
    "ae as ä": ("PatientName", "Jaeger^Uwe", "Jäger"),
    "a as ae": ("PatientName", "Jager^Uwe", "JAEGER"),
    "ö as oe": ("PatientName", "Köhler^Uwe", "KOEHLER"),
    "ø as o": ("PatientName", "Sørensen^Bo", "Sorensen"),
    "ø as oe": ("PatientName", "Sørensen^Bo", "SOERENSEN"),
    "o as ø": ("PatientName", "Sorensen^Bo", "Sørensen"),
    "å as aa": ("PatientName", "Åkerby^Bo", "AAKERBY"),
    "ł as l": ("PatientName", "Wałęsa^Jan", "Walesa"),
    "l as ł": ("PatientName", "Walesa^Jan", "Wałęsa"),
    "ß as ss": ("PatientName", "Großklaus^Jan", "GROSSKLAUS"),
    "ss as ß": ("PatientName", "Grossklaus^Jan", "Großklaus"),
    "é as e": ("PatientName", "Lévêque^Anne", "LEVEQUE"),
    "an accent beside the letter": ("PatientName", "Lévêque^Anne", "Le\u0301ve\u0302que"),
    "of the physician": ("ReferringPhysicianName", "Thornbury^Alma", "thornbury"),
    "id without separators": ("PatientID", "PX-44/88 12", "PX448812"),
    "id with others": ("PatientID", "PX448812", "px 44-88.12"),
    "digits of an id": ("PatientID", "PX-448812", "448812"),
    "id without its zeros": ("PatientID", "000448812", "no. 448812"),
    "short id, parted": ("PatientID", "AB12", "AB-12"),
    "telephone without its code": ("PatientTelephoneNumbers", "+49 89 1234 5670", "089/12345670"),
    "digits of an id, parted": ("PatientID", "PX-44/88 12", "44 88 12"),
    "digits of an id, by points": ("PatientID", "0012345678", "12.345.678"),
    "Cyrillic as Latin": ("PatientName", "Иванова^Анна", "IVANOVA"),
    "Latin as Cyrillic": ("PatientName", "Ivanova^Anna", "Иванова"),
    "Greek as Latin": ("PatientName", "Παπαδάκης^Νίκος", "Papadakis"),
    "place": ("InstitutionName", "Spital Züri Süd", "SPITAL ZUERI SUED"),
} | {
    f"birth date: {spelled}": ("PatientBirthDate", "19510213", spelled)
    for spelled in (
        "13 Feb 1951", "13. Februar 1951", "13-FEB-51", "Feb 13, 1951", "february 13th, 1951",
        "13 fév. 1951", "13 de febrero de 1951", "1951 Feb 13", "1951/2/13", "13/2/1951",
        "2/13/1951", "13.2.1951", "13.2.51", "13/02/51", "13021951", "02131951", "130251",
        "510213", "19510213",
        "1951 13 Feb", "13:02:1951", "13\N{MIDDLE DOT}02\N{MIDDLE DOT}1951",
        "13\N{EN DASH}02\N{EN DASH}1951", "13.II.1951", "13 lutego 1951", "13. února 1951",
        "13 helmikuuta 1951", "13 Şubat 1951", "1951. február 13.", "13 veljače 1951.",
        "13 февраля 1951", "13 лютого 1951", "13 Φεβ 1951", "13 Φεβρουαρίου 1951",
        "1951年2月13日", "1951년 2월 13일",
        "born13021951", "1951_02_13", "13 02 1951", "13FEB1951", "19510213101112",
    )
}  # fmt: skip


def _prose(cleaned: Dataset, text: str) -> None:
    cleaned.SpecificCharacterSet = "ISO_IR 192"
    cleaned.add_new("SeriesDescription", "LO", text)


def _tail(cleaned: Dataset, text: str) -> None:
    cleaned.SpecificCharacterSet = "ISO_IR 192"
    cleaned.add_new("Manufacturer", "LO", "SIEMENS\0" + text)


def _profile(cleaned: Dataset, text: str) -> None:
    cleaned.add_new("ICCProfile", "OB", bytes(40) + text.encode() + bytes(40))


def _wide_profile(cleaned: Dataset, text: str) -> None:
    cleaned.add_new("ICCProfile", "OB", bytes(40) + text.encode("utf-16-le") + bytes(40))


def _original(keyword: str, value: str) -> Dataset:
    original = study_instance()
    del original.PatientName, original.PatientID
    original.SpecificCharacterSet = "ISO_IR 192"
    setattr(original, keyword, value)
    return as_read(original)


@pytest.mark.parametrize("plant", [_prose, _tail])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_identifier_is_known_however_it_is_spelled(
    leak_check: LeakCheck, quiet: None, spelling: str, plant: Callable[[Dataset, str], None]
) -> None:
    keyword, value, planted = SPELLINGS[spelling]
    cleaned = Dataset()
    plant(cleaned, planted)

    with pytest.raises(IdentifierLeft):
        leak_check.check(_original(keyword, value), cleaned)


@pytest.mark.parametrize("plant", [_profile, _wide_profile])
@pytest.mark.parametrize(
    "spelling",
    [name for name, (_, _, planted) in SPELLINGS.items() if len(planted) > 6 and planted.isascii()],
)
def test_and_so_it_is_in_bytes(
    leak_check: LeakCheck, spelling: str, plant: Callable[[Dataset, str], None]
) -> None:
    keyword, value, planted = SPELLINGS[spelling]
    cleaned = Dataset()
    plant(cleaned, planted)
    if planted in {"13.2.51", "13/02/51", "13-FEB-51"}:
        pytest.skip("seven characters of digits: in bytes they come by chance")

    with pytest.raises(IdentifierLeft, match="ICCProfile"):
        leak_check.check(_original(keyword, value), cleaned)


PLANTED = {
    "a name": ("PatientName", "Whitby^Clara", "of Whitby"),
    "a given name": ("PatientName", "Whitby^Clara", "CLARA"),
    "four letters": ("PatientName", "Lowe^Bo", "Lowe"),
    "an id": ("PatientID", "PX-448812", "px 448812"),
    "a birth date": ("PatientBirthDate", "19510213", "13 Feb 1951"),
    "a place": ("InstitutionName", "Larkhill Infirmary", "larkhill infirmary"),
}


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("codec", ["ascii", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("vr", ["AT", "FD", "FL", "OB", "OF", "OW", "SL", "SS", "UL", "UN", "US"])
def test_words_are_read_in_the_bytes_of_every_vr(
    leak_check: LeakCheck, quiet: None, planted: str, codec: str, vr: str
) -> None:
    keyword, value, text = PLANTED[planted]
    content = b"\1\2\3\4" + text.encode(codec)
    content += bytes(-len(content) % 8)
    cleaned = Dataset()
    cleaned[0x00282000] = RawDataElement(
        BaseTag(0x00282000), vr, len(content), content, 0, False, True
    )

    with pytest.raises(IdentifierLeft):
        leak_check.check(_original(keyword, value), cleaned)


@pytest.mark.parametrize(
    ("keyword", "value", "text"),
    [
        ("PatientName", "Quark^Bo", "QUARK"),
        ("PatientName", "Quark^Bo", "Quark"),
        ("PatientName", "Whitby^Clara", "whit-by"),
        ("PatientID", "PX-44/88.12", "PX-44/88.12"),
        ("PatientID", "PX448812", "px 44-88-12"),
        ("PatientBirthDate", "19510213", "13.02.1951"),
        ("PatientBirthDate", "19510213", "1951-02-13"),
        ("PatientBirthDate", "19510213", "13 Feb 1951"),
        ("PatientBirthDate", "19510213", "13. Februar 1951"),
        ("PatientBirthDate", "19510213", "13/2/1951"),
        ("PatientBirthDate", "19510213", "february 13th, 1951"),
        ("PatientBirthDate", "19510213", "13 lutego 1951"),
        ("InstitutionName", "Larkhill Infirmary", "Larkhill  Infirmary"),
    ],
)
def test_pixels_are_searched_for_five_letters_dates_and_numbers_with_separators(
    leak_check: LeakCheck, keyword: str, value: str, text: str
) -> None:
    for content in (text.encode(), text.encode("utf-16-le")):
        cleaned = Dataset()
        cleaned.add_new("PixelData", "OB", b"\xff\xd8\xff\xfe\0\x20" + content + bytes(200))

        with pytest.raises(IdentifierLeft, match="PixelData"):
            leak_check.check(_original(keyword, value), cleaned)


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("vr", ["OB", "OW", "UN"])
def test_letters_beyond_latin_1_are_read_in_bytes(
    leak_check: LeakCheck, codec: str, form: Literal["NFC", "NFD"], vr: str
) -> None:
    content = b"\1\2\3\4" + normalize(form, "Łukasik").encode(codec) + bytes(4)
    cleaned = Dataset()
    cleaned[0x00282000] = RawDataElement(
        BaseTag(0x00282000), vr, len(content), content, 0, False, True
    )

    with pytest.raises(IdentifierLeft):
        leak_check.check(_original("PatientName", "Łukasik^Jan"), cleaned)


@pytest.mark.parametrize("text", ["at 10:11:12", "10 11 12", "v10:11.12", "series 20 out of 10"])
def test_times_and_counts_are_no_days(leak_check: LeakCheck, text: str) -> None:
    original = study_instance()
    original.StudyDate = "20121110"
    cleaned = Dataset()
    cleaned.SeriesDescription = text

    leak_check.check(as_read(original), cleaned)


def test_noise_names_nobody(leak_check: LeakCheck) -> None:
    original = study_instance()
    original.PatientName = "Quark^Lowe^Bo"
    original.PatientID = "AB-1234"
    original.StudyDate = "20040826"
    chance = np.random.default_rng(3)
    cleaned = Dataset()
    cleaned.add_new("PixelData", "OB", chance.integers(0, 256, 16 << 20, np.uint8).tobytes())
    for tag, letters in ((0x00282000, 60_000), (0x00281201, 60_000)):
        noise = chance.integers(32, 127, letters, np.uint8).tobytes()
        cleaned[tag] = RawDataElement(BaseTag(tag), "OW", letters, noise, 0, False, True)

    leak_check.check(as_read(original), cleaned)


@pytest.mark.parametrize(
    ("keyword", "vr", "text"),
    [
        ("SliceThickness", "DS", "448812"),
        ("SliceThickness", "DS", "+0448812.0 "),
        ("InstanceNumber", "IS", "1\\448812"),
        ("SliceThickness", "DS", "3 Whitby Clara"),
        ("SliceThickness", "DS", "PX-448812"),
        ("AcquisitionNumber", "IS", "19510213"),
        ("AcquisitionNumber", "IS", "13021951"),
        ("AcquisitionTime", "TM", "1200 Whitby"),
        ("PatientAge", "AS", "Whitby"),
        ("CodeValue", "SH", "448812"),
        ("ReferencedSOPClassUID", "UI", "1.2.3.49891234567"),
        ("ReferencedSOPClassUID", "UI", "1.2.840.10008.5.49.89.12.34.5.67"),
        ("ReferencedSOPClassUID", "UI", "whitby"),
    ],
)
def test_a_figure_may_not_wholly_be_a_number_of_somebody(
    leak_check: LeakCheck, quiet: None, keyword: str, vr: str, text: str
) -> None:
    original = study_instance()
    original.PatientName, original.PatientID = "Whitby^Clara", "PX-448812"
    original.PatientTelephoneNumbers = "+49 89 1234567"
    content = (text + " " * (len(text) % 2)).encode()
    cleaned = Dataset()
    tag = BaseTag(tag_for_keyword(keyword) or 0)
    cleaned[tag] = RawDataElement(tag, vr, len(content), content, 0, False, True)

    with pytest.raises(IdentifierLeft, match=keyword):
        leak_check.check(as_read(original), cleaned)


@pytest.mark.parametrize(
    ("patient_id", "vr", "text"),
    [
        ("100000", "DS", "100000"),
        ("448812", "DS", "448812.5"),
        ("448812", "DS", "0.448812"),
        ("448812", "IS", "4488123"),
        ("1234", "IS", "1234"),
    ],
)
def test_other_figures_are_measurements(
    leak_check: LeakCheck, patient_id: str, vr: str, text: str
) -> None:
    original = study_instance()
    original.PatientID = patient_id
    cleaned = Dataset()
    cleaned.add_new(0x00180050 if vr == "DS" else 0x00200013, vr, text)

    leak_check.check(as_read(original), cleaned)
