"""The days by which dates move stay secret: no delivered date tells them.

Whoever knows what a date was before, because it is printed in the standard or
on the machine, or because every program writes it where none is known, has only
to subtract. So each delivered date is held against the one that was sent.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.uid import UID

from deid_node.leaks.check import LeakCheck
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.clean.option_cleaners import OptionCleaning
from deid_node.metadata.encoding.whose import Whose, load_whose
from deid_node.metadata.plan.options import DateOptions, Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY, as_read, levels, nested, study_instance
from tests.unit.metadata.reports import code, content, report

MODIFIED = Option.RETAIN_LONGITUDINAL_MODIFIED_DATES
FULL = Option.RETAIN_LONGITUDINAL_FULL_DATES
CONTENT = Option.CLEAN_STRUCTURED_CONTENT
PATIENT_ID = "CB-771259"
SHIFT = timedelta(Pseudonyms(KEY).shift_days(PATIENT_ID, "", "", DateOptions().span))
PUBLISHED = "20170824"

DATES = tuple((tag, vr) for tag, (vr, *_) in sorted(DicomDictionary.items()) if vr in {"DA", "DT"})
PLACEHOLDERS = (
    *("00010101", "10000101", "15821015", "16010101", "17530101", "18000101", "18581117"),
    *("18991230", "18991231", "19000101", "19000102", "19010101", "19011213", "19040101"),
    *("19500101", "19600101", "19691231", "19700101", "19800101", "19800106", "19900101"),
    *("19991231", "20000101", "20010101", "20380119", "20991231", "21000101", "22991231"),
    *("29991231", "99990101", "99991231", "11111111"),
)
# What is the same for other people too, whoever reads it.
SHARED = {
    "ContextGroupVersion", "ContextGroupLocalVersion", "TemplateVersion", "TemplateLocalVersion",
    "EthicsCommitteeApprovalEffectivenessStartDate",
    "EthicsCommitteeApprovalEffectivenessEndDate",
    "DateOfLastCalibration", "DateTimeOfLastCalibration", "CalibrationDateTime",
    "DateOfManufacture", "DateOfInstallation", "DateOfLastDetectorCalibration",
    "DateOfGainCalibration", "CalibrationDate", "SourceStrengthReferenceDate",
    "ProductExpirationDateTime", "AssertionExpirationDateTime", "EffectiveDateTime",
    "InformationIssueDateTime", "HangingProtocolCreationDateTime", "SelectorDAValue",
    "SelectorDTValue", "ExpiryDate", "ProcedureCreationDate", "ProcedureExpirationDate",
    "ProcedureLastModifiedDate", "SecondaryReviewDate", "ItemInventoryDateTime",
    "ExpirationDateTime", "RouteSegmentStartTime", "RouteSegmentEndTime", "AlarmDecisionTime",
    "OOIOwnerCreationTime",
}  # fmt: skip


def _scrubber(*options: Option, moves_birth_date: bool = False) -> Scrubber:
    chosen = frozenset(options)
    plan = build_plan(chosen, moves_birth_date=moves_birth_date)
    return Scrubber(plan, Pseudonyms(KEY), cleaning=OptionCleaning(chosen), dates=DateOptions())


def _instance(day: str, *, depth: int, birth: str = "19510213") -> Dataset:
    dataset = study_instance()
    dataset.PatientID, dataset.PatientBirthDate = PATIENT_ID, birth
    level = dataset if depth == 0 else Dataset()
    for tag, vr in DATES:
        if keyword_for_tag(tag) != "PatientBirthDate" and tag >> 16 != 0x0004:
            level[tag] = DataElement(tag, vr, day if vr == "DA" else f"{day}101112.5+0100")
    if depth:
        inner = Dataset()
        inner.ReferencedSeriesSequence = [level]
        nested(dataset, DataElement(0x00081115, "SQ", [inner]), 0)
        dataset.StudyDate = "20040826"
    return dataset


def _days(dataset: Dataset) -> Iterator[tuple[str, date]]:
    for level in levels(dataset):
        for element in level:
            if element.VR in {"DA", "DT"} and element.value:
                values = [element.value] if element.VM == 1 else element.value
                for value in values:
                    yield element.keyword, date.fromisoformat(str(value)[:8])


def test_every_date_and_time_of_the_dictionary_is_somebody_s() -> None:
    timed = {tag for tag, (vr, *_) in DicomDictionary.items() if vr in {"DA", "DT", "TM"}}
    whose = load_whose()

    shared = {keyword_for_tag(tag) for tag, owner in whose.items() if owner is Whose.SHARED}

    assert set(whose) == timed
    assert {k for k in shared if DicomDictionary[tag_for_keyword(k) or 0][0] != "TM"} == SHARED


@pytest.mark.req("REQ-MD-19")
@pytest.mark.parametrize("depth", [0, 2])
def test_a_day_that_others_share_is_not_moved(quiet: None, depth: int) -> None:
    scrubbed = _scrubber(MODIFIED).scrub(as_read(_instance(PUBLISHED, depth=depth))).dataset

    moved = {k for k, day in _days(scrubbed) if day - date.fromisoformat(PUBLISHED) == SHIFT}
    others = {k: day for k, day in _days(scrubbed) if k not in moved}

    assert not moved & SHARED
    assert moved >= {"ContentDate", "FrameAcquisitionDateTime", "TreatmentDate", "ROIDateTime"}
    assert set(others.values()) <= {date(1900, 1, 1), date(2004, 8, 26) + SHIFT}


@pytest.mark.req("REQ-MD-19")
@pytest.mark.parametrize("day", PLACEHOLDERS)
@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("birth", ["19510213", "same"])
def test_what_stands_where_no_date_was_known_becomes_a_dummy(
    quiet: None, day: str, depth: int, birth: str
) -> None:
    sent = _instance(day, depth=depth, birth=day if birth == "same" else birth)
    scrubber = _scrubber(MODIFIED, moves_birth_date=birth == "same")

    scrubbed = scrubber.scrub(as_read(sent)).dataset

    told = {d for k, d in _days(scrubbed) if (k, depth) != ("StudyDate", 2)}
    assert told - {date(2004, 8, 26) + SHIFT} == {date(1900, 1, 1)}
    assert not scrubbed.PatientBirthDate
    LeakCheck().check(as_read(sent), as_read(scrubbed), retained=frozenset({MODIFIED}))


def test_one_of_several_values_becomes_a_dummy_and_the_others_move() -> None:
    dataset = study_instance()
    dataset.PatientID = PATIENT_ID
    dataset.StudyDate = dataset.ContentDate = "20040826"
    item = content("TCOORD", code("121071", "DCM", "Finding"))
    item.ReferencedDateTime = ["20040826", "19700101", "00010101000000.0+0000"]
    dataset.ReferencedSeriesSequence = [item]

    scrubbed = _scrubber(MODIFIED).scrub(as_read(dataset)).dataset

    moved = f"{date(2004, 8, 26) + SHIFT:%Y%m%d}"
    told = scrubbed.ReferencedSeriesSequence[0].ReferencedDateTime
    assert [str(one) for one in told] == [moved, "19000101000000", "19000101000000"]


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
@settings(max_examples=60, deadline=None)
def test_no_day_before_the_first_or_after_the_last_image_is_moved(day: date) -> None:
    dataset = study_instance()
    dataset.PatientID, dataset.PatientBirthDate = PATIENT_ID, ""
    dataset.AcquisitionDate = f"{day:%Y%m%d}".zfill(8)

    scrubbed = _scrubber(MODIFIED).scrub(as_read(dataset)).dataset

    if not 1901 <= day.year <= 2099:
        assert scrubbed.AcquisitionDate == "19000101"


@pytest.mark.req("REQ-MD-32")
@pytest.mark.parametrize(
    ("name", "moves"),
    [
        (code("111526", "DCM", "DateTime Started"), True),
        (code("113809", "DCM", "Start of X-Ray Irradiation"), True),
        (code("113723", "DCM", "Calibration DateTime"), False),
        (code("VERSION", "99LOCAL", "Date Started"), False),
        (code("1", "99LOCAL", "software release"), False),
        (code("999999", "DCM", "Date Started"), False),
    ],
)
def test_a_date_of_a_report_moves_where_its_concept_makes_it_the_patient_s(
    name: Dataset, moves: bool
) -> None:
    dataset = report()
    dataset.PatientID = PATIENT_ID
    dataset.ContentSequence = [
        content("DATETIME", name, DateTime=f"{PUBLISHED}101112"),
        content("CONTAINER", code("121070", "DCM", "Findings"), ContinuityOfContent="SEPARATE",
                ContentSequence=[content("DATE", name, Date=PUBLISHED)]),
    ]  # fmt: skip

    cleaned = _scrubber(CONTENT, MODIFIED).scrub(as_read(dataset)).dataset

    first, second = cleaned.ContentSequence
    days = [str(first.DateTime)[:8], str(second.ContentSequence[0].Date)]
    moved = f"{date.fromisoformat(PUBLISHED) + SHIFT:%Y%m%d}"
    assert days == ([moved] * 2 if moves else ["19000101"] * 2)


@pytest.mark.parametrize("keyword", ["AcquisitionContextSequence", "ProtocolContextSequence"])
def test_a_date_beside_a_concept_outside_a_report_is_judged_likewise(keyword: str) -> None:
    dataset = study_instance()
    dataset.PatientID = PATIENT_ID
    known, local = code("111526", "DCM", "DateTime Started"), code("V", "99LOCAL", "Version")
    items = [content("DATETIME", name, DateTime=PUBLISHED) for name in (known, local)]
    setattr(dataset, keyword, items)

    cleaned = _scrubber(CONTENT, MODIFIED).scrub(as_read(dataset)).dataset

    told = [str(item.DateTime)[:8] for item in cleaned[keyword].value]
    assert told == [f"{date.fromisoformat(PUBLISHED) + SHIFT:%Y%m%d}", "19000101"]


def test_objects_about_nobody_have_no_date_that_could_move() -> None:
    dataset = study_instance()
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.38.1")
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.HangingProtocolCreationDateTime = f"{PUBLISHED}101112"
    dataset.InstanceCreationDate = dataset.ContentDate = PUBLISHED

    scrubbed = _scrubber(MODIFIED).scrub(as_read(dataset)).dataset

    assert {day for _, day in _days(scrubbed)} == {date(1900, 1, 1)}


@pytest.mark.parametrize("keyword", sorted(SHARED))
def test_full_dates_keep_what_others_share(keyword: str) -> None:
    dataset = study_instance()
    dataset.StudyDate = "20040826"
    setattr(dataset, keyword, PUBLISHED)

    scrubbed = _scrubber(FULL).scrub(as_read(dataset)).dataset

    assert str(scrubbed[keyword].value) == PUBLISHED


@pytest.mark.parametrize("birth", ["19510101", "19700101", "19691231", "19510213"])
def test_a_birth_date_that_can_be_guessed_is_emptied(birth: str) -> None:
    dataset = study_instance()
    dataset.PatientBirthDate, dataset.StudyDate = birth, "20040826"

    scrubbed = _scrubber(MODIFIED, moves_birth_date=True).scrub(as_read(dataset)).dataset

    assert bool(scrubbed.PatientBirthDate) is (birth == "19510213")
