"""What a line says of the people in the header, told from lines that say nothing of them."""

from collections.abc import Callable
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from deid_node.leaks.moments import Moments
from deid_node.leaks.spoken import HeaderMatch


def an_original(**attributes: str) -> Dataset:
    """Return a dataset as it is read from a file, in UTF-8."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True)
    buffer.seek(0)
    return dcmread(buffer, force=True)


def says(line: str, **attributes: str) -> bool:
    return HeaderMatch(an_original(**attributes)).says(line)


@pytest.mark.req("REQ-PX-11")
@pytest.mark.parametrize(
    "line",
    [
        "LEE",
        "Lee",
        "L E E",
        "LEE, R.",
        "R LEE",
        "leerobert",
        "ROBERT-LEE",
        "1EE",
        "R0BERT",
        "ROBE",
        "OBERT",
        "LR",
        "R.L.",
        "SLEEP",
    ],
)
def test_a_line_with_a_part_of_a_name_says_something(line: str) -> None:
    assert says(line, PatientName="Lee^Robert")


@pytest.mark.parametrize("line", ["R", "L", "E", "RT", "10 mm", "PA", "AP", "CC"])
def test_a_mark_that_shares_letters_with_a_name_says_nothing(line: str) -> None:
    assert not says(line, PatientName="Lee^Robert", PatientID="0012345", StudyID="1")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Ng^A", "NG"),
        ("Ng^A", "N G"),
        ("Müller^Jörg", "MUELLER"),
        ("Müller^Jörg", "MULLER"),
        ("Mu\u0308ller", "Müller"),
        ("Ærøskøbing^Å", "Aeroskobing"),
        ("O'Hara^Ann", "OHARA"),
        ("Yamada^Tarou=山田^太郎", "山田太郎"),
        ("Yamada^Tarou=山田^太郎", "TAROU"),
        ("Head^Phantom", "HEAD"),
        ("Smith-Jones^Mary^Ann", "JONES"),
        ("Smith^J\\Doe^Jane", "DOE"),
        ("Иванова^Анна", "ИВАНОВА"),
    ],
)
def test_names_are_known_in_the_spellings_of_screens(name: str, line: str) -> None:
    assert says(line, PatientName=name)


@pytest.mark.parametrize(
    "keyword", ["OperatorsName", "ReferringPhysicianName", "InstitutionName", "StationName"]
)
def test_not_only_the_patient_counts(keyword: str) -> None:
    assert says("BOSTON R", **{keyword: "Boston"})


def test_names_inside_sequences_count() -> None:
    dataset = an_original()
    item = Dataset()
    item.PatientID = "HOSP-4711"
    dataset.OtherPatientIDsSequence = [item]

    assert HeaderMatch(dataset).says("4711")
    assert HeaderMatch(dataset).says("HOSP 47-11")


@pytest.mark.parametrize(
    "line", ["0012345", "12345", "001 23 45", "ID12345", "2345", "12345 mm", "OOI2345", "123"]
)
def test_a_line_with_a_number_of_the_patient_says_something(line: str) -> None:
    assert says(line, PatientID="0012345")


@pytest.mark.parametrize(("line", "expected"), [("77", True), ("77 mm", True), ("177 mm", False)])
def test_a_short_number_counts_where_it_stands_by_itself(line: str, expected: bool) -> None:
    assert says(line, AccessionNumber="77") is expected


def test_a_house_number_is_none_of_the_patient() -> None:
    assert not says("12 cm", InstitutionAddress="Main Street 12")
    assert says("10115", InstitutionAddress="10115 Berlin")


@pytest.mark.parametrize(
    "line",
    [
        "20231204",
        "2023-12-04",
        "04.12.2023",
        "12/4/23",
        "4. Dec 2023",
        "04DEC23",
        "DEZ 23",
        "4 déc",
        "231204",
        "041223",
        "2023",
        "04.12.",
        "12/23",
        "14:41",
        "2:41 PM",
        "14H41",
        "14:41:07",
        "144107",
        "66Y",
        "066Y",
        "66",
        "Age: 66 years",
    ],
)
def test_a_date_time_or_age_of_the_header_is_known_in_any_spelling(line: str) -> None:
    assert says(line, StudyDate="20231204", StudyTime="144107.5", PatientAge="066Y")


@pytest.mark.parametrize("line", ["66 mm", "4 x 12 mm", "23 cm", "14.41 cm", "5/12", "Im 4/50"])
def test_a_measurement_that_shares_figures_with_a_date_says_nothing(line: str) -> None:
    assert not says(line, StudyDate="20231204", StudyTime="144107", PatientAge="066Y")


def test_a_date_and_time_in_one_value_are_known() -> None:
    assert says("04/12/23", AcquisitionDateTime="20231204144107.123+0100")
    assert says("14:41", AcquisitionDateTime="20231204144107.123+0100")


def test_values_that_are_no_moments_are_passed_over() -> None:
    moments = Moments.of([("AS", "old"), ("DA", "yesterday"), ("TM", "4"), ("DT", "")])

    assert moments == Moments.of([])
    assert not moments.spelt_in("10 mm 4")


def test_a_name_in_a_character_set_that_nobody_declared_is_known() -> None:
    dataset = Dataset()
    name = Tag("PatientName")
    dataset[name] = RawDataElement(name, "PN", 7, "Müller".encode(), 0, False, True)

    assert HeaderMatch(dataset).says("MÜLLER")


def test_an_empty_header_names_nobody() -> None:
    assert not says("R LEE 2023")


def test_nothing_of_it_is_shown() -> None:
    lines = HeaderMatch(an_original(PatientName="Lee^Robert"))
    lines.says("R")

    assert "lee" not in repr(vars(lines)["_named"]).casefold()


_LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=10)


@given(
    st.lists(_LETTERS, min_size=1, max_size=4),
    st.data(),
    st.sampled_from(["", " ", ", ", "^", "-", ". ", "_"]),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.text("RL0123456789 .m", max_size=6),
)
def test_no_line_that_holds_a_part_of_the_name_passes(
    parts: list[str], data: st.DataObject, between: str, spelt: Callable[[str], str], around: str
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(parts), min_size=1, max_size=3))
    line = spelt(between.join([around, *chosen, around]))

    assert says(line, PatientName="^".join(parts))


@given(
    st.text("0123456789ABC", min_size=3, max_size=16),
    st.sampled_from(["", " ", "-", "."]),
    st.text("RL mx", max_size=6),
)
def test_no_line_that_holds_a_number_of_the_patient_passes(
    number: str, between: str, around: str
) -> None:
    line = around + between.join(number) + around

    assert says(line, PatientID=number) or len(number.lstrip("0O")) < 3


@given(
    st.dates(date(1900, 1, 2)),
    st.sampled_from(
        [
            "%Y%m%d",
            "%d.%m.%Y",
            "%m/%d/%Y",
            "%Y-%m-%d",
            "%d-%m-%y",
            "%d %b %Y",
            "%b %d, %y",
            "%y%m%d",
        ]
    ),
    st.text("RL mx", max_size=6),
)
def test_no_line_that_holds_a_date_of_the_header_passes(
    day: date, spelling: str, around: str
) -> None:
    line = f"{around} {day.strftime(spelling)} {around}"

    assert says(line, PatientBirthDate=day.strftime("%Y%m%d"))
