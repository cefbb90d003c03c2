"""The words that free text may keep, and which of them are also somebody's name.

A word that is not here is dropped wherever it stands: nobody can list all names,
but the words of radiology can be listed. The file is written by
``scripts/make_vocabulary.py``; docs/decisions/metadata-kept-values.md says how its
words were chosen.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NUMBERED = re.compile(r"([a-z]{2,})[0-9]{1,2}")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LEAST_IN_CAMEL = 2


def plain(word: str) -> str:
    """Return `word` in lower case and without accents, as the vocabulary spells it."""
    folded = word.casefold()
    if folded.isascii():
        return folded
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


@cache
def _shipped() -> tuple[Mapping[str, str], frozenset[str]]:
    """Return the kind of each word, and those of them that people are called by."""
    text = (files("deid_node.metadata") / "data/vocabulary.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return (
        MappingProxyType({row["word"]: row["kind"] for row in rows}),
        frozenset(row["word"] for row in rows if row["also_name"]),
    )


class Vocabulary:
    """Knows words; one object serves any number of instances."""

    __slots__ = ("_names", "_words")

    def __init__(self) -> None:
        self._words, self._names = _shipped()

    def kind(self, word: str) -> str | None:
        """Return what kind of word `word` is, spelled by `plain`; None where it is unknown."""
        return self._words.get(word)

    def is_name(self, word: str) -> bool:
        """Return whether people are called so as well: it needs company to stay."""
        return word in self._names

    def knows(self, token: str) -> bool:
        """Return whether `token`, as written, is made of known words.

        A known word, one that is no name with a number of one or two digits behind
        it (``loc2``), or known words run together with capitals between them
        (``HeadNeck``).
        """
        word = plain(token)
        if word in self._words:
            return True
        numbered = _NUMBERED.fullmatch(word)
        if numbered is not None:
            return numbered[1] in self._words and numbered[1] not in self._names
        parts = camel_parts(token)
        return len(parts) > 1 and all(
            len(part) >= _LEAST_IN_CAMEL and part in self._words for part in parts
        )

    def __len__(self) -> int:
        return len(self._words)


def camel_parts(token: str) -> list[str]:
    """Return the words of ``HeadNeck`` in lower case; one word, or none, where it is not so."""
    parts = _CAMEL.findall(token)
    return [part.lower() for part in parts] if "".join(parts) == token else []
