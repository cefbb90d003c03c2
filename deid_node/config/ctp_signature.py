"""The signature of a CTP script: terms with ``+`` (or), ``*`` (and), ``!`` (not).

Source: MIRC wiki, The CTP DICOM Filter: ``identifier.method("value")``, ``true.``,
``false.``; the operators bind in the order or, and, not.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

MOST_ALTERNATIVES: Final = 64

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<remark>//[^\n]*)
    | (?P<mark>[+*!()])
    | (?P<constant>true|false)\s*\.
    | (?P<identifier>(?:\[[0-9A-Fa-f,]+(?:\[[^\[\]"]*\])?[0-9A-Fa-f]*\]|[A-Za-z]\w*)
        (?:\s*::\s*(?:\[[0-9A-Fa-f,]+\]|[A-Za-z]\w*))*)
      \s*(?:\.\s*(?P<method>[A-Za-z]+)\s*\(\s*"(?P<value>[^"]*)"\s*\)
          |==\s*"(?P<equal>[^"]*)")
    )""",
    re.VERBOSE,
)


class NotTranslated(Exception):
    """Something in the script has no counterpart here; the text says what."""


@dataclass(frozen=True, slots=True)
class Term:
    """One test of one attribute; `method` as CTP calls it."""

    identifier: str
    method: str
    value: str


Literal: TypeAlias = tuple[Term, bool]
"""A term, and whether it is negated."""

Alternatives: TypeAlias = list[tuple[Literal, ...]]
"""Each holds where all its terms do; the signature, where one of them does."""

Token: TypeAlias = Term | bool | str


def alternatives_of(
    signature: str, *, spelt: Callable[[Term], Sequence[Term]] = lambda term: (term,)
) -> Alternatives:
    """Return `signature` as alternatives; none where it can never match.

    `spelt` gives the terms of which one holds where a term does.

    Raises
    ------
    NotTranslated
        It is no expression, or has more than `MOST_ALTERNATIVES`.
    """
    parser = _Parser(_tokens(signature), spelt)
    found = parser.either(negated=False)
    if parser.left:
        raise NotTranslated("a signature that is no expression")
    return found


def _tokens(signature: str) -> list[Token]:
    tokens: list[Token] = []
    position, text = 0, signature.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise NotTranslated("a signature that is no expression")
        position = match.end()
        if match["mark"]:
            tokens.append(match["mark"])
        elif match["constant"]:
            tokens.append(match["constant"] == "true")
        elif match["identifier"]:
            name = re.sub(r"\s", "", match["identifier"])
            if match["method"] is None:
                tokens.append(Term(name, "equals", match["equal"]))
            else:
                tokens.append(Term(name, match["method"], match["value"]))
    return tokens


class _Parser:
    """Reads tokens from the left; a negation is carried inwards to the terms."""

    def __init__(self, tokens: Sequence[Token], spelt: Callable[[Term], Sequence[Term]]) -> None:
        self.left = list(reversed(tokens))
        self._spelt = spelt

    def either(self, *, negated: bool) -> Alternatives:
        return self._chain("+", negated=negated)

    def _chain(self, mark: str, *, negated: bool) -> Alternatives:
        parts = [self._part(mark, negated=negated)]
        while self.left and self.left[-1] == mark:
            self.left.pop()
            parts.append(self._part(mark, negated=negated))
        found = parts[0]
        for part in parts[1:]:
            # De Morgan: a negated "or" is an "and" of what is negated.
            if (mark == "+") is not negated:
                found = found + part
            else:
                found = [(*one, *two) for one in found for two in part]
            if len(found) > MOST_ALTERNATIVES:
                raise NotTranslated("a signature of too many alternatives")
        return found

    def _part(self, mark: str, *, negated: bool) -> Alternatives:
        return self._chain("*", negated=negated) if mark == "+" else self._unary(negated=negated)

    def _unary(self, *, negated: bool) -> Alternatives:
        item = self.left.pop() if self.left else ""
        if item == "!":
            return self._unary(negated=not negated)
        if item == "(":
            found = self.either(negated=negated)
            if not self.left or self.left.pop() != ")":
                raise NotTranslated("a signature that is no expression")
            return found
        if isinstance(item, bool):
            return [()] if item is not negated else []
        if isinstance(item, Term):
            terms = [(term, negated) for term in self._spelt(item)]
            return [tuple(terms)] if negated else [(term,) for term in terms]
        raise NotTranslated("a signature that is no expression")
