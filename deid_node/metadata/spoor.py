"""The identifiers of an original, in the spellings in which they could survive.

Part of the second look: nothing here is shared with the scrubber. What counts as
an identifier is written anew (``data/identifying_attributes.csv``), so that a
gap in the plan does not become a gap in the check.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import permutations

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset

from deid_node.metadata.daymarks import FULL, MODIFIED, Days, days_of
from deid_node.metadata.texts import Text, texts_of

_KIND_OF_THING = re.compile(
    r"SOPClass|TransferSyntax|CodingSchemeUID|ContextUID|MappingResourceUID"
    r"|CreatorVersionUID|ImplementationClassUID"
)
_MAKERS = frozenset({"Manufacturer", "ManufacturerModelName"})
_SPLIT = re.compile(r"[\W_]+")
_ESCAPES = re.compile(rb"\x1b[$()\-./*+]+[@-~]")
DROPPED = bytes(c for c in range(128) if not chr(c).isalnum())

_LEAST_NAME = 3  # ASCII letters; two characters where one is a syllable or more
_LEAST_UID = 10
_LEAST_FRAGMENT = 6  # bytes that are searched inside other words
_PARTS = 5  # of a name that are paired


@dataclass(frozen=True, slots=True)
class Spoor:
    """What to look for, in lower case; nothing of it is ever shown.

    `words` are whole runs of letters, `numbers` whole runs of letters and
    digits. `fragments` and `long_numbers` are searched anywhere in text that was
    passed through `squeezed`. `dates` begin where no digit stands before them.
    `uids` are whole UIDs. `days` are the dates of each attribute, in order.
    """

    words: frozenset[bytes] = field(repr=False)
    numbers: frozenset[bytes] = field(repr=False)
    fragments: frozenset[bytes] = field(repr=False)
    long_numbers: frozenset[bytes] = field(repr=False)
    dates: frozenset[bytes] = field(repr=False)
    uids: frozenset[bytes] = field(repr=False)
    days: Days = field(repr=False)


def squeezed(stored: bytes) -> bytes:
    """Return `stored` in lower case without blanks, separators, NULs and escapes.

    So a name is found with any separator between its parts, and ASCII text is
    found in UTF-16.
    """
    if b"\x1b" in stored:
        stored = _ESCAPES.sub(b"", stored)
    return stored.lower().translate(None, DROPPED)


class SpoorReader:
    """Collects the identifiers of an original; knows the words that name nobody."""

    def __init__(self) -> None:
        kinds = _facts("common_words.csv", "word")
        self._common = frozenset(kinds)
        self._nobody = frozenset(word for word, kind in kinds.items() if kind == "nobody")
        self._identifying = _facts("identifying_attributes.csv", "keyword")
        self._retained_by = _facts("identifying_attributes.csv", "keyword", "retained_by")

    def read(self, original: Dataset, retained: frozenset[str] = frozenset()) -> Spoor:
        """Return what must not be found again, from every depth and the file meta.

        An attribute that an option of `retained` keeps is not collected.
        """
        everything = list(texts_of(original))
        # Items of a multi-frame object repeat each other: the same object is read once.
        once = {id(text): text for text in everything}.values()
        texts = [text for text in once if self._retained_by.get(text.keyword) not in retained]
        makers = squeezed(b" ".join(text.stored for text in everything if text.keyword in _MAKERS))
        words: set[bytes] = set()
        numbers: set[bytes] = set()
        fragments: set[bytes] = set()
        dates: set[bytes] = set()
        uids: set[bytes] = set()
        for text in texts:
            kind = self._identifying.get(text.keyword)
            if text.vr == "PN":
                for value in text.text.split("\\"):
                    words.update(self._words(value))
                    fragments.update(self._names(value, text.charsets))
            elif text.vr == "UI":
                uids.update(_instance_uids(text))
            elif kind == "number":
                numbers.update(self._numbers(text.text))
            elif kind == "place":
                # The maker's own name, or its default station name, is no site.
                fragments.update(place for place in self._places(text) if place not in makers)
            elif kind == "date":
                dates.update(_spellings(text.text))
        return Spoor(
            words=frozenset(words),
            numbers=frozenset(numbers),
            fragments=frozenset(fragments),
            long_numbers=frozenset(n for n in numbers if len(n) >= _LEAST_FRAGMENT),
            dates=frozenset(dates),
            uids=frozenset(uids),
            days=days_of(everything) if retained & {FULL, MODIFIED} else {},
        )

    def _words(self, name: str) -> Iterator[bytes]:
        for part in _parts(name):
            plain = _without_accents(part)
            if part not in self._common and plain.isascii() and len(plain) >= _LEAST_NAME:
                yield plain.encode()

    def _names(self, name: str, charsets: Iterable[str]) -> Iterator[bytes]:
        """Yield what names the person even inside other text: parts side by side."""
        parts = list(dict.fromkeys(_parts(name)))
        for part in parts:
            if not part.isascii():
                yield from _encoded(part, charsets, least=4)
        # One letter over and over is a placeholder and names nobody.
        if not set(parts) <= self._nobody and len(set("".join(parts))) > 1:
            for first, second in permutations(parts[:_PARTS], 2):
                yield from _encoded(first + second, charsets, least=_LEAST_FRAGMENT)

    def _numbers(self, values: str) -> Iterator[bytes]:
        for value in values.lower().split("\\"):
            bare = "".join(character for character in value if character.isalnum())
            enough = 5 if bare.isdigit() or bare.isalpha() else 4
            is_number = any(c.isdigit() for c in bare) or not set(_parts(value)) <= self._common
            # One letter or digit over and over names nobody.
            if bare.isascii() and len(bare) >= enough and len(set(bare)) > 1 and is_number:
                yield bare.encode()

    def _places(self, text: Text) -> Iterator[bytes]:
        for value in text.text.split("\\"):
            if not set(_parts(value)) <= self._common:
                yield from _encoded(value.strip(), text.charsets, least=5)


def _facts(name: str, key: str, fact: str = "kind") -> dict[str, str]:
    text = (files("deid_node.metadata") / "data" / name).read_text("utf-8")
    return {row[key]: row[fact] for row in csv.DictReader(text.splitlines())}


def _parts(name: str) -> list[str]:
    parts = (part for part in _SPLIT.split(name.lower()) if any(c.isalpha() for c in part))
    return [part for part in parts if len(part) >= (_LEAST_NAME if part.isascii() else 2)]


def _instance_uids(text: Text) -> Iterator[bytes]:
    if _KIND_OF_THING.search(text.keyword):
        return
    for value in text.text.split("\\"):
        uid = value.strip("\0 ")
        if len(uid) >= _LEAST_UID and uid not in UID_dictionary:
            yield uid.encode("utf-8", "replace")


def _spellings(text: str) -> Iterator[bytes]:
    for value in text.split("\\"):
        digits = re.sub(r"\D", "", value)[:8]
        # 1 January 1900 is what a removed date looks like.
        if len(digits) != 8 or digits in {"19000101", "00000000"}:
            continue
        year, month, day = digits[:4], digits[4:6], digits[6:]
        yield digits.encode()
        for separator in "-./":
            yield separator.join((year, month, day)).encode()
            yield separator.join((day, month, year)).encode()
            yield separator.join((month, day, year)).encode()


def _without_accents(part: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", part) if not unicodedata.combining(c))


def _encoded(text: str, charsets: Iterable[str], *, least: int) -> Iterator[bytes]:
    """Yield `text` as `squeezed` would leave it, in every encoding in question."""
    for codec in dict.fromkeys(("utf-8", "latin-1", "utf-16-le", "utf-16-be", *charsets)):
        for spelling in dict.fromkeys((text.lower(), text.upper(), text.title())):
            try:
                core = squeezed(spelling.encode(codec))
            except (UnicodeError, LookupError):
                continue
            if len(core) >= least:
                yield core
