"""The names, numbers, places and dates of one instance, hunted in what its text keeps.

A list of words cannot know who this patient is. So the header is asked, at every
depth, and what it names is taken out of text however it is spelled: in any case,
in any order, with anything between its parts. The second look has a hunt of its
own (`identifiers`) and shares nothing with this one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from deid_node.metadata.clean.vocabulary import camel_parts, plain
from deid_node.metadata.encoding.elements import Stored, elements_of, items_of, text_of, vr_of
from deid_node.metadata.encoding.packed import Fate, NotPlain, Rewriting
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.policy import TEXT_VRS
from deid_node.metadata.plan.table import ProfileTable

_SPLIT = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"[0-9]+")
_LETTERS = re.compile(r"[a-z]+")
_SPECIFIC_CHARACTER_SET = 0x00080005
_DEEPEST = 64  # levels of sequences in a sequence
_YEAR_OF_NOTHING = "1900"
_PARTS = 6  # of a name that are paired
_LEAST_INSIDE = 4  # characters; shorter ones count only as whole words
_LEAST_RUN = 2  # letters of a word that is cut into letters and digits


@dataclass(frozen=True, slots=True)
class PatientTerms:
    """What is hunted; nothing of it is ever shown.

    `words` are whole words, in the spelling of `plain`; `fragments` are runs of
    letters and digits that may begin and end anywhere.
    """

    words: frozenset[str] = field(repr=False)
    fragments: frozenset[str] = field(repr=False)

    def escaped(self, kept: Sequence[int], written: Sequence[str]) -> list[int]:
        """Return those of `kept` that name nobody.

        Parameters
        ----------
        kept
            Places in `written` of the words that would stay, ascending.
        written
            All words of the text.
        """
        left = [at for at in kept if self.words.isdisjoint(_spellings(written[at]))]
        while True:
            # What is taken out brings other words side by side: look again.
            still = self._without_runs(left, written)
            if len(still) == len(left):
                return still
            left = still

    def is_in(self, text: str) -> bool:
        """Return whether any of it stands in `text`."""
        words = [word for word in _SPLIT.split(text) if word]
        return len(self.escaped(range(len(words)), words)) < len(words)

    def _without_runs(self, kept: Sequence[int], written: Sequence[str]) -> list[int]:
        dense, owners, starts = "", [], set()
        for at in kept:
            bare = "".join(c for c in plain(written[at]) if c.isalnum())
            starts.add(len(dense))
            dense += bare
            owners += [at] * len(bare)
        ends = starts | {len(dense)}
        taken: set[int] = set()
        for fragment in self.fragments:
            for begin in _places(fragment, dense):
                end = begin + len(fragment)
                if len(fragment) >= _LEAST_INSIDE or (begin in starts and end in ends):
                    taken.update(owners[begin:end])
        return [at for at in kept if at not in taken]


class PatientTermsReader:
    """Collects what is hunted; one object serves any number of instances."""

    def __init__(self, table: ProfileTable) -> None:
        self._tags = frozenset(
            tag
            for row in table.rows
            if row.vr in TEXT_VRS and Option.CLEAN_DESCRIPTORS not in dict(row.options)
            for tag in [tag_for_keyword(row.keyword) if row.keyword else None]
            if tag is not None
        )

    def patient_terms_of(self, dataset: Dataset) -> PatientTerms:
        """Return what names anybody in `dataset`, a whole instance; it is not written to.

        Every person name and every date at any depth, and every text that Table
        E.1-1 lists and does not call a descriptor.

        Raises
        ------
        MalformedDataset
            A sequence cannot be taken apart.
        """
        words: set[str] = set()
        fragments: set[str] = set()
        for vr, value in self._values(dataset):
            if vr == "PN":
                parts = [plain(part) for part in _SPLIT.split(value) if part]
                words.update(parts)
                fragments.update(parts)
                fragments.update(a + b for a, b in permutations(dict.fromkeys(parts[:_PARTS]), 2))
            elif vr in {"DA", "DT"}:
                digits, words_of_date = _date(value)
                fragments.update(digits)
                words.update(words_of_date)
            else:
                fragments.add("".join(c for c in plain(value) if c.isalnum()))
                words.add(plain(value.strip()))
        fragments = {fragment for fragment in fragments if len(fragment) > 1}
        return PatientTerms(frozenset(words - {""}), frozenset(fragments))

    def _values(self, dataset: Dataset) -> Iterator[tuple[str, str]]:
        for element in elements_of(dataset):
            vr = vr_of(element)
            if vr == "SQ":
                try:
                    yield from _PackedValues(self._names_somebody).of(element, dataset)
                except NotPlain:
                    for item in items_of(element, dataset):
                        yield from self._values(item)
            elif self._names_somebody(int(element.tag), vr):
                for value in text_of(element, dataset).split("\\"):
                    yield vr, value

    def _names_somebody(self, tag: int, vr: str) -> bool:
        return vr in {"PN", "DA", "DT"} or tag in self._tags


class _PackedValues:
    """Reads values out of a sequence that is still bytes, without a dataset for each item."""

    def __init__(self, wanted: Callable[[int, str], bool]) -> None:
        self._wanted = wanted
        self._fates: dict[tuple[int, bytes], Fate] = {}

    def of(self, sequence: Stored, parent: Dataset) -> Sequence[tuple[str, str]]:
        """Return VR and text of each wanted value at any depth; raises `NotPlain`."""
        if not isinstance(sequence, RawDataElement) or sequence.VR == "UN" or not sequence.value:
            raise NotPlain
        found: list[tuple[str, str]] = []

        def collected(tag: int, sent: bytes, value: bytes) -> bytes:
            element = sequence._replace(tag=BaseTag(tag), VR=sent.decode() or None, value=value)
            vr = vr_of(element)
            found.extend((vr, text) for text in text_of(element, parent).split("\\"))
            return value

        reading = Rewriting(
            self._fate,
            collected,
            implicit=sequence.is_implicit_VR,
            little=sequence.is_little_endian,
        )
        reading.items(sequence.value, _DEEPEST)
        return found

    def _fate(self, tag: int, sent: bytes) -> Fate:
        fate = self._fates.get((tag, sent))
        if fate is None:
            fate = self._fates[tag, sent] = self._judged(tag, sent)
        return fate

    def _judged(self, tag: int, sent: bytes) -> Fate:
        if tag == _SPECIFIC_CHARACTER_SET or sent == b"UN":
            raise NotPlain
        vr = vr_of(RawDataElement(BaseTag(tag), sent.decode() or None, 0, b"", 0, not sent, True))
        if vr == "SQ":
            return Fate.IS_LOOKED_INTO
        return Fate.IS_REPLACED if self._wanted(tag, vr) else Fate.STAYS


def _spellings(written: str) -> set[str]:
    """Return the words that `written` may be read as: whole, by letters and digits, by capitals."""
    word = plain(written)
    runs = [run for run in _LETTERS.findall(word) if len(run) >= _LEAST_RUN]
    return {word, *runs, *_DIGITS.findall(word), *camel_parts(written)}


def _places(fragment: str, dense: str) -> Iterator[int]:
    at = dense.find(fragment)
    while at >= 0:
        yield at
        at = dense.find(fragment, at + 1)


def _date(value: str) -> tuple[Iterable[str], Iterable[str]]:
    """Return a date as runs of digits and as single words (its year, its day and month)."""
    digits = "".join(_DIGITS.findall(value))[:8]
    if len(digits) < 4 or digits[:4] == _YEAR_OF_NOTHING:
        return (), ()
    year, month, day = digits[:4], digits[4:6], digits[6:]
    if len(digits) < 8:
        return (), (year,)
    short = f"{int(day)}.{int(month)}" if (day + month).isdigit() else ""
    runs = [
        "".join(order)
        for y in (year, year[2:])
        for order in ((y, month, day), (day, month, y), (month, day, y), (y, day, month))
    ]
    other = f"{int(month)}.{int(day)}"
    words = [year, day + month, month + day, f"{day}.{month}", f"{month}.{day}", short, other]
    return runs, [*words, *(word.replace(".", ",") for word in words)]
