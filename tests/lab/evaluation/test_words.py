"""Words count as read when a person would say that they were read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from deid_node.leaks.identifiers import IdentifierReader
from deid_node_lab.evaluation.words import (
    identifiers_readable,
    readable,
    seen,
    within_one,
    words_of,
)


@pytest.mark.parametrize(
    ("word", "read", "expected"),
    [
        ("smith", "Smith", 1),
        ("smith", "SMITH,", 1),
        ("smith", "Srnith", 0),
        ("smith", "Smlth", 1),
        ("smith", "Smit", 1),
        ("smith", "Smiith", 1),
        ("smith", "XSMITHJOHN", 1),
        ("john", "jonn", 0),
        ("john", "john", 1),
        ("john", "johnson", 0),
        ("smith", "", 0),
    ],
)
def test_a_word_is_read_with_one_slip_when_it_is_long(word: str, read: str, expected: int) -> None:
    assert readable([word], [read]) == expected


def test_known_words_are_plain_and_of_three_letters_or_more() -> None:
    assert words_of(["DOE^JOHN M 01.02.1950", "R", "Müller 山田太郎"]) == (
        "doejohn",
        "01021950",
    )


def test_words_that_stand_twice_are_asked_for_twice() -> None:
    assert readable(words_of(["abc abc xyz"]), ["ABC"]) == 2


def test_words_seen_are_those_that_could_be_asked_for() -> None:
    assert seen(["one 2 three", ". , --"]) == 2


@settings(deadline=None)
@given(st.text("abcd", min_size=1, max_size=7), st.integers(0, 6), st.sampled_from("xyz"))
def test_one_change_is_within_one_and_two_are_not(word: str, place: int, letter: str) -> None:
    place = min(place, len(word) - 1)
    changed = word[:place] + letter + word[place + 1 :]

    assert within_one(word, word)
    assert within_one(word, changed)
    assert within_one(word, word[:place] + word[place + 1 :])
    assert within_one(word, word[:place] + letter + word[place:])
    assert not within_one(word, changed + letter)
    assert not within_one(word, word + letter + letter)


def test_identifiers_of_a_header_are_found_letter_by_letter() -> None:
    header = Dataset()
    header.PatientName, header.PatientID = "Quandt^Roberta", "QX-774411"
    header.PatientBirthDate = "19610427"
    identifiers = IdentifierReader().read(header)

    assert identifiers_readable(identifiers, ["ROBERTA QUANDT", "qx 774411", "27.04.1961"]) >= 4
    assert identifiers_readable(identifiers, ["ROBERTO QUANT", "QX-77441", "27.04.1962"]) == 0
