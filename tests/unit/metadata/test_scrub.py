from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.filewriter import dcmwrite
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from deid_node.dicom.silence import silenced
from deid_node.errors import (
    CleaningError,
    MalformedDataset,
    UnknownSubject,
    UnsupportedObject,
    UnsupportedSyntax,
)
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.apply.subjects import SubjectTable
from deid_node.metadata.plan.plan import Plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import (
    BIRTH,
    KEY,
    UID_ROOT,
    as_read,
    levels,
    marks_in,
    nested,
    stored,
    study_instance,
)


@pytest.mark.parametrize("syntax", ["19510213", "1.2.840.113619.5.2", "1.2.19510213"])
def test_a_transfer_syntax_that_nobody_has_registered_goes_nowhere(
    scrubber: Scrubber, syntax: str
) -> None:
    """It would stand in the file meta information as the sender wrote it."""
    dataset = as_read(study_instance(1))
    dataset.file_meta.TransferSyntaxUID = UID(syntax)

    with pytest.raises(UnsupportedSyntax) as caught:
        scrubber.scrub(dataset)

    assert syntax not in str(caught.value)


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("vr", ["CS", "SH"])
@pytest.mark.parametrize("name", ["ACC771259", "ISO_IR 100\\ACC771259", "ISO_IR 771259"])
def test_what_names_no_character_set_goes_nowhere(
    scrubber: Scrubber, depth: int, vr: str, name: str
) -> None:
    """It is carried over as it stands, and read by nobody."""
    dataset = study_instance(1)
    with silenced():
        nested(dataset, DataElement(0x00080005, vr, name), depth)
        read = as_read(dataset)

        with pytest.raises(MalformedDataset) as caught:
            scrubber.scrub(read)

    assert "771259" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["ISO_IR 100", "ISO IR 192", "iso_ir 100", "", "\\ISO 2022 IR 87", "GB18030"]
)
def test_a_character_set_stays_as_it_is_written(scrubber: Scrubber, name: str) -> None:
    dataset = study_instance(1)
    with silenced():
        dataset.add(DataElement(0x00080005, "CS", name))
        read = as_read(dataset)

        cleaned = as_read(scrubber.scrub(read).dataset)

        assert cleaned.get_item(0x00080005).value == read.get_item(0x00080005).value


def test_references_inside_a_study_fit_together(scrubber: Scrubber) -> None:
    image, other = study_instance(1), study_instance(2)
    item = Dataset()
    item.ReferencedSOPClassUID = image.SOPClassUID
    item.ReferencedSOPInstanceUID = image.SOPInstanceUID
    deep = Dataset()
    deep.SeriesInstanceUID = image.SeriesInstanceUID
    deep.ReferencedSOPSequence = [item]
    other.ReferencedImageSequence = [item]
    other.ReferencedSeriesSequence = [deep]

    first = scrubber.scrub(as_read(image))
    second = scrubber.scrub(as_read(other))

    assert first.study_instance_uid == second.study_instance_uid
    assert first.series_instance_uid == second.series_instance_uid
    assert first.sop_instance_uid != second.sop_instance_uid
    reference = second.dataset.ReferencedImageSequence[0]
    assert reference.ReferencedSOPInstanceUID == first.sop_instance_uid
    assert reference.ReferencedSOPClassUID == image.SOPClassUID
    series = second.dataset.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == first.series_instance_uid
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first.sop_instance_uid
    assert first.dataset.PatientID == second.dataset.PatientID == first.dataset.PatientName
    assert first.dataset.AccessionNumber == second.dataset.AccessionNumber != "ACC771259"
    assert first.dataset.FrameOfReferenceUID == second.dataset.FrameOfReferenceUID


def test_the_result_names_its_new_uids(scrubber: Scrubber) -> None:
    scrubbed = scrubber.scrub(study_instance())

    assert scrubbed.sop_instance_uid == scrubbed.dataset.SOPInstanceUID
    assert scrubbed.series_instance_uid == scrubbed.dataset.SeriesInstanceUID
    assert scrubbed.study_instance_uid == scrubbed.dataset.StudyInstanceUID
    assert dict(scrubbed.actions)["U"] == 4
    assert sum(count for _, count in scrubbed.actions) == len(study_instance())
    assert "CANARY" not in repr(scrubbed).upper()


@pytest.mark.parametrize("decoded", [False, True], ids=["as read", "decoded"])
def test_scrubbing_twice_gives_the_same_bytes(scrubber: Scrubber, decoded: bool) -> None:
    dataset = study_instance() if decoded else as_read(study_instance())

    assert stored(scrubber.scrub(dataset).dataset) == stored(scrubber.scrub(dataset).dataset)


def test_it_does_not_matter_whether_the_dataset_was_looked_at_before(scrubber: Scrubber) -> None:
    dataset = study_instance()
    dataset.PatientID = "CB-Ä771259"
    untouched, looked_at = as_read(dataset), as_read(dataset)
    assert "CB" in str(looked_at)

    assert stored(scrubber.scrub(untouched).dataset) == stored(scrubber.scrub(looked_at).dataset)


@pytest.mark.parametrize("decoded", [False, True], ids=["as read", "decoded"])
def test_the_argument_is_not_written_to(scrubber: Scrubber, decoded: bool) -> None:
    source = study_instance()
    item = Dataset()
    item.PatientName = "Canarybird"
    item.StudyInstanceUID = f"{UID_ROOT}.1"
    source.ReferencedSeriesSequence = [item]
    source.add_new("PixelData", "OW", b"\0\1\2\3")
    dataset = source if decoded else as_read(source)
    raw_before = {tag: type(dataset.get_item(tag)) for tag in dataset.keys()}  # noqa: SIM118
    before = stored(source)

    result = scrubber.scrub(dataset).dataset
    result.ReferencedSeriesSequence[0].StudyInstanceUID = "1.2"
    result.Modality = "MR"
    result.Rows = 3

    assert {tag: type(dataset.get_item(tag)) for tag in dataset.keys()} == raw_before  # noqa: SIM118
    assert stored(dataset) == before


def test_pixels_are_shared_and_not_copied(scrubber: Scrubber) -> None:
    dataset = study_instance()
    pixels = bytes(1000)
    dataset.add_new("PixelData", "OW", pixels)

    assert scrubber.scrub(dataset).dataset.PixelData is pixels


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_the_transfer_syntax_stays(scrubber: Scrubber, syntax: UID) -> None:
    source = study_instance()
    source.file_meta.TransferSyntaxUID = syntax
    source.SmallestImagePixelValue = 1
    source.PixelRepresentation = 0
    source.add_new("PixelData", "OW", b"\1\0\2\0")
    buffer = BytesIO()
    dcmwrite(buffer, source, enforce_file_format=True)
    dataset = dcmread(BytesIO(buffer.getvalue()))

    scrubbed = scrubber.scrub(dataset).dataset

    again = dcmread(BytesIO(stored(scrubbed)))
    assert again.file_meta.TransferSyntaxUID == syntax
    assert again.PixelData == dataset.PixelData
    assert again.SmallestImagePixelValue == 1
    assert again.Rows == 2


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"])
@pytest.mark.parametrize("how", ["missing", "empty", "two"])
def test_an_instance_that_cannot_be_named_is_malformed(
    scrubber: Scrubber, keyword: str, how: str
) -> None:
    dataset = study_instance()
    if how == "missing":
        del dataset[keyword]
    else:
        dataset[keyword].value = "" if how == "empty" else ["1.2.3", "1.2.4"]

    with pytest.raises(MalformedDataset, match=keyword):
        scrubber.scrub(dataset)


def test_no_file_meta_information_is_malformed(scrubber: Scrubber) -> None:
    dataset = study_instance()
    del dataset.file_meta.TransferSyntaxUID
    with pytest.raises(MalformedDataset):
        scrubber.scrub(dataset)
    del dataset.file_meta
    with pytest.raises(MalformedDataset):
        scrubber.scrub(dataset)


def test_an_object_without_a_study_gets_a_place_but_no_attributes(scrubber: Scrubber) -> None:
    dataset = study_instance()
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.38.1")  # Hanging Protocol
    del dataset.StudyInstanceUID
    del dataset.SeriesInstanceUID

    scrubbed = scrubber.scrub(dataset)

    assert len({scrubbed.study_instance_uid, scrubbed.series_instance_uid}) == 2
    assert "StudyInstanceUID" not in scrubbed.dataset
    assert "SeriesInstanceUID" not in scrubbed.dataset


def test_a_directory_is_no_instance(scrubber: Scrubber) -> None:
    dataset = study_instance()
    dataset.DirectoryRecordSequence = []

    with pytest.raises(UnsupportedObject):
        scrubber.scrub(dataset)


def test_a_patient_without_an_id_gets_no_name(scrubber: Scrubber) -> None:
    dataset = study_instance()
    dataset.PatientID = ""

    scrubbed = scrubber.scrub(dataset).dataset

    assert scrubbed.PatientID in {"", None}
    assert not scrubbed.PatientName


def test_a_patient_who_is_not_in_the_table_is_withheld(plan: Plan) -> None:
    scrubber = Scrubber(plan, Pseudonyms(KEY, SubjectTable({("other", ""): "S-1"})))

    with pytest.raises(UnknownSubject):
        scrubber.scrub(study_instance())


def test_a_group_that_no_standard_knows_goes_at_any_depth(scrubber: Scrubber) -> None:
    dataset = study_instance()
    item = Dataset()
    item.add(DataElement(0x47120010, "LO", "Canarybird"))
    dataset.ReferencedSeriesSequence = [item]
    dataset.add(DataElement(0xEAEA0102, "SH", "Canarybird"))

    scrubbed = scrubber.scrub(dataset).dataset

    assert 0xEAEA0102 not in scrubbed
    assert all(element.tag != 0x47120010 for element in scrubbed.iterall())
    assert "canarybird" not in str(scrubbed).lower()


def _raw(tag: int, vr: str | None, value: bytes) -> RawDataElement:
    return RawDataElement(Tag(tag), vr, len(value), value or None, 0, False, True)


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00080020, "DA", b"canarybird"),
        (0x00081030, "LO", b"\xff\xfecanarybird\x1b$B"),
        (0x00280010, "US", b"\1\2\3"),
        (0x00200013, "IS", b"one"),
        (0x00181164, "DS", b"a\\b\\c"),
        (0x0020000D, "UI", b"\xff\xffcanarybird.1"),
        (0x00080005, "CS", b"NO SUCH CHARSET"),
        (0x00100020, "LO", b"\xff\xfecanarybird"),
        (0x00081111, "SQ", b"canarybird"),
        (0x00081111, "UN", b"canarybird canarybird"),
        (0x00081111, "SQ", b"\xfe\xff\x00\xe0\xff\xff\xff\x00"),
        (0x0040A730, "SQ", b"\xfe\xff\x00\xe0\x08\x00\x00\x00canarybi"),
        (0x00280010, "??", b"\1\0"),
        (0x00280010, None, b"\1\0"),
        (0x00100020, "JH", b""),
        (0x00200010, "JH", b""),
    ],
)
def test_values_that_cannot_be_decoded_raise_no_foreign_error(
    scrubber: Scrubber, quiet: None, tag: int, vr: str | None, value: bytes
) -> None:
    dataset = as_read(study_instance())
    dataset[tag] = _raw(tag, vr, value)

    try:
        said = stored(scrubber.scrub(dataset).dataset)
    except CleaningError as error:
        said = f"{error} {error.__cause__}".encode()

    assert not marks_in(said)


def test_a_sequence_sent_as_un_is_scrubbed_inside(scrubber: Scrubber) -> None:
    """PS3.5 6.2.2: the items of an UN sequence are Implicit VR Little Endian."""
    name = b"\x10\0\x10\0\x0a\0\0\0Canarybird"
    uid = f"{UID_ROOT}.2".encode().ljust(34, b"\0")
    series = b"\x20\0\x0e\0" + len(uid).to_bytes(4, "little") + uid
    items = b"\xfe\xff\0\xe0" + len(name + series).to_bytes(4, "little") + name + series
    dataset = as_read(study_instance())
    dataset[0x00081115] = _raw(0x00081115, "UN", items)

    scrubbed = scrubber.scrub(dataset)

    content = stored(scrubbed.dataset)
    assert not marks_in(content)
    item = dcmread(BytesIO(content)).ReferencedSeriesSequence[0]
    assert item.SeriesInstanceUID == scrubbed.series_instance_uid


def test_a_structured_report_keeps_its_tree_and_loses_its_words(scrubber: Scrubber) -> None:
    def code(meaning: str) -> Dataset:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "121071", "DCM", meaning
        return item

    def content(value_type: str, **values: object) -> Dataset:
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", value_type
        item.ConceptNameCodeSequence = [code("Finding")]
        for keyword, value in values.items():
            setattr(item, keyword, value)
        return item

    dataset = study_instance()
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.88.59")
    dataset.ValueType = "CONTAINER"
    measured = Dataset()
    measured.NumericValue = "12.5"
    dataset.ContentSequence = [
        content("TEXT", TextValue="Mrs Canarybird has a cold"),
        content("PNAME", PersonName="Canarybird^Tweety"),
        content("DATE", Date=BIRTH),
        content("UIDREF", UID=f"{UID_ROOT}.1"),
        content("NUM", MeasuredValueSequence=[measured]),
        content("CONTAINER", ContentSequence=[content("TEXT", TextValue="canarybird")]),
    ]
    observer = Dataset()
    observer.VerifyingObserverName = "Canarybird^Dr"
    observer.VerifyingOrganization = "Canarybird Clinic"
    observer.VerificationDateTime = f"{BIRTH}120000"
    observer.VerifyingObserverIdentificationCodeSequence = [code("Canarybird")]
    dataset.VerifyingObserverSequence = [observer]
    dataset.PersonIdentificationCodeSequence = [code("Canarybird")]

    scrubbed = scrubber.scrub(as_read(dataset)).dataset

    assert not marks_in(stored(scrubbed))
    types = [item.ValueType for item in scrubbed.ContentSequence]
    assert types == ["TEXT", "PNAME", "DATE", "UIDREF", "NUM", "CONTAINER"]
    text, person, date, reference, number, container = scrubbed.ContentSequence
    assert text.TextValue == "REMOVED"
    assert text.ConceptNameCodeSequence[0].CodeMeaning == "Finding"
    assert person.PersonName == "REMOVED"
    assert date.Date == "19000101"
    assert scrubbed.StudyInstanceUID == reference.UID
    assert number.MeasuredValueSequence[0].NumericValue == 12.5
    assert container.ContentSequence[0].TextValue == "REMOVED"
    assert scrubbed.VerifyingObserverSequence[0].VerifyingObserverName == "REMOVED"
    assert scrubbed.PersonIdentificationCodeSequence[0].CodeMeaning == "Removed"


def test_functional_groups_are_scrubbed_and_stay(scrubber: Scrubber) -> None:
    dataset = study_instance()
    frame = Dataset()
    frame.FrameAcquisitionDateTime = f"{BIRTH}101112"
    frame.FrameComments = "Canarybird"
    frame.FrameAcquisitionNumber = 4
    group = Dataset()
    group.FrameContentSequence = [frame]
    dataset.PerFrameFunctionalGroupsSequence = [group] * 3

    scrubbed = scrubber.scrub(as_read(dataset)).dataset

    assert not marks_in(stored(scrubbed))
    assert len(scrubbed.PerFrameFunctionalGroupsSequence) == 3
    for group in levels(scrubbed):
        if "FrameContentSequence" in group:
            assert group.FrameContentSequence[0].FrameAcquisitionNumber == 4


def test_pixels_inside_a_sequence_are_withheld_unless_it_is_an_icon(scrubber: Scrubber) -> None:
    dataset = study_instance()
    picture = Dataset()
    picture.add_new("PixelData", "OW", bytes(4))
    dataset.IconImageSequence = [picture]
    assert "IconImageSequence" not in scrubber.scrub(as_read(dataset)).dataset
    dataset.ReferencedSeriesSequence = [picture]

    with pytest.raises(UnsupportedObject):
        scrubber.scrub(as_read(dataset))


@pytest.mark.parametrize("depth", [64, 65, 1000])
def test_nesting_beyond_any_use_is_malformed(scrubber: Scrubber, depth: int) -> None:
    dataset = study_instance()
    level = dataset
    for _ in range(depth):
        item = Dataset()
        item.PatientName = "Canarybird"
        level.ReferencedSeriesSequence = [item]
        level = item

    if depth <= 64:
        assert not marks_in(stored(scrubber.scrub(dataset).dataset))
    else:
        with pytest.raises(MalformedDataset, match="nested"):
            scrubber.scrub(dataset)


@pytest.mark.parametrize("group", [0x5001, 0x6001, 0x7F01, 0x7FE1])
def test_private_groups_that_look_like_repeating_ones_are_removed(
    scrubber: Scrubber, group: int
) -> None:
    """Implicit VR names no VR, and the dictionary's mask 7Fxx,0010 fits a private creator too."""
    dataset = study_instance()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    block = dataset.private_block(group, "GEMS_Ultrasound_MovieGroup_001", create=True)
    block.add_new(0x01, "LO", "Canarybird")

    result = scrubber.scrub(as_read(dataset)).dataset

    assert not [tag for tag in result if tag.tag.group == group]
    assert marks_in(stored(result)) == []
