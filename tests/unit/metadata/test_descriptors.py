"""Free text: words of the trade stay, everything else goes, this patient's names above all."""

import csv
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from deid_node.leaks.check import LeakCheck
from deid_node.metadata.clean.descriptors import DescriptorCleaner
from deid_node.metadata.clean.patient_terms import PatientTerms, PatientTermsReader
from deid_node.metadata.clean.vocabulary import Vocabulary, plain
from deid_node.metadata.plan.table import load_table
from deid_node.metadata.scrub import Scrubber
from tests.builders.samples import ROOT
from tests.unit.metadata.canary import as_read, levels, marks_in, stored, study_instance

VOCABULARY = Vocabulary()
READER = PatientTermsReader(load_table())
WORDS = [
    row["word"]
    for row in csv.DictReader(
        (ROOT / "deid_node/metadata/data/vocabulary.csv").read_text("utf-8").splitlines()
    )
]
SEPARATORS = [" ", "_", "-", "/", ", ", "^", " (", ") ", ".", "\n", "=", ""]


def _cleaner(dataset: Dataset | None = None) -> DescriptorCleaner:
    terms = (
        PatientTerms(frozenset(), frozenset())
        if dataset is None
        else READER.patient_terms_of(dataset)
    )
    return DescriptorCleaner(VOCABULARY, terms)


@pytest.mark.req("REQ-MD-31")
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CT, HEAD/BRAIN WO CONTRAST", "CT HEAD/BRAIN WO CONTRAST"),
        ("CT HEAD W/O CONTRAST", "CT HEAD W/O CONTRAST"),
        ("Head^Routine", "Head^Routine"),
        ("t1_vibe_fs_tra_bh_dyn", "t1_vibe_fs_tra_bh_dyn"),
        ("XR C Spine Comp Min 4 Views", "XR C Spine Comp Min 4 Views"),
        ("L3-S1^L1-L4", "L3-S1^L1-L4"),
        ("t2* map, C+", "t2* map C+"),
        ("2.5 mm B30f TE 90ms b1000 256x256", "2.5 mm B30f TE 90ms b1000 256x256"),
        ("Brain 3.0 T", "Brain 3.0 T"),
        ("HeadNeck angio", "HeadNeck angio"),
        ("Sch\u00e4del nativ", "schadel nativ"),
        ("11 ml Omniscan", "11 ml Omniscan"),
        ("THORAX for Dr. Mabuse, ward 7b", "THORAX for Dr"),
        ("Chest of Mrs Canarybird b. 13.02.1951 MRN 4711-0815", "Chest of Mrs"),
        ("78-year-old gentleman, squamous cell carcinoma", "old squamous cell carcinoma"),
        ("1 9 5 1 chest", "chest"),
        ("chest 097Y 13 Feb", "chest"),
        ("Lung, Maria", None),
        ("Brown head MRI", "head MRI"),
        ("Mr Small, liver", "Mr liver"),
        ("2024-02-13", None),
        ("3.0", None),
        ("\u6210\u8a9e Brain\u2013MRA", "Brain MRA"),
        ("F\u00fc\u00dfe nativ", "fusse"),
        ("", None),
    ],
)
def test_what_stays_of_a_text(text: str, left: str | None) -> None:
    assert _cleaner().clean(text) == left


@pytest.mark.parametrize(
    ("keyword", "value", "text", "left"),
    [
        ("PatientName", "Head^Hand", "HEAD and neck", "and neck"),
        ("PatientName", "Fore^Head", "forehead mass", "mass"),
        ("PatientName", "Arm^Fore", "FORE-ARM scan", "scan"),
        ("PatientName", "Small^Ann", "SmallBowel study", "study"),
        ("ReferringPhysicianName", "Long^T", "long axis T1", "axis T1"),
        ("PatientID", "T1-2", "T1, 2 mm liver", "mm liver"),
        ("PatientID", "1000", "b1000 liver", "liver"),
        ("AccessionNumber", "5MM", "5 mm liver", "liver"),
        ("StudyID", "2", "phase 2", "phase"),
        ("InstitutionName", "Breast Imaging", "breast, imaging of", "of"),
        ("StationName", "CT", "CT chest", "chest"),
        ("StudyDate", "19990305", "TR1999 3.5 5.3 liver", "liver"),
        ("PatientBirthDate", "20100203", "TR 2010 b2010 chest", "TR chest"),
    ],
)
def test_a_known_word_goes_where_the_header_calls_somebody_so(
    keyword: str, value: str, text: str, left: str
) -> None:
    dataset, item = Dataset(), Dataset()
    setattr(item, keyword, value)
    dataset.ReferencedSeriesSequence = [item]

    assert _cleaner(dataset).clean(text) == left


def test_every_word_stands_in_its_own_spelling_once() -> None:
    assert len(WORDS) > 3000
    assert sorted(set(WORDS)) == WORDS
    assert all(plain(word) == word for word in WORDS)


# Given and family names that are common in many countries; none may be a sure word.
NAMES = """
    adams ahmed ali allen anna anderson anton baker becker bell brown carlos carter chen clark
    cooper cruz david davis diaz edwards elena emma evans fischer flores garcia gomez gonzalez
    green gupta hall harris hernandez hill hoffmann hughes ivanov jackson james jansen john
    jones jose karl khan kim king klein kumar lang lee leon lewis lopez louis luna maria martin
    martinez mary mayer meyer michael miller mohamed moore morales morgan mueller muller murphy
    nelson nguyen olga ortiz otto park parker patel paul perez peter peters petrov phillips ray
    reed ramirez richter rivera roberts robinson rodriguez rogers rose ross rossi russo sanchez
    santos sato schmidt schneider schulz scott silva singh smith sophie stewart suzuki tan
    taylor thomas thompson torres turner walker wang ward watson weber white williams wilson
    wolf wong wood wright yang young zhang zimmermann
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", NAMES)
def test_a_common_name_does_not_stay_alone_or_beside_a_stranger(name: str) -> None:
    cleaner = _cleaner()

    assert cleaner.clean(f"{name.title()}, Canarybird") is None
    assert cleaner.clean(f"Dr. {name.title()} Canarybird") in {None, "Dr"}


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_names = st.one_of(
    st.text(_LETTERS, min_size=2, max_size=9), st.sampled_from(WORDS).filter(str.isalpha)
)
_ids = st.one_of(
    st.from_regex(r"[A-Z]{0,3}[0-9]{3,9}", fullmatch=True),
    st.from_regex(r"[0-9]{2}-[0-9]{2,4}", fullmatch=True),
    st.tuples(st.sampled_from(WORDS), st.integers(0, 99)).map(lambda both: f"{both[0]}{both[1]}"),
)
_dates = st.dates().filter(lambda date: date.year > 1900).map(lambda date: f"{date:%Y%m%d}")
_cases = st.sampled_from([str.lower, str.upper, str.title, str.swapcase])


@st.composite
def _spelled(draw: st.DrawFn, pieces: Sequence[str]) -> str:
    """Spell the pieces in any order, case and separator, known words between them."""
    words = draw(st.permutations([*pieces, *draw(st.lists(st.sampled_from(WORDS), max_size=6))]))
    text = ""
    for word in words:
        text += draw(_cases)(word) + draw(st.sampled_from(SEPARATORS))
    return text


def _dense(text: str) -> str:
    return "".join(character for character in plain(text) if character.isalnum())


@pytest.mark.slow
@pytest.mark.req("REQ-MD-31")
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_identifier_of_the_header_survives_in_any_spelling(data: st.DataObject) -> None:
    family, given_name = data.draw(_names), data.draw(_names)
    number, date = data.draw(_ids), data.draw(_dates)
    dataset = Dataset()
    dataset.PatientName, dataset.PatientID = f"{family}^{given_name}", number
    dataset.StudyDate = date
    year, month, day = date[:4], date[4:6], date[6:]
    spelled_date = data.draw(st.sampled_from(".-/ _")).join(
        data.draw(st.permutations([year, month, day]))
    )
    pieces = [family, given_name, number, spelled_date, number.replace("-", " ")]
    pieces += [family + given_name, given_name + family]

    left = _cleaner(dataset).clean(data.draw(_spelled(pieces))) or ""

    words = re.findall(r"[^\W_]+", plain(left))
    assert not {family, given_name, plain(number), year} & set(words)
    bare = _dense(number)
    assert bare not in words
    for whole in (bare, family + given_name, given_name + family, date, day + month + year):
        if len(whole) >= 4:
            assert whole not in _dense(left)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=80))
def test_nothing_is_added_and_no_row_of_numbers_stays(text: str) -> None:
    left = _cleaner().clean(text) or ""

    assert left.isascii()
    assert len(left) <= len(text)
    assert not re.search(r"(^|[^0-9a-z.])[0-9][^0-9a-z.,]+[0-9]($|[^0-9a-z.])", left.lower())


@pytest.mark.req("REQ-MD-31")
def test_descriptors_are_cleaned_at_every_depth_and_the_second_look_agrees(
    cleaning_scrubber: Scrubber, leak_check: LeakCheck
) -> None:
    dataset, item = study_instance(), Dataset()
    for level in (dataset, item):
        level.StudyDescription = "CT chest of Canarybird, T. (CB 771259)"
        level.ProtocolName = "tweety^tweety"
        level.PatientComments = "canarybird"
        level.ROIName = "Liver"
    dataset.ReferencedSeriesSequence = [item]
    original = as_read(dataset)

    scrubbed = cleaning_scrubber.scrub(original).dataset

    for level in list(levels(scrubbed))[:2]:
        assert level.StudyDescription == "CT chest of"
        assert level.ROIName == "Liver"
        assert level.ProtocolName == "REMOVED"  # X/D: a dummy is valid for every type
        assert "PatientComments" not in level  # X
    assert not marks_in(stored(scrubbed))
    leak_check.check(original, scrubbed)
