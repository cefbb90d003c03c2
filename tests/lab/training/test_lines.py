"""Lines to read are cut as a finder cuts them, and tell what stands in them."""

import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the train extra is not installed")

from deid_node.pixels.text.read.base import UNKNOWN
from deid_node_lab.training import content
from deid_node_lab.training.alphabet import ALPHABET, asked_for, classes_of
from deid_node_lab.training.backgrounds import Background
from deid_node_lab.training.judging import listed
from deid_node_lab.training.lines import LineMaker, LineSample
from deid_node_lab.training.stamps import Scribe
from deid_node_lab.training.wording import Wording

WORDS = Path(content.__file__).with_name("words.toml")


@pytest.fixture(scope="module")
def maker() -> LineMaker:
    pixels = np.random.default_rng(2).integers(0, 200, (300, 300), dtype=np.uint8)
    return LineMaker([Background("a.png", "CT", "CC0-1.0", pixels)], Scribe(()), seed=4)


@pytest.fixture(scope="module")
def samples(maker: LineMaker) -> list[LineSample]:
    return [sample for number in range(60) for sample in maker.page(number)]


def test_every_letter_of_the_words_has_a_class() -> None:
    words = tomllib.loads(WORDS.read_text("utf-8"))

    assert {letter for word in words["accented"] for letter in word} <= set(ALPHABET)
    assert set("".join(chr(code) for code in range(0x20, 0x7F))) <= set(ALPHABET)
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert ALPHABET[-1] == UNKNOWN


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("12.3  mm ", "12.3 mm"),
        ("Müller", "Müller"),
        ("ИВАНОВ 1970", f"{UNKNOWN} 1970"),
        ("山田太郎", UNKNOWN),
        ("Γ5Δ", f"{UNKNOWN}5{UNKNOWN}"),
        ("", ""),
    ],
)
def test_letters_of_other_scripts_are_asked_for_as_unknown(written: str, wanted: str) -> None:
    assert asked_for(written) == wanted
    assert all(0 < number <= len(ALPHABET) for number in classes_of(wanted))


def test_the_same_page_is_the_same_lines(maker: LineMaker) -> None:
    first, again = maker.page(7), maker.page(7)

    assert [one.text for one in first] == [one.text for one in again]
    assert all(
        np.array_equal(one.crop, other.crop) for one, other in zip(first, again, strict=True)
    )


def test_lines_say_something_some_nothing_some_what_no_one_reads(
    samples: list[LineSample],
) -> None:
    kinds = Counter(
        "" if not one.text else UNKNOWN if UNKNOWN in one.text else "text" for one in samples
    )

    assert kinds["text"] > 0.6 * len(samples)
    assert kinds[""] > 0
    assert kinds[UNKNOWN] > 0


def test_crops_are_pictures_of_some_size(samples: list[LineSample]) -> None:
    assert all(one.crop.dtype == np.uint8 and one.crop.ndim == 3 for one in samples)
    assert all(min(one.crop.shape[:2]) >= 2 for one in samples)
    assert all(one.crop.flags.c_contiguous for one in samples)


def test_letters_stand_out_from_their_ground(samples: list[LineSample]) -> None:
    contrasts = [np.ptp(one.crop.astype(int)) for one in samples if one.text]

    assert np.percentile(contrasts, 5) > 20


def test_what_rules_keep_is_written_often() -> None:
    wording = Wording(np.random.default_rng(1))

    lines = [wording.line("latin") for _ in range(500)]

    assert sum(listed(line) for line in lines) > 25
    assert max(map(len, lines)) <= 30


def test_arabic_lines_hold_no_numbers_whose_place_is_open() -> None:
    wording = Wording(np.random.default_rng(1))

    assert not any(
        letter.isascii() and letter.isalnum()
        for _ in range(50)
        for letter in wording.line("arabic")
    )
