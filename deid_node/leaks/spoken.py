"""Whether a line that was read on the pixels says anything of the people in the header.

Stricter than the search for leaks: there a false alarm withholds a patient, here
it fills one line that could have stayed. So nothing is passed over as a word of
the trade, and short names count too.
"""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Final

from pydicom.dataset import Dataset

from deid_node.leaks.moments import Moments
from deid_node.leaks.values import Text, texts_of

_LEAST_INSIDE: Final = 3  # letters and digits from which on a part is looked for inside others
_LEAST_PIECE: Final = 4  # letters and digits of a piece that give a number away
_RUN: Final = re.compile(r"[^\W_]+")
_VALUES: Final = re.compile(r"[\\=]")

_SPELT_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_PLAIN: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d"})
# What a reader takes for one another; line and header are folded alike.
_LOOK_ALIKES: Final = str.maketrans("0158i2", "olsblz")


@dataclass(frozen=True, slots=True)
class _Named:
    """What one header names, folded; `moments` are its dates, times and ages."""

    words: frozenset[str] = field(repr=False)
    numbers: frozenset[str] = field(repr=False)
    initials: tuple[Counter[str], ...] = field(repr=False)
    moments: Moments = field(repr=False)


class HeaderMatch:
    """The people, numbers, places and dates that one original names; nothing of it is shown.

    The header is read at the first question: most instances have no line to ask of.
    """

    def __init__(self, original: Dataset) -> None:
        self._original = original

    def says(self, line: str) -> bool:
        """Return whether `line` says anything that identifies in the original.

        True where the line, whatever its case, accents and separators, and with
        letters and digits that look alike taken for the same,

        * holds a part of a name or of a place, or an identifying number, or is a
          piece of one (a name cut at the border);
        * is made of initials of a person, two or more;
        * holds a date or a time of the header in a usual spelling, or a year of it,
          or is the age of the patient.

        One letter, or one digit, identifies nobody.
        """
        named = self._named
        dense = _dense(line)
        runs = {_dense(run) for run in _RUN.findall(line)}
        return (
            any(_holds_word(dense, runs, word) for word in named.words)
            or any(_holds_number(dense, runs, number) for number in named.numbers)
            or (len(dense) > 1 and any(Counter(dense) <= some for some in named.initials))
            or named.moments.spelt_in(line)
        )

    @cached_property
    def _named(self) -> _Named:
        kinds = _identifying_kinds()
        names: list[list[str]] = []
        places: list[list[str]] = []
        numbers: set[str] = set()
        moments: list[Text] = []
        for text in texts_of(self._original):
            kind = kinds.get(text.keyword)
            if text.vr == "PN":
                names += map(_RUN.findall, _values(text))
            elif kind == "place":
                places += map(_RUN.findall, _values(text))
            elif kind == "number":
                numbers.update(map(_dense, _values(text)))
            elif text.vr in {"AS", "DA", "DT", "TM"}:
                moments.append(text)
        # A house number stands in every other line as well.
        places = [[run for run in place if not run.isdecimal() or len(run) > 3] for place in places]
        return _Named(
            words=frozenset(_words((*names, *places))),
            numbers=frozenset(number for number in numbers if len(number) > 1),
            initials=tuple(Counter(_dense("".join(run[0] for run in name))) for name in names),
            moments=Moments.of((text.vr, text.text) for text in moments),
        )


def _values(text: Text) -> Iterator[str]:
    """Yield each value as its character set says, and as UTF-8 where nobody declared it."""
    yield from _VALUES.split(text.text)
    if not text.stored.isascii():
        yield from _VALUES.split(text.stored.decode("utf-8", "ignore"))


def _holds_word(dense: str, runs: set[str], word: str) -> bool:
    return (
        word == dense
        or word in runs
        or (len(word) >= _LEAST_INSIDE and word in dense)
        or (len(dense) >= _LEAST_INSIDE and dense in word)
    )


def _holds_number(dense: str, runs: set[str], number: str) -> bool:
    bare = number.lstrip("o")  # zeros, folded
    return (
        any(len(whole) > 1 and (whole == dense or whole in runs) for whole in (number, bare))
        or (len(bare) >= _LEAST_INSIDE and bare in dense)
        or (len(dense) >= _LEAST_INSIDE and dense in number)
        or any(len(run) >= _LEAST_PIECE and run in number for run in runs)
    )


def _words(lines: Iterable[list[str]]) -> Iterator[str]:
    """Yield each run of each line and all of them together, both ways round, in all spellings."""
    for runs in lines:
        for word in (*runs, "".join(runs), "".join(reversed(runs))):
            spelt_out = unicodedata.normalize("NFC", word).casefold().translate(_SPELT_OUT)
            yield from (one for one in (_dense(word), _dense(spelt_out)) if len(one) > 1)


def _dense(line: str) -> str:
    """Return `line` folded: no case, accents, separators, nor what looks alike."""
    parted = unicodedata.normalize("NFKD", line.casefold()).translate(_PLAIN)
    return "".join(c for c in parted if c.isalnum()).translate(_LOOK_ALIKES)


def _identifying_kinds() -> Mapping[str, str]:
    text = (files("deid_node.leaks") / "data" / "identifying_attributes.csv").read_text("utf-8")
    return {row["keyword"]: row["kind"] for row in csv.DictReader(text.splitlines())}
