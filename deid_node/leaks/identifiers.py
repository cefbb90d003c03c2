"""The identifiers of an original, in the spellings in which they could survive.

Part of the second look: nothing here is shared with the scrubber. What counts as
an identifier is written anew (``data/identifying_attributes.csv``), so that a
gap in the plan does not become a gap in the check.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import permutations
from unicodedata import normalize

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset

from deid_node.leaks.date_words import Day, day_of
from deid_node.leaks.dates import FULL, MODIFIED, Days, days_of
from deid_node.leaks.folding import folded, squeezed, words_of
from deid_node.leaks.values import Text, texts_of

_KIND_OF_THING = re.compile(
    r"SOPClass|TransferSyntax|CodingSchemeUID|ContextUID|MappingResourceUID"
    r"|CreatorVersionUID|ImplementationClassUID"
)
_MAKERS = frozenset({"Manufacturer", "ManufacturerModelName"})
# Machines sign with their maker's name; people who sign as their maker are not known.
_SIGNED = frozenset({"ContentCreatorName", "OperatorsName"})
_RETAIN_INSTITUTION = "retain_institution_identity"
_SPLIT = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"[0-9]+")

_LEAST_NAME = 3  # Latin letters; two characters where one is a syllable or more
_LEAST_JOINED = 5  # letters of two parts of a name that make one word
_LEAST_UID = 10
_LEAST_FRAGMENT = 6  # characters that are searched inside other words
_LEAST_CORE = 6  # digits of a number without the letters around them
_LEAST_DIGITS = 5  # digits of a number that may stand alone as one
_TELEPHONE_DIGITS = 8  # the last ones, whatever code is dialled before
_PARTS = 5  # of a name that are paired


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What to look for; nothing of it is ever shown.

    Everything but `foreign` is folded as `folding` does. `words` are whole words;
    `pairs`, `places` and `long_numbers` are searched anywhere in squeezed text, and so
    are words of six letters and more. `foreign` are bytes of other scripts and of
    letters with accents, squeezed. `numbers` are whole runs of letters and digits,
    `cores` whole runs of digits, and `figures` are numbers that a value may be.
    `dates` are days. `uids` are whole UIDs. `days` are the dates of each attribute,
    in order.
    """

    words: frozenset[bytes] = field(repr=False)
    pairs: frozenset[bytes] = field(repr=False)
    places: frozenset[bytes] = field(repr=False)
    foreign: frozenset[bytes] = field(repr=False)
    numbers: frozenset[bytes] = field(repr=False)
    long_numbers: frozenset[bytes] = field(repr=False)
    cores: frozenset[bytes] = field(repr=False)
    figures: frozenset[bytes] = field(repr=False)
    dates: frozenset[Day] = field(repr=False)
    uids: frozenset[bytes] = field(repr=False)
    days: Days = field(repr=False)


class IdentifierReader:
    """Collects the identifiers of an original; knows the words that name nobody."""

    def __init__(self) -> None:
        kinds = _facts("common_words.csv", "word")
        self._common = frozenset(kinds)
        self._nobody = frozenset(word for word, kind in kinds.items() if kind == "nobody")
        self._identifying = _facts("identifying_attributes.csv", "keyword")
        self._retained_by = _facts("identifying_attributes.csv", "keyword", "retained_by")

    def read(self, original: Dataset, retained: frozenset[str] = frozenset()) -> Identifiers:
        """Return what must not be found again, from every depth and the file meta.

        An attribute that an option of `retained` keeps is not collected.
        """
        everything = list(texts_of(original))
        # Items of a multi-frame object repeat each other: the same object is read once.
        once = {id(text): text for text in everything}.values()
        texts = [text for text in once if self._retained_by.get(text.keyword) not in retained]
        makers = b"\n".join(folded(text.text) for text in everything if text.keyword in _MAKERS)
        names = [text for text in texts if text.vr == "PN"]
        of_kind = {
            kind: [text for text in texts if self._identifying.get(text.keyword) == kind]
            for kind in ("number", "place", "date")
        }
        words: set[bytes] = set()
        pairs: set[bytes] = set()
        foreign: set[bytes] = set()
        for name, text in self._names(names, makers):
            words.update(self._words(name))
            pairs.update(self._pairs(name))
            foreign.update(self._foreign(name, text.charsets))
        places: set[bytes] = set()
        for text in of_kind["place"]:
            for place in self._places(text, squeezed(makers)):
                places.add(squeezed(folded(place)))
                foreign.update(_encoded(place, text.charsets, least=5))
        numbers: set[bytes] = set()
        for text in of_kind["number"]:
            numbers.update(self._numbers(text.text))
            if "Telephone" in text.keyword:
                numbers.update(_without_codes(text.text))
        cores = {core for number in numbers for core in _cores(number)}
        return Identifiers(
            words=frozenset(words),
            pairs=frozenset(pair for pair in pairs if len(pair) >= _LEAST_FRAGMENT),
            places=frozenset(place for place in places if len(place) >= _LEAST_DIGITS),
            foreign=frozenset(foreign),
            numbers=frozenset(numbers),
            long_numbers=frozenset(n for n in numbers if len(n) >= _LEAST_FRAGMENT),
            cores=frozenset(cores),
            figures=frozenset(_figures(numbers | cores)),
            dates=frozenset(day for text in of_kind["date"] for day in _days(text.text)),
            uids=frozenset(
                uid for text in texts if text.vr == "UI" for uid in _instance_uids(text)
            ),
            days=days_of(everything) if retained & {FULL, MODIFIED} else {},
        )

    def _words(self, name: str) -> Iterator[bytes]:
        """Yield each part of a name, and parts that make one word together."""
        parts = [part for part in _parts(name) if part not in self._common]
        for part in parts:
            word = folded(part)
            if word.isalpha() and len(word) >= _LEAST_NAME and not _is_placeholder(word):
                yield word
        if self._tells(name):
            every = [folded(part) for part in _short_parts(name)][:_PARTS]
            for first, second in permutations(every, 2):
                joined = first + second
                if joined.isalpha() and len(joined) >= _LEAST_JOINED:
                    yield joined

    def _pairs(self, name: str) -> Iterator[bytes]:
        """Yield what names the person even inside other text: parts side by side."""
        if self._tells(name):
            parts = list(dict.fromkeys(folded(part) for part in _parts(name)))
            for first, second in permutations(parts[:_PARTS], 2):
                if (first + second).isalnum():
                    yield first + second

    def _foreign(self, name: str, charsets: Iterable[str]) -> Iterator[bytes]:
        parts = list(dict.fromkeys(_parts(name)))
        for part in parts:
            yield from _encoded(part, charsets, least=4)
        if self._tells(name):
            for first, second in permutations(parts[:_PARTS], 2):
                yield from _encoded(first + second, charsets, least=_LEAST_FRAGMENT)

    def keeps_places(self, keyword: str, retained: frozenset[str]) -> bool:
        """Return whether an option of `retained` keeps the attribute, which names a place."""
        return (
            self._identifying.get(keyword) == "place"
            and self._retained_by.get(keyword) == _RETAIN_INSTITUTION
            and _RETAIN_INSTITUTION in retained
        )

    def _tells(self, name: str) -> bool:
        """Return whether a name names anybody: one letter over and over is a placeholder."""
        parts = set(_parts(name))
        return not parts <= self._nobody and len(set("".join(parts))) > 1

    def _numbers(self, values: str) -> Iterator[bytes]:
        for value in values.lower().split("\\"):
            bare = "".join(character for character in value if character.isalnum())
            enough = 5 if bare.isdigit() or bare.isalpha() else 4
            is_number = any(c.isdigit() for c in bare) or not set(_parts(value)) <= self._common
            # One letter or digit over and over names nobody.
            if bare.isascii() and len(bare) >= enough and len(set(bare)) > 1 and is_number:
                yield bare.encode()

    def _places(self, text: Text, makers: bytes) -> Iterator[str]:
        for value in text.text.split("\\"):
            is_place = not set(_parts(value)) <= self._common
            # The maker's own name, or its default station name, is no site.
            if is_place and squeezed(folded(value)) not in makers:
                yield value.strip()

    @staticmethod
    def _names(texts: Iterable[Text], makers: bytes) -> Iterator[tuple[str, Text]]:
        for text in texts:
            for name in text.text.split("\\"):
                if not (text.keyword in _SIGNED and _is_in(name, makers)):
                    yield name, text


def _facts(name: str, key: str, fact: str = "kind") -> dict[str, str]:
    text = (files("deid_node.leaks") / "data" / name).read_text("utf-8")
    return {row[key]: row[fact] for row in csv.DictReader(text.splitlines())}


def _parts(name: str) -> list[str]:
    parts = _short_parts(name)
    return [part for part in parts if len(part) >= (_LEAST_NAME if part.isascii() else 2)]


def _short_parts(name: str) -> list[str]:
    parts = (part for part in _SPLIT.split(name.lower()) if any(c.isalpha() for c in part))
    return [part for part in dict.fromkeys(parts) if len(part) > 1]


def _is_placeholder(word: bytes) -> bool:
    """Return whether `word` stands for a name: one letter over and over, or some anonymity."""
    return len(set(word)) == 1 or b"anonym" in word


def _is_in(name: str, makers: bytes) -> bool:
    """Return whether `name` stands in the maker's name word for word."""
    said = b" ".join(words_of(folded(name)))
    return any(
        said and b" %b " % said in b" %b " % b" ".join(words_of(maker))
        for maker in makers.split(b"\n")
    )


def _instance_uids(text: Text) -> Iterator[bytes]:
    if _KIND_OF_THING.search(text.keyword):
        return
    for value in text.text.split("\\"):
        uid = value.strip("\0 ")
        if len(uid) >= _LEAST_UID and uid not in UID_dictionary:
            yield uid.encode("utf-8", "replace")


def _days(text: str) -> Iterator[Day]:
    for value in text.split("\\"):
        day = day_of(re.sub(r"\D", "", value)[:8])
        # 1 January 1900 is what a removed date looks like.
        if day is not None and day != (1900, 1, 1):
            yield day


def _without_codes(telephones: str) -> Iterator[bytes]:
    for value in telephones.split("\\"):
        digits = "".join(_DIGITS.findall(value))
        if len(digits) > _TELEPHONE_DIGITS:
            yield digits[-_TELEPHONE_DIGITS:].encode()


def _cores(number: bytes) -> Iterator[bytes]:
    """Yield the digits of a number that has letters too, and a number without zeros before it."""
    for digits in _DIGITS.findall(number.decode("ascii")):
        bare = digits.lstrip("0")
        if len(bare) >= _LEAST_CORE and len(set(bare)) > 1:
            yield bare.encode()
            yield digits.encode()


def _figures(numbers: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the digits that the whole of a value must not be; round ones are measured, too."""
    for number in numbers:
        bare = number.lstrip(b"0")
        if bare.isdigit() and len(bare) >= _LEAST_DIGITS and not bare.endswith(b"00"):
            yield bare


def _encoded(text: str, charsets: Iterable[str], *, least: int) -> Iterator[bytes]:
    """Yield text that is not ASCII as `squeezed` would leave it, in every encoding in question."""
    if text.isascii():
        return
    for codec in dict.fromkeys(("utf-8", "latin-1", "utf-16-le", "utf-16-be", *charsets)):
        for spelling in _spellings(text):
            try:
                core = squeezed(without_escapes(spelling.encode(codec)).lower())
            except (UnicodeError, LookupError):
                continue
            if len(core) >= least:
                yield core


def _spellings(text: str) -> Iterable[str]:
    """Return `text` in each case, its accents in the letters and beside them."""
    cases = (text.lower(), text.upper(), text.title())
    return dict.fromkeys(normalize(form, case) for form in ("NFC", "NFD") for case in cases)


def without_escapes(stored: bytes) -> bytes:
    """Return `stored` without the sequences that switch the character set (ISO 2022)."""
    return _ESCAPES.sub(b"", stored) if b"\x1b" in stored else stored


_ESCAPES = re.compile(rb"\x1b[$()\-./*+]+[@-~]")
