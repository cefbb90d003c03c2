"""Dates, times and ages: moved together, or not let through."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.encoding import dates
from deid_node.metadata.encoding.whose import is_fill_in
from deid_node.metadata.plan.options import DateOptions, Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY, UID_ROOT, as_read, study_instance

MODIFIED = Option.RETAIN_LONGITUDINAL_MODIFIED_DATES
FULL = Option.RETAIN_LONGITUDINAL_FULL_DATES
AGES = Option.RETAIN_PATIENT_CHARACTERISTICS


def _scrubber(
    *options: Option, moves_birth_date: bool = False, pseudonyms: Pseudonyms | None = None
) -> Scrubber:
    plan = build_plan(options, moves_birth_date=moves_birth_date)
    return Scrubber(plan, pseudonyms or Pseudonyms(KEY), dates=DateOptions())


def _dated(day: str = "20040826", patient: str = "CB-771259") -> Dataset:
    dataset = study_instance()
    dataset.PatientID = patient
    dataset.PatientBirthDate = "19510213"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = day
    dataset.StudyTime = "101112.123"
    dataset.AcquisitionDateTime = f"{day}101112.123456+0100"
    return dataset


def _day(text: object) -> date:
    return date.fromisoformat(str(text)[:8])


@pytest.mark.parametrize(
    ("text", "vr", "later"),
    [
        ("20200228", "DA", "20200301"),
        ("2020.02.28", "DA", "20200301"),
        ("20200101\\20191231", "DA", "20200103\\20200102"),
        ("20191231235959.5-0500", "DT", "20200102235959.5-0500"),
        ("20191231", "DT", "20200102"),
        ("2019123123", "DT", "2020010223"),
        ("101112", "TM", "101112"),
        ("10", "TM", "10"),
        ("10:11:12", "TM", "10:11:12"),
        ("235960.123456", "TM", "235960.123456"),
        ("+0100", "SH", "+0100"),
    ],
)
def test_a_day_moves_and_a_time_stays(text: str, vr: str, later: str) -> None:
    assert dates.moved(text, vr, days=2) == later


@pytest.mark.req("REQ-MD-19")
@pytest.mark.parametrize(
    ("text", "vr"),
    [
        ("20200230", "DA"),
        ("20201301", "DA"),
        ("2020-01-01", "DA"),
        ("200101", "DA"),
        ("20200101-20200301", "DA"),
        ("20200101\\CANARY", "DA"),
        ("CANARY", "DA"),
        ("٢٠٢٠٠١٠١", "DA"),
        ("20200101\\", "DA"),
        ("2020", "DT"),
        ("202001", "DT"),
        ("20200101T101112", "DT"),
        ("20200101101112.", "DT"),
        ("20200101+9900", "DT"),
        ("25", "TM"),
        ("1011.5", "TM"),
        ("101112.1234567", "TM"),
        ("noon", "TM"),
        ("Europe/Berlin", "SH"),
    ],
)
def test_what_is_no_date_is_not_moved(text: str, vr: str) -> None:
    assert dates.moved(text, vr, days=2) is None


@pytest.mark.parametrize("text", ["2020", "202001", "20200101", "2020-0500"])
def test_a_date_and_time_may_be_less_exact_where_it_stays(text: str) -> None:
    assert dates.checked(text, "DT") == text


@pytest.mark.parametrize(
    ("age", "told"),
    [("089Y", "089Y"), ("090Y", "090Y"), ("091Y", "090Y"), ("120Y", "090Y"), ("999M", "999M"),
     ("003D\\101Y", "003D\\090Y"), ("90Y", None), ("090y", None), ("old", None)],
)  # fmt: skip
def test_ages_above_89_are_told_as_90(age: str, told: str | None) -> None:
    assert dates.capped(age) == told


@given(st.dates(date(1850, 1, 1), date(2100, 1, 1)), st.integers(-36525, 36525))
def test_a_moved_day_is_that_many_days_away(day: date, days: int) -> None:
    text, new = f"{day:%Y%m%d}", f"{day + timedelta(days):%Y%m%d}"

    assert dates.moved(text, "DA", days=days) == ("19000101" if is_fill_in(day) else new)


@pytest.mark.req("REQ-MD-19")
def test_all_dates_of_a_patient_move_by_the_same_days() -> None:
    scrubber = _scrubber(MODIFIED)
    first, other = _dated("20040826"), _dated("20050301")
    other.StudyInstanceUID, other.SeriesInstanceUID = f"{UID_ROOT}.91", f"{UID_ROOT}.92"
    item = Dataset()
    item.ContentDate = "20040101"
    other.ReferencedSeriesSequence = [item]

    one = scrubber.scrub(as_read(first)).dataset
    two = scrubber.scrub(as_read(other)).dataset

    moved = _day(one.StudyDate) - date(2004, 8, 26)
    assert timedelta(days=-1826) <= moved <= timedelta(days=-1)
    assert _day(one.SeriesDate) == _day(one.AcquisitionDate) == _day(one.StudyDate)
    assert one.AcquisitionDateTime == f"{one.StudyDate}101112.123456+0100"
    assert one.StudyTime == "101112.123"
    assert _day(two.StudyDate) - date(2005, 3, 1) == moved
    assert _day(two.ReferencedSeriesSequence[0].ContentDate) - date(2004, 1, 1) == moved


def test_patients_and_keys_move_by_days_of_their_own() -> None:
    shifts = {
        Pseudonyms(key).shift_days(patient, issuer, "", DateOptions().span)
        for key in (KEY, b"o" * 32)
        for patient in ("A", "B")
        for issuer in ("", "X")
    }

    assert len(shifts) == 8


def test_no_patient_keeps_the_true_dates() -> None:
    span = DateOptions(least_shift_days=-15, most_shift_days=15).span
    pseudonyms = Pseudonyms(KEY)

    shifts = {pseudonyms.shift_days(str(number), "", "", span) for number in range(500)}

    assert shifts == set(range(-15, 16)) - {0}


def test_without_a_patient_id_the_study_moves_together() -> None:
    scrubber = _scrubber(MODIFIED)

    one = scrubber.scrub(as_read(_dated("20040826", patient=""))).dataset
    two = scrubber.scrub(as_read(_dated("20040827", patient=""))).dataset

    assert _day(two.StudyDate) - _day(one.StudyDate) == timedelta(days=1)


@pytest.mark.req("REQ-MD-19")
@pytest.mark.parametrize("option", [MODIFIED, FULL])
def test_a_malformed_date_is_treated_as_in_the_basic_profile(option: Option) -> None:
    dataset = _dated()
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "StudyTime", "SeriesTime"):
        vr, tag = "TM" if keyword.endswith("Time") else "DA", tag_for_keyword(keyword)
        assert tag is not None
        # The library would refuse such a value; senders do not.
        dataset[tag] = RawDataElement(BaseTag(tag), vr, 10, b"CANARYBIRD", 0, False, True)

    scrubbed = _scrubber(option).scrub(dataset).dataset

    assert not any((scrubbed.StudyDate, scrubbed.StudyTime, scrubbed.AcquisitionDate))
    assert (scrubbed.SeriesDate, scrubbed.SeriesTime) == ("19000101", "000000")


@pytest.mark.parametrize(
    ("birth", "age", "moves"),
    [
        ("19510213", None, True),
        ("19510213", "053Y", True),
        ("19510213", "091Y", False),
        ("19140826", None, False),
        ("19140827", None, True),
        ("20040901", None, False),
        ("1951", None, False),
    ],
)
def test_the_birth_date_moves_only_where_it_tells_no_great_age(
    quiet: None, birth: str, age: str | None, moves: bool
) -> None:
    dataset = _dated()
    dataset.PatientBirthDate = birth
    if age is not None:
        dataset.PatientAge = age

    emptied = _scrubber(MODIFIED).scrub(as_read(dataset)).dataset
    scrubbed = _scrubber(MODIFIED, moves_birth_date=True).scrub(as_read(dataset)).dataset

    assert not emptied.PatientBirthDate
    if moves:
        apart = date(2004, 8, 26) - _day(birth)
        assert _day(scrubbed.StudyDate) - _day(scrubbed.PatientBirthDate) == apart
    else:
        assert not scrubbed.PatientBirthDate


@pytest.mark.parametrize("options", [(AGES,), (AGES, MODIFIED), (AGES, FULL)])
def test_the_age_is_told_up_to_89(options: tuple[Option, ...]) -> None:
    dataset = _dated()
    dataset.PatientAge = "104Y"
    dataset.PatientSex = "F"
    dataset.PatientWeight = "61.5"

    scrubbed = _scrubber(*options).scrub(as_read(dataset)).dataset

    assert (scrubbed.PatientAge, scrubbed.PatientSex) == ("090Y", "F")
    assert str(scrubbed.PatientWeight) == "61.5"
    assert not scrubbed.PatientBirthDate
