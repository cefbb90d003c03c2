"""Units of UCUM: which texts are one, by its grammar and its atoms.

There is no end to units that can be built, so no table has them all: ``mGy`` and
``Gy.m2`` are made of what ``Gy`` and ``m`` are made of. A text that is built by the
rules and from the atoms of
``data/ucum.csv`` names a unit and nobody.
"""

import csv
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

_PREFIXES: Final = "da|[YZEPTGMkhdcmunpfazy]"
_FACTOR: Final = r"[0-9]{1,3}"  # a longer number may be anybody's
_EXPONENT: Final = r"[+-]?[0-9]{1,2}"


_ANNOTATION: Final = r"\{[^{}]*\}"
_ANNOTATED: Final = re.compile(r"\{([^{}]*)\}")
_BETWEEN: Final = re.compile(r"[./()]")
_MOST: Final = 64  # characters


@cache
def _words(kind: str) -> frozenset[str]:
    text = (files("deid_node.metadata") / "data/ucum.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return frozenset(row["text"] for row in rows if row["kind"] == kind)


@cache
def _rule() -> re.Pattern[str]:
    def either(words: Iterable[str]) -> str:
        return "|".join(re.escape(word) for word in sorted(words, key=lambda w: (-len(w), w)))

    atom = rf"(?:(?:{_PREFIXES})?(?:{either(_words('metric'))})|{either(_words('alone'))})"
    # Older editions have no dot behind a power of ten, and write an annotation before the unit.
    component = (
        rf"(?:10[*^]?{_EXPONENT}\.?|\[100\])?(?:{_ANNOTATION})?(?:{atom}(?:{_EXPONENT})?|{_FACTOR})"
        rf"(?:{_ANNOTATION})?|10[*^]?{_EXPONENT}|{_ANNOTATION}"
    )
    group = rf"(?:\((?:{component})(?:[./](?:{component}))*\)|(?:{component}))"
    return re.compile(rf"/?{group}(?:[./]{group})*")


def is_unit(text: str) -> bool:
    """Return whether `text` is a unit of UCUM, case-sensitive, its annotations known words.

    Source
    ------
    The Unified Code for Units of Measure, sections 2 and 3; PS3.16 CID 82.
    """
    if not text or len(text) > _MOST or _rule().fullmatch(text) is None:
        return False
    # One factor is a scale, more may be a date or anybody's number.
    if sum(part.isdecimal() for part in _BETWEEN.split(text)) > 1:
        return False
    return _words("annotation").issuperset(_ANNOTATED.findall(text))
