"""The canary in every place: nothing of it is left, or the second look says so."""

from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence
from pydicom.uid import UID

from deid_node.errors import IdentifierLeft, UnsupportedObject
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.plan.action import Action
from deid_node.metadata.plan.plan import MISPLACED_GROUPS, Plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import (
    VALUES,
    as_read,
    canary_element,
    levels,
    marks_in,
    nested,
    stored,
    study_instance,
)

NUMBERS = {"AS", "AT", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"}


def _listed_tags(plan: Plan) -> list[int]:
    tags = [int(r.pattern.replace(",", ""), 16) for r in plan.table.rows if "x" not in r.pattern]
    return [tag for tag in tags if tag >> 16 not in MISPLACED_GROUPS]


def _one_of_each(tags: list[int], depth: int) -> Dataset:
    dataset = study_instance()
    level = dataset
    for _ in range(depth):
        item = Dataset()
        level.ReferencedSeriesSequence = [item]
        level = item
    for tag in tags:
        level[tag] = canary_element(tag)
    if depth == 0:
        dataset.StudyInstanceUID = VALUES["UI"]
    return dataset


@pytest.mark.parametrize("decoded", [False, True], ids=["as read", "decoded"])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_nothing_of_the_canary_is_left_in_any_attribute_of_the_table(
    plan: Plan, scrubber: Scrubber, leak_check: LeakCheck, depth: int, decoded: bool
) -> None:
    tags = _listed_tags(plan)
    original = _one_of_each(tags, depth)
    dataset = original if decoded else as_read(original)

    scrubbed = scrubber.scrub(dataset).dataset

    content = stored(scrubbed)
    assert len(tags) > 610
    assert not marks_in(content)
    leak_check.check(dataset, scrubbed)
    leak_check.check(dataset, dcmread(BytesIO(content)))
    for level in levels(scrubbed):
        for tag in tags:
            if tag in level and level[tag].VR in NUMBERS:
                assert level[tag].value != VALUES[level[tag].VR]


def _speaking_tags(plan: Plan, *, kept: bool) -> list[int]:
    """Return every attribute of the dictionary that can name somebody, by what the plan does."""
    identity = {0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E}
    return [
        tag
        for tag, (vrs, *_) in DicomDictionary.items()
        for vr in [vrs.split(" or ")[0]]
        if vr not in NUMBERS | {"NONE"} and tag not in identity
        if tag >> 16 not in MISPLACED_GROUPS
        if (plan.judge(tag, vr).action is Action.KEEP and vr != "SQ") is kept
    ]


@pytest.mark.parametrize("decoded", [False, True], ids=["as read", "decoded"])
def test_what_the_plan_does_not_keep_is_clean_for_the_whole_dictionary(
    plan: Plan, scrubber: Scrubber, leak_check: LeakCheck, decoded: bool
) -> None:
    tags = _speaking_tags(plan, kept=False)
    original = _one_of_each(tags, 0)
    dataset = original if decoded else as_read(original)

    scrubbed = scrubber.scrub(dataset).dataset

    assert len(tags) > 2000
    assert not marks_in(stored(scrubbed))
    leak_check.check(dataset, scrubbed)


def test_what_the_plan_keeps_does_not_slip_past_the_second_look(
    plan: Plan, scrubber: Scrubber, leak_check: LeakCheck
) -> None:
    """A name in an attribute that the written policy keeps withholds the instance."""
    tags = _speaking_tags(plan, kept=True)
    original = study_instance()
    original.FrameOfReferenceUID = VALUES["UI"]
    slipped = []
    for tag in tags:
        cleaned = Dataset()
        cleaned[tag] = canary_element(tag)
        try:
            leak_check.check(original, cleaned)
        except IdentifierLeft:
            continue
        slipped.append(f"{tag:08x}")

    assert len(tags) > 800
    assert not slipped


def test_private_elements_go_at_every_depth(scrubber: Scrubber) -> None:
    dataset = study_instance()
    for depth in (0, 1, 3):
        for element in (
            DataElement(0x00291010, "LO", "CANARYBIRD"),
            DataElement(0x00290010, "LO", "CANARYBIRD HEADER"),
            DataElement(0x00291011, "UN", b"canarybird"),
            DataElement(0x00291012, "SQ", Sequence([study_instance()])),
        ):
            nested(dataset, element, depth)

    scrubbed = scrubber.scrub(as_read(dataset)).dataset

    assert not marks_in(stored(scrubbed))
    assert not [e.tag for level in levels(scrubbed) for e in level if e.tag.is_private]


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Canarybird^Äneas"),
        ("ISO_IR 192", "Canarybird^Tweety=カナリヤ^トゥイーティー=かなりや"),
        (["", "ISO 2022 IR 87"], "Canarybird^Tweety=金糸雀^鳥子=かなりや^とりこ"),
        (["", "ISO 2022 IR 149"], "Canarybird^Tweety=김희중^나비"),
        ("GB18030", "Canarybird^Tweety=金丝雀^小鸟"),
        ("ISO_IR 144", "Canarybird^Канарейка"),
    ],
)
def test_names_in_any_script_go(
    scrubber: Scrubber, leak_check: LeakCheck, charset: str | list[str], name: str
) -> None:
    dataset = study_instance()
    dataset.SpecificCharacterSet = charset
    dataset.PatientName = name
    dataset.OtherPatientNames = [name, "Canarybird^Tweety"]
    dataset.PatientComments = name
    original = as_read(dataset)

    scrubbed = scrubber.scrub(original).dataset

    content = stored(scrubbed)
    assert not marks_in(content)
    for part in name.replace("^", "=").split("="):
        assert part.encode("utf-8") not in content
    leak_check.check(original, scrubbed)
    for planted in (name, name.rsplit("=", maxsplit=1)[-1].rsplit("^", maxsplit=1)[-1]):
        scrubbed.StudyDescription = planted
        with pytest.raises(IdentifierLeft):
            leak_check.check(original, as_read(scrubbed))


def test_values_that_stand_in_a_row_stay_as_many(scrubber: Scrubber) -> None:
    dataset = study_instance()
    dataset.ClinicalTrialProtocolEthicsCommitteeName = "Canarybird"
    dataset.FrameLabelVector = ["Canarybird", "Tweety", "Canarybird"]
    dataset.OtherPatientIDs = ["CB-771259", "CB-771259"]

    scrubbed = scrubber.scrub(as_read(dataset)).dataset

    assert list(scrubbed.FrameLabelVector) == ["REMOVED"] * 3
    assert "OtherPatientIDs" not in scrubbed


def test_the_file_meta_information_is_written_from_nothing(scrubber: Scrubber) -> None:
    dataset = as_read(study_instance())
    dataset.preamble = b"CANARYBIRD".ljust(128)

    scrubbed = scrubber.scrub(dataset).dataset

    assert scrubbed.preamble == b"\0" * 128
    assert {element.keyword for element in scrubbed.file_meta} == {
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
        "ImplementationVersionName",
    }
    assert scrubbed.file_meta.MediaStorageSOPInstanceUID == scrubbed.SOPInstanceUID
    assert not marks_in(stored(scrubbed))


@pytest.mark.parametrize(
    "sop_class",
    [
        "1.2.840.10008.5.1.4.1.1.104.1",
        "1.2.840.10008.5.1.4.1.1.104.2",
        "1.2.840.10008.5.1.4.1.1.66",
        "1.2.840.10008.5.1.4.1.1.9.4.1",
        "1.2.840.10008.1.3.10",
        "1.3.12.2.1107.5.9.1",
    ],
)
def test_objects_that_cannot_be_looked_into_are_withheld(
    scrubber: Scrubber, sop_class: str
) -> None:
    dataset = study_instance()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)

    with pytest.raises(UnsupportedObject):
        scrubber.scrub(dataset)
