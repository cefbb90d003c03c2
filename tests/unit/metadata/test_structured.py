"""Reports and drawings: what they say is cleaned, how they are built stays."""

from collections.abc import Iterator

import pytest
from pydicom import Dataset
from pydicom.uid import UID

from deid_node.errors import UnsupportedObject
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.clean.option_cleaners import OptionCleaning
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY, as_read, levels, marks_in, stored, study_instance
from tests.unit.metadata.reports import code, content, presentation_state, report


def _shape(items: list[Dataset]) -> Iterator[tuple[object, ...]]:
    for item in items:
        yield item.get("RelationshipType"), item.get("ValueType")
        yield tuple(_shape(list(item.get("ContentSequence") or ())))


def _said(dataset: Dataset, concept: str) -> Dataset:
    (item,) = (
        i for i in dataset.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == concept
    )
    assert isinstance(item, Dataset)
    return item


def _scrubber(*options: Option) -> Scrubber:
    chosen = frozenset(options)
    return Scrubber(build_plan(chosen), Pseudonyms(KEY), cleaning=OptionCleaning(chosen))


@pytest.fixture(scope="module")
def cleaned(cleaning_scrubber: Scrubber) -> Dataset:
    return cleaning_scrubber.scrub(as_read(report())).dataset


@pytest.mark.req("REQ-MD-32")
def test_nothing_of_the_canary_is_left_in_a_report(cleaned: Dataset, leak_check: LeakCheck) -> None:
    assert not marks_in(stored(cleaned))
    leak_check.check(as_read(report()), as_read(cleaned))


@pytest.mark.req("REQ-MD-32")
def test_the_tree_keeps_its_items_their_types_and_their_order(cleaned: Dataset) -> None:
    assert list(_shape(list(cleaned.ContentSequence))) == list(
        _shape(list(report().ContentSequence))
    )


def test_text_keeps_words_of_the_trade_or_becomes_a_dummy(cleaned: Dataset) -> None:
    texts = [level.TextValue for level in levels(cleaned) if "TextValue" in level]

    assert texts == ["REMOVED", "REMOVED", "REMOVED", "liver lesion segment 12 mm"]


def test_what_a_concept_calls_somebody_s_does_not_stay(cleaned: Dataset) -> None:
    assert _said(cleaned, "121008").PersonName == "REMOVED"
    assert _said(cleaned, "121013").TextValue == "REMOVED"
    assert _said(cleaned, "121031").Date == "19000101"
    assert _said(cleaned, "121032").ConceptCodeSequence[0].CodeMeaning == "Removed"
    assert not _said(cleaned, "121033").MeasuredValueSequence


def test_references_are_those_of_the_images(cleaned: Dataset, scrubber: Scrubber) -> None:
    image = scrubber.scrub(as_read(study_instance(1)))
    (evidence,) = cleaned.CurrentRequestedProcedureEvidenceSequence

    (shown,) = (item for item in cleaned.ContentSequence if item.ValueType == "IMAGE")
    assert shown.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.sop_instance_uid
    assert evidence.StudyInstanceUID == image.study_instance_uid
    assert evidence.ReferencedSeriesSequence[0].SeriesInstanceUID == image.series_instance_uid


def test_codes_say_what_their_terminology_says(cleaned: Dataset) -> None:
    codes = [
        (item.ConceptCodeSequence[0].CodeValue, item.ConceptCodeSequence[0].CodeMeaning)
        for item in cleaned.ContentSequence
        if item.ValueType == "CODE"
    ]

    assert codes == [
        ("REMOVED", "Removed"),
        ("10200004", "Liver"),
        ("REMOVED", "Removed"),
        ("17", "Liver lesion"),
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (code("4711", "DCM", "Canary lesion"), ("4711", "REMOVED")),
        (code("4711", "DCM", "Canary"), ("4711", "REMOVED")),
        (code("CB771259", "DCM", "Lesion"), ("REMOVED", "Removed")),
        (code("mm", "UCUM", "mm"), ("mm", "mm")),
        (code("T-62000", "SRT", "Liver"), ("T-62000", "Liver")),
    ],
)
def test_codes_that_nobody_knows(
    cleaning_scrubber: Scrubber, entry: Dataset, expected: tuple[str, str]
) -> None:
    dataset = report()
    dataset.ContentSequence = [
        content("CODE", code("121071", "DCM", "Finding"), ConceptCodeSequence=[entry])
    ]

    (item,) = cleaning_scrubber.scrub(as_read(dataset)).dataset.ContentSequence

    found = item.ConceptCodeSequence[0]
    assert (found.CodeValue, found.CodeMeaning) == expected


def test_the_body_stays_where_patient_characteristics_are_retained() -> None:
    scrubber = _scrubber(Option.CLEAN_STRUCTURED_CONTENT, Option.RETAIN_PATIENT_CHARACTERISTICS)

    cleaned = scrubber.scrub(as_read(report())).dataset

    assert _said(cleaned, "121032").ConceptCodeSequence[0].CodeMeaning == "Female"
    assert _said(cleaned, "121031").Date == "19000101"


@pytest.mark.parametrize(
    "option", [Option.RETAIN_LONGITUDINAL_FULL_DATES, Option.RETAIN_LONGITUDINAL_MODIFIED_DATES]
)
def test_dates_of_items_follow_the_option_but_a_birth_date_never_does(option: Option) -> None:
    dataset = report()
    dataset.ContentSequence[8].DateTime = "20040826101112"

    cleaned = _scrubber(Option.CLEAN_STRUCTURED_CONTENT, option).scrub(as_read(dataset)).dataset

    moment = _said(cleaned, "121135").DateTime
    kept = option is Option.RETAIN_LONGITUDINAL_FULL_DATES
    assert (moment == "20040826101112") is kept
    assert not str(moment).startswith("1900")
    assert _said(cleaned, "121031").Date == "19000101"


def test_acquisition_context_and_specimen_preparation_are_cleaned_likewise(
    cleaning_scrubber: Scrubber,
) -> None:
    dataset, step, specimen = study_instance(), Dataset(), Dataset()
    said = content("TEXT", code("121071", "DCM", "Finding"), TextValue="Tweety: contrast")
    del said.RelationshipType
    step.SpecimenPreparationStepContentItemSequence = [said]
    specimen.SpecimenPreparationSequence = [step]
    dataset.SpecimenDescriptionSequence = [specimen]
    dataset.AcquisitionContextSequence = [said]

    cleaned = cleaning_scrubber.scrub(as_read(dataset)).dataset

    (step,) = cleaned.SpecimenDescriptionSequence[0].SpecimenPreparationSequence
    assert step.SpecimenPreparationStepContentItemSequence[0].TextValue == "contrast"
    assert cleaned.AcquisitionContextSequence[0].TextValue == "contrast"


@pytest.mark.req("REQ-MD-33")
def test_drawings_keep_their_lines_and_what_is_left_of_their_text(
    cleaning_scrubber: Scrubber, leak_check: LeakCheck
) -> None:
    original = as_read(presentation_state("Lesion 12 mm, Canarybird", "seen by Quack", "Tweety"))

    cleaned = cleaning_scrubber.scrub(original).dataset

    (annotation,) = cleaned.GraphicAnnotationSequence
    texts = [item.UnformattedTextValue for item in annotation.TextObjectSequence]
    assert texts == ["Lesion 12 mm", "seen by", "REMOVED"]
    assert annotation.GraphicObjectSequence[0].GraphicData == [1.0, 1.0, 2.0, 2.0]
    assert not marks_in(stored(cleaned))
    leak_check.check(original, as_read(cleaned))


@pytest.mark.req("REQ-MD-34")
@pytest.mark.parametrize(
    ("original", "option"),
    [
        (report(), Option.CLEAN_STRUCTURED_CONTENT),
        (presentation_state("Lesion"), Option.CLEAN_GRAPHICS),
    ],
    ids=["report", "presentation state"],
)
def test_objects_made_of_text_are_withheld_without_the_option_that_cleans_them(
    scrubber: Scrubber, original: Dataset, option: Option
) -> None:
    other = Option.CLEAN_DESCRIPTORS

    with pytest.raises(UnsupportedObject, match=option):
        scrubber.scrub(original)
    with pytest.raises(UnsupportedObject, match=option):
        _scrubber(other).scrub(original)
    assert _scrubber(option).scrub(original).dataset.SOPClassUID == original.SOPClassUID


def test_a_key_object_selection_goes_through_without_any_option(scrubber: Scrubber) -> None:
    dataset = report()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(
        "1.2.840.10008.5.1.4.1.1.88.59"
    )

    dataset.ContentSequence = [
        item for item in dataset.ContentSequence if item.ValueType in {"TEXT", "IMAGE"}
    ]

    cleaned = scrubber.scrub(as_read(dataset)).dataset

    assert not marks_in(stored(cleaned))
    assert len(cleaned.ContentSequence) == len(dataset.ContentSequence)
