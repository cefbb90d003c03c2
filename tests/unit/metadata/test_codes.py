"""A code's meaning belongs to its code: whole, or not at all."""

import re
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.sr._concepts_dict import concepts as _concepts

from deid_node.leaks.check import LeakCheck
from deid_node.metadata.clean.codes import known_meanings
from deid_node.metadata.clean.ucum import is_unit
from deid_node.metadata.scrub import Scrubber
from tests.builders.samples import SHARED
from tests.unit.metadata.canary import as_read, levels
from tests.unit.metadata.reports import code, content, measured, report

concepts = cast("dict[str, dict[str, dict[str, tuple[str, list[int]]]]]", _concepts)
UNITS = (
    *("mGy", "mGy.cm", "Gy.m2", "dGy.m2", "W/kg", "kg/m2", "mm[Hg]", "/min", "1/s", "10*3/uL"),
    *("{ratio}", "{counts}/s", "{SUVbw}g/ml", "g/ml{SUVbw}", "10-6.mm2/s", "10-6mm2/s"),
    *("[hnsf'U]", "ml/[100]g/min", "mL/min/{1.73_m2}", "s/mm2", "1", "%", "Cel", "[degF]", "keV"),
    *("mAs", "mA.s", "dB", "{beats}/min", "kPa", "um", "umol/L", "ug/ml", "a", "mo", "m2/(kg.s)"),
)
NO_UNITS = (
    *("Miller", "CB771259", "12345678", "{Miller}", "{Mrs Miller}", "mGy Miller", "mGy.Miller"),
    *("1951.02.13", "1951/02/13", "123.456.789", "12.3.45", "", "mGy.", "..", "{", "mm Hg", "ann"),
    *("Bob", "Sam", "John", "m" * 65, "Tim"),
)


def _told(scrubber: Scrubber, entry: Dataset, *, unit: bool = False) -> tuple[str, str]:
    dataset, finding = report(), code("121071", "DCM", "Finding")
    item = (
        content("NUM", finding, MeasuredValueSequence=[measured("1.5", entry)]) if unit
        else content("CODE", finding, ConceptCodeSequence=[entry])
    )  # fmt: skip
    dataset.ContentSequence = [item]
    (new,) = scrubber.scrub(as_read(dataset)).dataset.ContentSequence
    found = (
        new.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0] if unit
        else new.ConceptCodeSequence[0]
    )  # fmt: skip
    return found.CodeValue, found.CodeMeaning


@pytest.mark.parametrize("text", UNITS)
def test_a_unit_is_known_by_what_it_is_made_of(text: str) -> None:
    assert is_unit(text)


@pytest.mark.parametrize("text", NO_UNITS)
def test_what_may_be_anybody_s_is_no_unit(text: str) -> None:
    assert not is_unit(text)


def test_every_unit_of_the_context_groups_is_one() -> None:
    ours = {value for codes in concepts["UCUM"].values() for value in codes}

    assert not [value for value in ours if not is_unit(value)]


@given(st.text(st.characters(codec="ascii"), min_size=5, max_size=20))
def test_no_run_of_five_letters_or_digits_of_nobody_s_atoms_is_a_unit(text: str) -> None:
    if is_unit(text):
        assert not re.search(r"[0-9]{4}", text)
        assert all(
            len(part) <= 6 for part in re.split(r"[^A-Za-z]", re.sub(r"[{\[].*?[}\]]", "", text))
        )


@pytest.mark.req("REQ-MD-32")
@pytest.mark.parametrize("text", [unit for unit in UNITS if len(unit) <= 16])
def test_a_unit_keeps_the_meaning_that_is_itself(cleaning_scrubber: Scrubber, text: str) -> None:
    assert _told(cleaning_scrubber, code(text, "UCUM", text), unit=True) == (text, text)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (code("mGy", "UCUM", "milligray of Mrs Canarybird"), ("mGy", "mGy")),
        (code("mm", "UCUM", "Canarybird"), ("mm", "mm")),
        (code("mm", "UCUM", "millimeter"), ("mm", "mm")),
        (code("[hnsf'U]", "UCUM", "Hounsfield unit"), ("[hnsf'U]", "Hounsfield unit")),
        (code("Canarybird", "UCUM", "mm"), ("REMOVED", "Removed")),
        (code("{Tweety}", "UCUM", "{Tweety}"), ("REMOVED", "Removed")),
        (code("10200004", "SCT", "Liver"), ("10200004", "Liver")),
        (code("10200004", "SCT", "LIVER STRUCTURE (BODY STRUCTURE)"),
         ("10200004", "LIVER STRUCTURE (BODY STRUCTURE)")),
        (code("10200004", "SCT", "Canarybird's liver"), ("10200004", "Liver")),
        (code("T-62000", "SRT", "Canarybird"), ("T-62000", "Liver")),
        (code("T-62000", "99SDM", "Canarybird"), ("T-62000", "Liver")),
        (code("4711", "DCM", "Canary lesion"), ("4711", "REMOVED")),
        (code("4711", "SCT", "lesion, 3 cm, of Tweety"), ("4711", "REMOVED")),
        (code("4711", "DCM", "Liver lesion"), ("4711", "Liver lesion")),
        (code("4711", "99HOSP", "lesion of Tweety"), ("REMOVED", "Removed")),
    ],
)  # fmt: skip
def test_a_meaning_is_the_code_s_or_it_goes_as_a_whole(
    cleaning_scrubber: Scrubber, entry: Dataset, told: tuple[str, str]
) -> None:
    assert _told(cleaning_scrubber, entry) == told


def test_every_meaning_of_a_context_group_stays(cleaning_scrubber: Scrubber) -> None:
    dataset = report()
    entries = [
        code(value, scheme, meaning)
        for scheme, concept in concepts.items()
        for codes in list(concept.values())[::40]
        for value, (meaning, _) in codes.items()
        if len(value) <= 16 and len(meaning) <= 64 and meaning.isascii()
    ]
    finding = code("121071", "DCM", "Finding")
    dataset.ContentSequence = [content("CODE", finding, ConceptCodeSequence=entries)]

    (item,) = cleaning_scrubber.scrub(as_read(dataset)).dataset.ContentSequence

    told = [(one.CodeValue, one.CodeMeaning) for one in item.ConceptCodeSequence]
    assert len(told) > 300
    assert told == [(one.CodeValue, one.CodeMeaning) for one in entries]


def test_old_snomed_codes_mean_what_the_new_ones_do() -> None:
    assert known_meanings("SRT", "T-62000")[0] == "Liver"


@pytest.mark.shared
def test_the_units_of_a_real_dose_report_stay(
    cleaning_scrubber: Scrubber, leak_check: LeakCheck
) -> None:
    path = SHARED / "field" / "04_rdsr_ucum_units_meaning_mangled.dcm"
    if not path.exists():
        pytest.skip("the shared data folder is missing")
    original = dcmread(path)

    cleaned = cleaning_scrubber.scrub(original).dataset

    def units(dataset: Dataset) -> list[tuple[str, str]]:
        return [
            (level.CodeValue, level.CodeMeaning)
            for level in levels(dataset)
            if level.get("CodingSchemeDesignator") == "UCUM"
        ]

    assert len(units(original)) > 60
    assert units(cleaned) == units(original)
    leak_check.check(original, as_read(cleaned))
