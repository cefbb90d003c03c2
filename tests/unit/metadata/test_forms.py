"""What a plan keeps is of its form, or counts as text: nobody's name rides along."""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from struct import pack

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

from deid_node.errors import CleaningError, MalformedDataset
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.clean.forms import Forms
from deid_node.metadata.clean.said import says_something
from deid_node.metadata.clean.vocabulary import Vocabulary
from deid_node.metadata.encoding.elements import elements_of, items_of, vr_of
from deid_node.metadata.plan.action import Action
from deid_node.metadata.plan.options import AdditionOptions, Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.bench.alarms import real_instances
from tests.unit.metadata.canary import KEY, as_read, levels, stored, study_instance

BINARY = {"AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV"}
RETAINING = (Option.RETAIN_PATIENT_CHARACTERISTICS, Option.RETAIN_DEVICE_IDENTITY)

# An attribute, its bytes as sent, and what of them stays (None: nothing, "REMOVED": a dummy).
BROKEN: dict[str, tuple[str, bytes, str | None]] = {
    "a name behind a number": ("SliceThickness", b"3 Whitby Clara", None),
    "a name as a number": ("KVP", b"Whitby", None),
    "one of several numbers": ("WindowCenter", b"40\\Whitby", None),
    "an id with letters": ("SeriesNumber", b"PX-448812 ", None),
    "an id of more digits than a number has": ("AcquisitionNumber", b"448812448812", None),
    "a telephone number": ("EchoTime", b"+49891234567012", None),
    "a name behind the NUL of a number": ("RepetitionTime", b"500\0Whitby", "500"),
    "a name behind the NUL of a code": ("ScanOptions", b"PFP\0Whitby Clara", "PFP"),
    "the same in the second value": ("ScanOptions", b"FS\\PFP\0Whitby", "FS\\PFP"),
    "a name behind the NUL of a text": ("Manufacturer", b"SIEMENS\0Whitby Clara ", "SIEMENS"),
    "a name behind two NULs": ("SequenceName", b"*tfl3d1\0\0Whitby ", "*tfl3d1"),
    "a name as a code": ("BodyPartExamined", b"Whitby Clara", "REMOVED"),
    "a name among codes": ("ImageType", b"ORIGINAL\\Whitby Clara", "ORIGINAL\\REMOVED"),
    "a name with its caret": ("ManufacturerModelName", b"Whitby^Clara", "REMOVED"),
    "a name with its title": ("ConvolutionKernel", b"Dr. Whitby", "REMOVED"),
    "an address of mail": ("AlgorithmName", b"clara@whitby.example", "REMOVED"),
    "a birth date": ("PulseSequenceName", b"13.02.1951", "REMOVED"),
    "free text of a code": ("CodeMeaning", b"Whitby was referred", "REMOVED"),
    "a sentence as a code value": ("CodeValue", b"see Mrs Whitby", "REMOVED"),
    "a sentence as a scheme": ("CodingSchemeName", b"codes of Clara Whitby ", "REMOVED"),
    "a house as an organisation": (
        "CodingSchemeResponsibleOrganization", b"Whitby Infirmary", "REMOVED"),
    "a link with a name": ("CodingSchemeURL", b"http://x.example/?n=whitby", "urn:removed"),
    "a class with a telephone number": (
        "ReferencedSOPClassUID", b"1.2.840.10008.5.1.4.1.1.4989123456", "2.25."),
    "a class of nobody": ("RelatedGeneralSOPClassUID", b"1.2.3.49891234567", "2.25."),
    "an ethnic group that is none": ("EthnicGroup", b"Whitby ", "REMOVED"),
    "a habit that is none": ("SmokingStatus", b"WHITBY", None),
    "a sex that is none": ("PatientSex", b"WHITBY", None),
    "a telephone number as a code": ("BodyPartExamined", b"+49 171 5550123", "REMOVED"),
    "a telephone number among codes": ("ImageType", b"ORIGINAL\\0171-5550123", "ORIGINAL\\REMOVED"),
    "an id as a code": ("ScanOptions", b"PX-448812", "REMOVED"),
    "a day as a code": ("PatientPosition", b"13.2.1951", "REMOVED"),
    "a short day as a code": ("PatientPosition", b"13/02/51", "REMOVED"),
    "eight figures as a code": ("PatientPosition", b"19510213", "REMOVED"),
    "a telephone number as a label": ("ConvolutionKernel", b"0171-5550123", "REMOVED"),
    "one with its code in brackets": ("ConvolutionKernel", b"(0171) 5550123", "REMOVED"),
    "one that says so": ("ManufacturerModelName", b"Tel. 5550123", "REMOVED"),
    "a number of the insurance": ("ManufacturerModelName", b"123-45-6789", "REMOVED"),
}  # fmt: skip

KEPT: dict[str, bytes] = {
    "LossyImageCompressionMethod": b"ISO_15444_15",
    "TemplateIdentifier": b"10001 ",
    "AcquisitionContrast": b"DIFFUSION_B1000",
    "CassetteSize": b"35CMX35CM",
    "SliceThickness": b"3",
    "ImagePositionPatient": b"-100.50000000000001\\1e-05\\.5",
    "KVP": b" 120 ",
    "SeriesNumber": b"0000000012",
    "InstanceNumber": b"12.0",
    "BodyPartExamined": b"Abdomen",
    "ImageType": b"ORIGINAL\\PRIMARY\\M\\ND\\ABDOM/RAD\\100000",
    "ScanOptions": b"FAST_GEMS\\NPW\\VB_GEMS\\PFF\0",
    "Manufacturer": b"GE MEDICAL SYSTEMS",
    "ManufacturerModelName": b"Brilliance Big Bore",
    "SequenceName": b"*tfl3d1_16ns",
    "SoftwareVersions": b"syngo MR E11\\2013/04/19",
    "CodeMeaning": b"X-Ray Radiation Dose Report",
    "CodeValue": b"{ratio}",
    "CodingSchemeURL": b"http://snomed.info/sct",
    "ReferencedSOPClassUID": b"1.2.840.10008.5.1.4.1.1.4\0",
    "PatientSex": b"F",
    "EthnicGroup": b"Asian or Pacific Islander",
    "SmokingStatus": b"UNKNOWN",
}


@pytest.fixture(scope="module")
def retaining() -> Scrubber:
    return Scrubber(build_plan(RETAINING), Pseudonyms(KEY))


def _instance() -> Dataset:
    dataset = study_instance()
    del dataset.Manufacturer
    return as_read(dataset)


def _raw(keyword: str, value: bytes, vr: str | None = None) -> RawDataElement:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    vr = vr or dictionary_VR(tag).split(" or ")[0]
    value += b" " * (len(value) % 2)
    return RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)


def _at_top(dataset: Dataset, element: RawDataElement) -> None:
    dataset[element.tag] = element


def _deep(dataset: Dataset, element: RawDataElement) -> None:
    """In an item of a sequence that is still bytes, as a multi-frame object comes."""
    assert element.value is not None
    vr = (element.VR or "").encode()
    tag = pack("<HH2s", element.tag >> 16, element.tag & 0xFFFF, vr)
    is_long = vr in {b"OB", b"OD", b"OF", b"OL", b"OW", b"UN", b"UR", b"UT"}
    head = tag + pack("<HL" if is_long else "<H", *((0,) if is_long else ()), element.length)
    item = head + element.value
    item = pack("<HHL", 0xFFFE, 0xE000, len(item)) + item
    dataset[0x52009230] = RawDataElement(
        BaseTag(0x52009230), "SQ", 2 * len(item), item + item, 0, False, True
    )


def _of(scrubbed: Dataset, keyword: str) -> list[str | None]:
    found = []
    for level in levels(dcmread(BytesIO(stored(scrubbed)))):
        if keyword in level:
            value = level[keyword].value
            many = isinstance(value, (list, tuple)) or hasattr(value, "append")
            text = "\\".join(map(str, value)) if many else str("" if value is None else value)
            found.append(text or None)
    return found


@pytest.mark.parametrize("place", [_at_top, _deep], ids=["at the top", "deep"])
@pytest.mark.parametrize("sent_as", [None, "UN"], ids=["its VR", "UN"])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_value_that_is_not_of_its_form_counts_as_text(
    retaining: Scrubber,
    quiet: None,
    broken: str,
    sent_as: str | None,
    place: Callable[[Dataset, RawDataElement], None],
) -> None:
    keyword, value, left = BROKEN[broken]
    dataset = _instance()
    place(dataset, _raw(keyword, value, sent_as))

    scrubbed = retaining.scrub(dataset).dataset

    content = stored(scrubbed).lower()
    assert not [mark for mark in (b"whitby", b"clara", b"49891234", b"448812") if mark in content]
    found = _of(scrubbed, keyword)
    assert found
    for text in found:
        if left == "2.25.":
            assert text is not None
            assert text.startswith(left)
        else:
            assert text == left


@pytest.mark.parametrize("place", [_at_top, _deep], ids=["at the top", "deep"])
@pytest.mark.parametrize("keyword", KEPT)
def test_what_senders_write_well_enough_stays_byte_for_byte(
    retaining: Scrubber,
    quiet: None,
    keyword: str,
    place: Callable[[Dataset, RawDataElement], None],
) -> None:
    dataset = _instance()
    place(dataset, _raw(keyword, KEPT[keyword]))

    scrubbed = retaining.scrub(dataset).dataset

    assert KEPT[keyword] in stored(scrubbed)


def test_an_image_that_cannot_be_read_without_the_number_waits(scrubber: Scrubber) -> None:
    dataset = _instance()
    _at_top(dataset, _raw("RescaleSlope", b"1 Whitby"))

    with pytest.raises(MalformedDataset, match="RescaleSlope is no number"):
        scrubber.scrub(dataset)


@pytest.mark.parametrize("codec", ["ascii", "utf-16-le"])
@pytest.mark.parametrize(
    ("keyword", "vr"),
    [
        ("RealWorldValueLUTData", "FD"),
        ("TablePosition", "FD"),
        ("GraphicData", "FL"),
        ("RecommendedDisplayCIELabValue", "US"),
        ("OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity", "UL"),
        ("SimpleFrameList", "UL"),
        ("DisplayedAreaTopLeftHandCorner", "SL"),
        ("LUTData", "OW"),
        ("DoubleFloatRealWorldValueLastValueMapped", "FD"),
        ("WaveformPaddingValue", "OW"),
        ("PointCoordinatesData", "OF"),
        ("LongPrimitivePointIndexList", "OL"),
        ("ICCProfile", "OB"),
    ],
)
def test_words_in_the_bytes_of_numbers_go(
    scrubber: Scrubber, quiet: None, keyword: str, vr: str, codec: str
) -> None:
    value = "Whitby Clara, Marsh Lane".encode(codec)
    dataset = _instance()
    for place in (_at_top, _deep):
        place(dataset, _raw(keyword, value, vr))

    content = stored(scrubber.scrub(dataset).dataset)

    assert value not in content
    assert b"Whit" not in content


# What somebody wrote into a number, and a name that is in no header.
WRITTEN = {
    "a name": b"Ilse Zawadzki",
    "a name with an accent": "Müller".encode("latin-1"),
    "a name with an accent in UTF-8": "Müller".encode(),
    "a name in capitals": b"ZAWADZKI",
    "a name behind other bytes": b"\1\2Zawadzki\3\4\5",
    "a telephone number": b"+49 171 5550123",
    "another": b"(0171) 5550123",
    "a day": b"13.02.1951",
    "a day without points": b"19510213",
    "an id": b"PX-4455667788",
    "an id in figures": b"4455667788",
    "a number of the insurance": b"123-45-6789",
}


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("vr", ["AT", "FD", "FL", "OB", "OD", "OF", "OL", "OW", "SL", "US", "UV"])
@pytest.mark.parametrize("written", WRITTEN)
def test_what_is_written_into_few_numbers_is_no_number(written: str, vr: str, width: int) -> None:
    content = WRITTEN[written]
    if width == 2:
        content = content.decode("latin-1").encode("utf-16-le")
    content += b" " * (-len(content) % 8)

    assert says_something(vr, content)


@pytest.mark.parametrize("vr", ["OF", "OD", "OL", "OW", "OV"])
def test_words_among_many_numbers_are_found(vr: str) -> None:
    chance = np.random.default_rng(5)
    kind = {"OF": "<f4", "OD": "<f8", "OL": "<u4", "OW": "<u2", "OV": "<u8"}[vr]
    array = (chance.normal(0, 300, 4000) if vr in {"OF", "OD"} else np.arange(4000)).astype(kind)
    content = array.tobytes()

    assert not says_something(vr, content)
    assert says_something(vr, content[:800] + b"see Ilse Zawadzki, Marsh Lane   " + content[832:])


@pytest.mark.timeout(60)
@pytest.mark.parametrize("vr", ["OB", "OW", "UN", "FL"])
def test_a_long_text_with_an_end_of_line_is_found_without_trying_all_ways_to_cut_it(
    vr: str,
) -> None:
    content = b"the patient was seen this morning and felt quite well, " * 40 + b"\r\n"

    assert says_something(vr, content)


@pytest.mark.parametrize("scale", [1e-20, 1e-17, 1e-12, 1e-10, 1e-9, 1e-6, 1, 1e6])
@pytest.mark.parametrize("count", [3, 256, 4096, 100_000])
def test_arrays_of_tiny_numbers_stay(scale: float, count: int) -> None:
    """A spectrum, a map of directions, a mesh: next to zero their bytes are letters as well."""
    numbers = np.random.default_rng(9).normal(0, scale, count)

    assert not says_something("OF", numbers.astype("<f4").tobytes())
    assert not says_something("OD", numbers.astype("<f8").tobytes())


# As palettes of pictures come: neighbours that are near each other, letters among them.
_PALETTE = [
    bytes(range(8, 60)), b"CMV&'7*?>KTAEJKIITRXKPVV", b"_`^bhallprswyoowq", b"kkaikkztwXadmhleijlh",
    bytes(range(120, 256)),
]  # fmt: skip


def test_a_profile_that_is_one_stays_whatever_it_is_called() -> None:
    profile = bytes(36) + b"acsp" + bytes(88) + b"desc\0\0Hewlett Packard of Marsh Lane" + bytes(9)
    forms = Forms(Vocabulary())

    assert forms.fits(0x00282000, "OB", profile)
    assert not forms.fits(0x00282000, "OB", profile[40:])


def test_tables_and_curves_stay() -> None:
    ramp = np.arange(256)
    gamma = (255 * (ramp / 255) ** 2.2).astype(np.uint8)
    wave = np.rint(112 + 9 * np.sin(np.arange(5000) / 15)).astype(np.uint8)
    tables = {
        "a ramp of 16 bits": (ramp * 257).astype("<u2"),
        "a part of one": (ramp[65:91] * 257).astype("<u2"),
        "a gamma curve": gamma,
        "a gamma curve of 16 bits": (gamma.astype(np.uint16) * 257).astype("<u2"),
        "a curve among the letters": wave,
        "one of 16 bits": (wave.astype(np.uint16) * 256 + 7).astype("<u2"),
        "a ramp that falls": ramp[::-1].astype(np.uint8),
        "a palette": np.frombuffer(b"".join(_PALETTE), np.uint8),
    }

    assert not [name for name, table in tables.items() if says_something("OW", table.tobytes())]


def test_numbers_are_not_taken_for_words() -> None:
    chance = np.random.default_rng(7)
    rows: dict[str, bytes] = {
        "FD": chance.normal(0, 300, 200_000).astype("<f8").tobytes(),
        "FL": chance.normal(0, 300, 200_000).astype("<f4").tobytes(),
        "OF": chance.uniform(-1, 1, 200_000).astype("<f4").tobytes(),
        "US": chance.integers(0, 1 << 16, 200_000).astype("<u2").tobytes(),
        "OW": chance.integers(0, 1 << 12, 200_000).astype("<u2").tobytes(),
        "UL": chance.integers(0, 1 << 24, 200_000).astype("<u4").tobytes(),
    }
    grey = bytes(range(256))
    wide = np.arange(0, 256, dtype="<u2").tobytes()

    assert not [vr for vr, stored_ in rows.items() if says_something(vr, stored_)]
    assert not says_something("OW", grey)
    assert not says_something("OW", grey[65:91])
    assert not says_something("US", wide)
    assert not says_something("SS", np.array([-25, -25], "<i2").tobytes())
    assert not says_something("FD", np.array([77.125, 0, 1e14, 1.797e308], "<f8").tobytes())


def test_most_numbers_one_by_one_stay_too() -> None:
    """As they stand in functional groups: one or three values at a time."""
    chance = np.random.default_rng(11)
    floats = chance.normal(0, 1000, 60_000).astype("<f8")
    counts = chance.integers(0, 1 << 20, 60_000).astype("<u4")
    forms = Forms(Vocabulary())

    assert all(forms.fits(0x00189073, "FD", one.tobytes()) for one in floats)
    assert all(forms.fits(0x00209157, "UL", one.tobytes()) for one in counts)


def test_pixels_are_not_judged_by_their_bytes(scrubber: Scrubber) -> None:
    dataset = study_instance()
    dataset.add_new("PixelData", "OW", b"ABCDABBA")

    assert scrubber.scrub(as_read(dataset)).dataset.PixelData == b"ABCDABBA"


def test_what_a_site_keeps_of_its_own_is_not_judged() -> None:
    addition = AdditionOptions(attribute="CodeMeaning", action="K", reason="our own codes")
    scrubber = Scrubber(build_plan(additions=[addition]), Pseudonyms(KEY))
    dataset = study_instance()
    dataset.CodeMeaning = "Ward of the third floor"

    assert scrubber.scrub(dataset).dataset.CodeMeaning == "Ward of the third floor"


def test_a_decoded_value_is_judged_like_its_bytes(retaining: Scrubber, quiet: None) -> None:
    dataset = study_instance()
    dataset.add(DataElement(0x00280011, "US", 512))
    dataset.add(DataElement(0x00180015, "CS", "Whitby Clara", already_converted=True))
    dataset.add(DataElement(0x00189327, "FD", 12.5))

    scrubbed = retaining.scrub(dataset).dataset

    assert scrubbed.BodyPartExamined == "REMOVED"
    assert (scrubbed.Columns, scrubbed.TablePosition) == (512, 12.5)


@pytest.mark.slow
def test_no_number_of_a_real_file_is_taken_for_words(quiet: None) -> None:
    """Palettes, look-up tables, waveforms and offsets of everything that lies here."""
    forms, looked_at, taken = Forms(Vocabulary()), 0, set()
    plan = build_plan()

    def look(level: Dataset) -> None:
        nonlocal looked_at
        for element in elements_of(level):
            tag, vr = int(element.tag), vr_of(element)
            if vr == "SQ":
                for item in items_of(element, level):
                    look(item)
            elif (
                vr in BINARY
                and isinstance(element.value, bytes)
                and plan.judge(tag, vr).action is Action.KEEP
            ):
                looked_at += 1
                if not forms.fits(tag, vr, element.value):
                    taken.add(element.tag)

    for _, instance in real_instances():
        with suppress(CleaningError):
            look(instance)

    assert looked_at > 500
    # Two files have the elements behind it in the value of Pixel Padding Value.
    assert taken <= {0x00280120}
