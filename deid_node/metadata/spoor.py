"""The identifiers of an original, in the spellings in which they could survive.

Part of the second look: nothing here is shared with the scrubber. What counts as
an identifier is written anew from PS3.15 E.1, so that a gap in the plan does not
become a gap in the check.
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

from deid_node.metadata.texts import Text, texts_of

_KIND_OF_THING = re.compile(
    r"SOPClass|TransferSyntax|CodingSchemeUID|ContextUID|MappingResourceUID"
    r"|CreatorVersionUID|ImplementationClassUID|StandardUID"
)
_MAKER_KEYWORDS = frozenset({"Manufacturer", "ManufacturerModelName"})

_SPLIT = re.compile(r"[\W_]+")
_LEAST_NAME = 3
_LEAST_UID = 10


@dataclass(frozen=True, slots=True)
class Spoor:
    """What to look for; nothing of it is ever shown.

    `words` match whole runs of letters, `numbers` whole runs of letters and
    digits, `fragments` anything (bytes in lower case, in every encoding in
    question), `dates` runs of digits at their beginning, `uids` whole UIDs.
    """

    words: frozenset[bytes] = field(repr=False)
    numbers: frozenset[bytes] = field(repr=False)
    fragments: frozenset[bytes] = field(repr=False)
    dates: frozenset[bytes] = field(repr=False)
    uids: frozenset[bytes] = field(repr=False)


class SpoorReader:
    """Collects the identifiers of an original; knows the words that name nobody."""

    def __init__(self) -> None:
        kinds = _facts("common_words.csv", "word")
        self._common = frozenset(kinds)
        self._nobody = frozenset(word for word, kind in kinds.items() if kind == "nobody")
        self._identifying = _facts("identifying_attributes.csv", "keyword")

    def read(self, original: Dataset) -> Spoor:
        """Return what must not be found again, from every depth and the file meta."""
        texts = list(texts_of(original))
        makers = " ".join(t.text.lower() for t in texts if t.keyword in _MAKER_KEYWORDS)
        words: set[bytes] = set()
        numbers: set[bytes] = set()
        fragments: set[bytes] = set()
        dates: set[bytes] = set()
        uids: set[bytes] = set()
        for text in texts:
            kind = self._identifying.get(text.keyword)
            if text.vr == "PN":
                self._name(text, words, fragments)
            elif text.vr == "UI":
                uids.update(_instance_uids(text))
            elif kind == "number":
                for value in text.text.split("\\"):
                    self._number(value.strip().lower(), numbers, fragments)
            elif kind == "place":
                value = text.text.strip().lower()
                if len(value) >= 5 and value not in makers and value not in self._common:
                    fragments.update(_encoded(value, text.charsets))
            elif kind == "date":
                dates.update(_spellings(text.text))
        return Spoor(
            frozenset(words),
            frozenset(numbers),
            frozenset(fragments),
            frozenset(dates),
            frozenset(uids),
        )

    def _name(self, text: Text, words: set[bytes], fragments: set[bytes]) -> None:
        for value in text.text.split("\\"):
            parts = [part.lower() for part in _SPLIT.split(value) if _is_name(part)]
            for part in parts:
                if part in self._common:
                    continue
                if part.isascii():
                    words.add(part.encode())
                else:
                    fragments.update(_encoded(part, text.charsets))
                    plain = _without_accents(part)
                    if plain.isascii() and len(plain) >= _LEAST_NAME:
                        words.add(plain.encode())
            for first, second in permutations(dict.fromkeys(parts[:4]), 2):
                for separator in ("", " ", "^", "_", ", ", "-", "."):
                    joined = f"{first}{separator}{second}"
                    if len(joined) >= 6 and not {first, second} <= self._nobody:
                        fragments.update(_encoded(joined, text.charsets))

    def _number(self, value: str, numbers: set[bytes], fragments: set[bytes]) -> None:
        letters = value.isalpha()
        if letters and (len(value) < 5 or value in self._common):
            return
        bare = re.sub(r"[\W_]+", "", value)
        if len(set(bare)) < 2 or len(bare) < (5 if bare.isdigit() else 4):
            return
        if (
            not any(character.isdigit() for character in bare)
            and set(_SPLIT.split(value)) <= self._common
        ):
            return
        if bare.isascii():
            numbers.add(bare.encode())
        if len(value) >= 6:
            fragments.update(_encoded(value, ()))


def _facts(name: str, key: str) -> dict[str, str]:
    text = (files("deid_node.metadata") / "data" / name).read_text("utf-8")
    return {row[key]: row["kind"] for row in csv.DictReader(text.splitlines())}


def _is_name(part: str) -> bool:
    if not any(character.isalpha() for character in part):
        return False
    return len(part) >= (_LEAST_NAME if part.isascii() else 2)


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
        # 1 January 1900 is what a removed date looks like (PS3.15 leaves the dummy to us).
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


def _encoded(text: str, charsets: Iterable[str]) -> Iterator[bytes]:
    """Yield `text`, lower and upper case, in every encoding in question, escapes left out."""
    for codec in dict.fromkeys(("utf-8", "latin-1", "utf-16-le", "utf-16-be", *charsets)):
        for spelling in dict.fromkeys((text, text.upper(), text.title())):
            try:
                encoded = spelling.encode(codec)
            except (UnicodeError, LookupError):
                continue
            core = re.sub(rb"\x1b[$()\-./*+]+[@-~]", b"", encoded).lower()
            if len(core) >= 4:
                yield core
