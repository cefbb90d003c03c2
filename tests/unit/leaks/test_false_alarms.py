"""A word of the standard is nobody's name where the standard speaks; a whole name always is."""

import pytest
from pydicom import Dataset, dcmread

from deid_node.errors import IdentifierLeft
from deid_node.leaks.check import LeakCheck
from deid_node.leaks.terms import Terms
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.plan.attest import attest
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from deid_node.pixels.derivation import BITS_CLEARED, DERIVATION
from tests.bench.alarms import alarms_of, planted_of, real_instances
from tests.builders.samples import SHARED
from tests.unit.metadata.canary import KEY, as_read, study_instance

NAMES_NOBODY: dict[str, tuple[dict[str, object], str, object]] = {
    "a defined term": ({"PatientName": "Muster^Max"}, "ImageType", ["DERIVED", "MR", "MAX_IP"]),
    "a colour": ({"PatientName": "Black^Tessa"}, "BorderDensity", "BLACK"),
    "of an operator": ({"OperatorsName": "White^Tessa"}, "BorderDensity", "WHITE"),
    "a yes": ({"PatientName": "Yes^Anna"}, "PatientIdentityRemoved", "YES"),
    "a modality": ({"PatientName": "Seg^Ivo"}, "Modality", "SEG"),
    "a position": ({"PatientName": "Prone^Ivo"}, "PatientPosition", "PRONE"),
    "a meaning": ({"PatientName": "Hollis^Ray"}, "CodeMeaning", "X-Ray Radiation Dose Report"),
    "two words of a meaning": (
        {"PatientName": "Dose^Radiation"},
        "CodeMeaning",
        "X-Ray Radiation Dose Report",
    ),
    "a product": ({"PatientName": "Big^Harold"}, "ManufacturerModelName", "Brilliance Big Bore"),
    "another": ({"PatientName": "Vida^Rosa"}, "ManufacturerModelName", "MAGNETOM Vida"),
    "a station": ({"PatientName": "Berg^Max"}, "StationName", "MAX"),
    "a sequence": ({"PatientName": "tfl3d1^16ns"}, "SequenceName", "*tfl3d1_16ns"),
    "a sequence as id": ({"PatientID": "epfid2d1_64"}, "SequenceName", "*epfid2d1_64"),
    "a sequence as study": ({"StudyID": "ep2d_bold"}, "PulseSequenceName", "ep2d_bold"),
    "an acronym": ({"PatientName": "HASTE"}, "SequenceName", "haste irm"),
    "a vendor as creator": ({"ContentCreatorName": "Lunit"}, "Manufacturer", "Lunit Inc."),
    "a vendor as operator": ({"OperatorsName": "Nico Lab"}, "ContentLabel", "NICO.LAB"),
    "a department": ({"InstitutionalDepartmentName": "Cardiology"}, "CodeMeaning", "Cardiology"),
    "words in words": ({"PatientName": "Forman^Bo"}, "SeriesDescription", "performance"),
    "across words": ({"PatientName": "Artima^Bo"}, "SeriesDescription", "heart image"),
    "values of their own": ({"PatientName": "Head^Axial"}, "ImageType", ["HEAD", "AXIAL"]),
}

NAMES_SOMEBODY: dict[str, tuple[dict[str, object], str, object]] = {
    "a whole name of terms": ({"PatientName": "Black^Max"}, "BorderDensity", "BLACK MAX"),
    "a whole name, turned": ({"PatientName": "Muster^Max"}, "ImageType", ["MAX_MUSTER"]),
    "no term": ({"PatientName": "Whitby^Clara"}, "BodyPartExamined", "WHITBY"),
    "a term where people write": ({"PatientName": "Hollis^Ray"}, "SeriesDescription", "for Ray"),
    "a meaning of nobody's": ({"PatientName": "Hollis^Ray"}, "CodeMeaning", "Ray Hollis"),
    "beside a product": ({"PatientName": "Big^Harold"}, "ManufacturerModelName", "Bore Harold"),
    "a sequence elsewhere": ({"PatientID": "epfid2d1_64"}, "SeriesDescription", "epfid2d1_64"),
    "a number": ({"PatientID": "448812"}, "SequenceName", "*fl448812"),
    "a maker who is a patient": ({"PatientName": "Lunit"}, "Manufacturer", "Lunit Inc."),
    "an operator as a maker": ({"OperatorsName": "Whitby^Jo"}, "ContentLabel", "WHITBY"),
    "words in others": ({"PatientName": "Forman^Bo"}, "SeriesDescription", "xformanx"),
    "a birth date": ({"PatientBirthDate": "19510213"}, "SequenceName", "*fl2d 13.2.1951"),
}


def _both(header: dict[str, object], keyword: str, value: object) -> tuple[Dataset, Dataset]:
    original, cleaned = study_instance(), Dataset()
    original.Manufacturer = "Lunit Inc." if "Lunit" in str(header) else "Nico Lab"
    for name, said in header.items():
        setattr(original, name, said)
    setattr(cleaned, keyword, value)
    return as_read(original), cleaned


@pytest.mark.parametrize("case", NAMES_NOBODY)
def test_a_word_of_the_standard_names_nobody_where_it_speaks(
    leak_check: LeakCheck, quiet: None, case: str
) -> None:
    leak_check.check(*_both(*NAMES_NOBODY[case]))


@pytest.mark.parametrize("case", NAMES_SOMEBODY)
def test_a_whole_name_is_one_and_so_is_a_word_that_is_no_term(
    leak_check: LeakCheck, quiet: None, case: str
) -> None:
    with pytest.raises(IdentifierLeft):
        leak_check.check(*_both(*NAMES_SOMEBODY[case]))


def test_what_we_attest_ourselves_names_nobody(leak_check: LeakCheck, scrubber: Scrubber) -> None:
    """Every word that is written into every instance, as the name of a patient."""
    terms = Terms()
    marks = Dataset()
    attest(
        marks, options=frozenset(Option), pixels_looked_at=True,
        derivation=(DERIVATION, BITS_CLEARED), second_look_clean=True, follows_table=True,
    )  # fmt: skip
    meanings = [item.CodeMeaning for item in marks.DeidentificationMethodCodeSequence]
    said = " ".join([marks.DeidentificationMethod, marks.DerivationDescription, *meanings])
    words = {word for word in said.replace("_", " ").split() if word.isalpha() and len(word) > 2}

    for word in words:
        original = study_instance()
        original.PatientName = f"{word}^Clara"
        leak_check.check(as_read(original), marks)
    assert len(words) > 20
    assert terms.knows(b"clean", "DeidentificationMethod")


@pytest.mark.slow
def test_no_real_instance_is_withheld_for_a_word_and_every_leak_is_seen(quiet: None) -> None:
    """Over the files of pydicom, and the shared ones where they lie: at most one in 200."""
    looked_at, alarms, planted, missed = 0, [], 0, []
    for name, original in real_instances():
        found = alarms_of(original)
        looked_at += len(found)
        alarms += [f"{name} {options}: {where}" for options, where in found.items() if where]
        for what, seen in planted_of(original).items():
            planted += 1
            missed += [] if seen else [f"{name}: {what}"]

    assert looked_at > 150
    assert planted > 150
    assert len(alarms) <= looked_at * 0.005, alarms
    assert not missed


@pytest.mark.shared
@pytest.mark.parametrize("retains", [(), (Option.RETAIN_DEVICE_IDENTITY,)], ids=["basic", "device"])
def test_the_files_that_were_withheld_for_a_word_go_through(
    leak_check: LeakCheck, retains: tuple[Option, ...], quiet: None
) -> None:
    files = [
        *sorted((SHARED / "field").glob("05*.dcm")),
        *sorted((SHARED / "field").glob("06*.dcm")),
    ]
    if not files:
        pytest.skip("the shared data is not here")
    options = {Option.CLEAN_STRUCTURED_CONTENT, Option.CLEAN_GRAPHICS, *retains}
    scrubber = Scrubber(build_plan(options), Pseudonyms(KEY))

    for path in files:
        original = dcmread(path)
        cleaned = scrubber.scrub(original).dataset
        leak_check.check(original, cleaned, retained=frozenset(options))
