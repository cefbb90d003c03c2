"""Regular expressions of a CTP script, as far as they only spell text out.

``matches("(?i).*(acme|zenith) cart.*")`` is no more than two tests whether a text
contains another. What is more than that (classes, repeats, any single character)
has no counterpart: a pattern of somebody else's engine is not guessed at.

Source: MIRC wiki, The CTP DICOM Filter: ``matches`` compares the whole value.
"""

import re
from collections.abc import Iterator
from typing import Final

from deid_node.config.ctp_signature import NotTranslated, Term

_ANYTHING: Final = ".*"
_IGNORES_CASE: Final = "(?i)"
_SPECIAL: Final = frozenset(".^$*+?{}[]()|\\")
_PIECE: Final = re.compile(r"\\.|.", re.DOTALL)
_GROUP: Final = re.compile(r"\((?:\?:)?(?P<inside>(?:\\.|[^\\()])*)\)(?P<behind>.*)", re.DOTALL)


def spelled_out(identifier: str, pattern: str) -> tuple[Term, ...]:
    """Return the terms of which one holds where `pattern` matches the whole of a value.

    Raises
    ------
    NotTranslated
        It says more than which text stands where.
    """
    plain = pattern.removeprefix(_IGNORES_CASE)
    suffix = "" if plain == pattern else "IgnoreCase"
    return tuple(_term(identifier, one, suffix) for one in _alternatives(plain))


def _alternatives(pattern: str) -> Iterator[str]:
    """Yield the patterns without a choice that `pattern` chooses from."""
    before = _ANYTHING if pattern.startswith(_ANYTHING) else ""
    group = _GROUP.fullmatch(pattern.removeprefix(before).removeprefix("^"))
    if group is None:
        yield from _split(pattern)
        return
    for inside in _split(group["inside"]):
        yield before + inside + group["behind"]


def _split(pattern: str) -> list[str]:
    parts = [""]
    for piece in _PIECE.findall(pattern):
        if piece == "|":
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _term(identifier: str, pattern: str, suffix: str) -> Term:
    core = pattern.removeprefix("^")
    opened = core.startswith(_ANYTHING)
    core = core.removeprefix(_ANYTHING)
    if core.endswith("$") and not core.endswith("\\$"):
        core = core[:-1]
    closed = core.endswith(_ANYTHING) and not core.endswith("\\" + _ANYTHING)
    core = core.removesuffix(_ANYTHING) if closed else core
    method = {
        (False, False): "equals",
        (True, False): "endsWith",
        (False, True): "startsWith",
        (True, True): "contains",
    }[opened, closed]
    return Term(identifier, method + suffix, _literal(core))


def _literal(pattern: str) -> str:
    """Return the text that `pattern` spells out."""
    text = ""
    for piece in _PIECE.findall(pattern):
        if len(piece) == 2 and not piece[1].isalnum():
            text += piece[1]
        elif len(piece) == 1 and piece not in _SPECIAL:
            text += piece
        else:
            raise NotTranslated("a pattern that does more than spell out text")
    return text
