"""Ages above 89 and dates of birth, wherever a header or a report may hide them."""

from typing import Any

import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement

from deid_node.errors import IdentifierLeft
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.clean.option_cleaners import OptionCleaning
from deid_node.metadata.plan.options import DateOptions, Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY, as_read, study_instance
from tests.unit.metadata.reports import code, content, measured, report

FULL = Option.RETAIN_LONGITUDINAL_FULL_DATES
MODIFIED = Option.RETAIN_LONGITUDINAL_MODIFIED_DATES
CONTENT = Option.CLEAN_STRUCTURED_CONTENT
BODY = Option.RETAIN_PATIENT_CHARACTERISTICS

AGE = code("121033", "DCM", "Subject Age")
LOCAL = code("ALT", "99KLINIK", "Alter")
PATIENTS = code("PA", "99KLINIK", "Patientenalter")
NAMELESS = code("42", "99KLINIK", "Liver")
STARTED = code("111524", "DCM", "Age Started")
YEARS, MONTHS = code("a", "UCUM", "year"), code("mo", "UCUM", "month")


def _cleaned(dataset: Dataset, *options: Option) -> Dataset:
    chosen = frozenset(options)
    return (
        Scrubber(
            build_plan(chosen),
            Pseudonyms(KEY),
            cleaning=OptionCleaning(chosen),
            dates=DateOptions(),
        )
        .scrub(as_read(dataset))
        .dataset
    )


def _number(dataset: Dataset, name: Dataset, value: Dataset, *options: Option) -> str | None:
    dataset.ContentSequence = [content("NUM", name, MeasuredValueSequence=[value])]
    (item,) = _cleaned(dataset, CONTENT, *options).ContentSequence
    if not item.MeasuredValueSequence:
        return None
    return str(item.MeasuredValueSequence[0].NumericValue)


@pytest.mark.req("REQ-MD-32")
@pytest.mark.parametrize(
    ("name", "number", "unit", "told"),
    [
        (AGE, "89", YEARS, "89"),
        (AGE, "90", YEARS, "90"),
        (AGE, "97", YEARS, "90"),
        (AGE, "97.5", YEARS, "90"),
        (AGE, "1164", MONTHS, "1080"),
        (AGE, "1079", MONTHS, "1079"),
        (AGE, "35430", code("d", "UCUM", "day"), "32872"),
        (AGE, "97", code("{age}a", "UCUM", "years"), "90"),
        (AGE, "97", code("a_j", "UCUM", "julian years"), "90"),
        (AGE, "97", code("258707000", "SCT", "year"), "90"),
        (AGE, "97", code("J", "99KLINIK", "Jahre"), "90"),
        (AGE, "97", code("1", "UCUM", "no units"), "90"),
        (code("30525-0", "LN", "Age"), "97", YEARS, "90"),
        (code("397669002", "SCT", "Age"), "1164", MONTHS, "1080"),
        (LOCAL, "97", YEARS, "90"),
        (LOCAL, "1164", MONTHS, "1080"),
        (LOCAL, "97", code("X", "99KLINIK", "units"), "90"),
        (LOCAL, "97", code("ans", "99KLINIK", "ans"), "90"),
        (PATIENTS, "97", code("J", "99KLINIK", "Jahre"), "90"),
        (PATIENTS, "1164", code("M", "99KLINIK", "Monate"), "1080"),
        (PATIENTS, "97", code("1", "UCUM", "no units"), "90"),
        (NAMELESS, "97", code("J", "99KLINIK", "Jahre"), "90"),
        (NAMELESS, "97", code("A", "99KLINIK", "années de vie"), "90"),
        (code("V", "99KLINIK", "Возраст"), "97", code("X", "99KLINIK", "units"), "90"),
        (code("L", "99KLINIK", "Patientleeftijd"), "97", code("X", "99KLINIK", "units"), "90"),
        (NAMELESS, "97", YEARS, "90"),
        (NAMELESS, "1164", code("mo_s", "UCUM", "month"), "1080"),
        (STARTED, "97", YEARS, "90"),
        (code("27113001", "SCT", "Body weight"), "97", code("kg", "UCUM", "kg"), "97"),
        (code("113937", "DCM", "AAPM 204 Effective Diameter Estimated From Patient Age"), "310",
         code("mm", "UCUM", "mm"), "310"),
        (code("17", "99KLINIK", "Liver age"), "310", code("mm", "UCUM", "mm"), "310"),
        (NAMELESS, "97", code("mm", "UCUM", "mm"), "97"),
    ],
)  # fmt: skip
def test_an_age_in_a_report_is_told_up_to_89(
    name: Dataset, number: str, unit: Dataset, told: str
) -> None:
    assert _number(report(), name, measured(number, unit), BODY) == told


@pytest.mark.parametrize(
    ("name", "number", "unit", "told"),
    [
        (AGE, "47", YEARS, None),
        (LOCAL, "47", YEARS, None),
        (LOCAL, "47", code("X", "99KLINIK", "units"), None),
        (NAMELESS, "47", YEARS, None),
        (NAMELESS, "571", MONTHS, None),
        (STARTED, "47", YEARS, "47"),
        (STARTED, "97", YEARS, "90"),
        (NAMELESS, "12", code("s", "UCUM", "second"), "12"),
        (code("18185-9", "LN", "Gestational Age"), "32", code("wk", "UCUM", "week"), "32"),
    ],
)
def test_without_patient_characteristics_no_age_is_told(
    name: Dataset, number: str, unit: Dataset, told: str | None
) -> None:
    assert _number(report(), name, measured(number, unit)) == told


@pytest.mark.parametrize(
    "form",
    [
        {"FloatingPointValue": 97.0},
        {"RationalNumeratorValue": 97, "RationalDenominatorValue": 1},
        {"RationalNumeratorValue": 970, "RationalDenominatorValue": 10},
    ],
)
def test_the_other_forms_of_a_number_tell_no_more_than_the_first(form: dict[str, Any]) -> None:
    value, dataset = measured("50", YEARS), report()
    for keyword, number in form.items():
        setattr(value, keyword, number)
    dataset.ContentSequence = [content("NUM", LOCAL, MeasuredValueSequence=[value])]

    (item,) = _cleaned(dataset, CONTENT, BODY).ContentSequence

    (new,) = item.MeasuredValueSequence
    assert str(new.NumericValue) == "90"
    assert not any(keyword in new for keyword in form)


@pytest.mark.parametrize("options", [(), (CONTENT,), (CONTENT, BODY)])
def test_a_number_beside_its_concept_outside_a_report_is_judged_likewise(
    options: tuple[Option, ...],
) -> None:
    dataset = study_instance()
    item = content("NUMERIC", LOCAL, NumericValue="97", MeasurementUnitsCodeSequence=[YEARS])
    dataset.ProtocolContextSequence = [item]

    (new,) = _cleaned(dataset, *options).ProtocolContextSequence

    assert str(new.NumericValue) == ("90" if BODY in options else "0")


@pytest.mark.req("REQ-MD-32")
@pytest.mark.parametrize(
    "number", ["771259", "771259.0", "7.71259E5", "771.259", "19510213", "13021951", "2131951"]
)
def test_a_number_with_the_digits_of_an_identifier_does_not_stay(number: str) -> None:
    assert _number(report(), NAMELESS, measured(number, code("mm", "UCUM", "mm")), BODY) is None


@pytest.mark.parametrize("number", ["771258", "77125", "7712590", "12.5"])
def test_a_number_with_other_digits_stays(number: str) -> None:
    found = _number(report(), NAMELESS, measured(number, code("mm", "UCUM", "mm")))

    assert found is not None
    assert float(found) == float(number)


def test_a_floating_number_with_the_digits_of_an_identifier_does_not_stay() -> None:
    value, dataset = measured("1", code("mm", "UCUM", "mm")), report()
    value[0x0040A161] = DataElement(0x0040A161, "FD", 771259.0)
    dataset.ContentSequence = [content("NUM", NAMELESS, MeasuredValueSequence=[value])]

    (item,) = _cleaned(dataset, CONTENT).ContentSequence

    assert not item.MeasuredValueSequence


@pytest.mark.req("REQ-MD-19")
@pytest.mark.parametrize("option", [FULL, MODIFIED])
@pytest.mark.parametrize(
    "name",
    [code("GEB", "99KLINIK", "Geburtsdatum"), code("184099003", "SCT", "Date of birth"), NAMELESS],
)
@pytest.mark.parametrize("in_header", [True, False])
def test_a_birth_date_under_any_concept_of_nobody_s_terminology_is_a_dummy(
    option: Option, name: Dataset, in_header: bool
) -> None:
    dataset = report()
    dataset.PatientBirthDate = "19510213" if in_header else ""
    dataset.ContentSequence = [
        content("DATE", name, Date="19510213"),
        content("DATETIME", name, DateTime="1951"),
        content("DATETIME", name, DateTime="195102"),
        content("DATETIME", name, DateTime="19510213083000"),
    ]

    items = _cleaned(dataset, CONTENT, option).ContentSequence

    assert [str(items[0].Date), *(str(item.DateTime) for item in items[1:])] == [
        "19000101", *["19000101000000"] * 3
    ]  # fmt: skip


@pytest.mark.req("REQ-MD-19")
@pytest.mark.parametrize("option", [FULL, MODIFIED])
@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("FrameAcquisitionDateTime", "19510213"),
        ("FrameAcquisitionDateTime", "19510213101112.5"),
        ("FrameAcquisitionDateTime", "1951"),
        ("FrameAcquisitionDateTime", "195102-0500"),
        ("ObservationDateTime", "1951-0500"),
        ("ContentDate", "19510213"),
        ("ContentDate", "1951.02.13"),
        ("AdmittingDate", "19510213"),
        ("TreatmentDate", "19110101"),
    ],
)
def test_a_date_of_birth_or_of_a_life_above_89_is_told_in_no_other_attribute(
    quiet: None, option: Option, keyword: str, value: str
) -> None:
    dataset = study_instance()
    dataset.PatientBirthDate, dataset.StudyDate = "19510213", "20040826"
    item = Dataset()
    setattr(item, keyword, value)
    dataset.ReferencedSeriesSequence = [item]
    setattr(dataset, keyword, value)

    cleaned = _cleaned(dataset, option)

    for level in (cleaned, cleaned.ReferencedSeriesSequence[0]):
        assert str(level.get(keyword) or "")[:8] in {"", "19000101"}


def test_a_newborn_keeps_the_dates_of_the_first_day() -> None:
    dataset = study_instance()
    dataset.PatientBirthDate = dataset.StudyDate = dataset.AdmittingDate = "20040826"
    dataset.FrameAcquisitionDateTime = "20040826101112"

    cleaned = _cleaned(dataset, FULL)

    assert cleaned.StudyDate == cleaned.AdmittingDate == "20040826"
    assert cleaned.FrameAcquisitionDateTime == "20040826101112"
    LeakCheck().check(as_read(dataset), as_read(cleaned), retained=frozenset({FULL}))


@pytest.mark.parametrize("told", ["19510213101112", "1951", "195102"])
def test_the_second_look_finds_a_birth_date_where_another_date_should_stand(told: str) -> None:
    original = study_instance()
    original.StudyDate, original.FrameAcquisitionDateTime = "20040826", told
    cleaned = study_instance()
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyID"):
        setattr(cleaned, keyword, "")
    cleaned.FrameAcquisitionDateTime = told

    with pytest.raises(IdentifierLeft, match="FrameAcquisitionDateTime"):
        LeakCheck().check(
            as_read(original), as_read(cleaned), retained=frozenset({FULL, "retain_uids"})
        )
