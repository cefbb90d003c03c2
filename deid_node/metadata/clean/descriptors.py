"""Free text with nothing left in it but words of the trade and protocol numbers.

What stays is decided word by word: a word that the vocabulary does not know is
dropped, whatever it is. A known word is dropped as well where this instance
calls somebody so.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from deid_node.metadata.clean import protocol_numbers
from deid_node.metadata.clean.patient_terms import PatientTerms
from deid_node.metadata.clean.vocabulary import Vocabulary, plain

_TOKEN = re.compile(
    r"[wW]/[oO]?(?![^\W_])"  # with, without: W is not W/O
    r"|(?<![^\W_])[cC][+-](?![^\W_])"  # contrast given, or not
    r"|(?<![^\W_])[tT]2\*"  # another sequence than T2
    r"|(?<![^\W_])[cCtTlL][- ]?[sS](?i:pine)(?![^\W_])"  # of the spine; a letter alone is nobody's
    r"|(?:[^\W_]|(?<=[0-9])[.,](?=[0-9]))+"
)
_SIGN = re.compile(r"w/o?|c[+-]|t2\*|[ctl][- ]?spine")
_JOINTS = frozenset({"_", "-", "/", "+", "^"})
# A name is likely beside these, whatever else they mean.
_TITLES = frozenset({"dr", "md", "miss", "mr", "mrs", "ms", "sir"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a number of a text: how it is written, and what stood before it."""

    written: str
    before: str

    @property
    def word(self) -> str:
        """The token as the vocabulary spells it."""
        return plain(self.written)


def tokens_of(text: str) -> list[Token]:
    """Return the words and numbers of `text` in order."""
    tokens, end = [], 0
    for match in _TOKEN.finditer(text):
        tokens.append(Token(match[0], text[end : match.start()]))
        end = match.end()
    return tokens


class DescriptorCleaner:
    """Cleans the free text of one instance: what `TextCleaner` promises.

    Parameters
    ----------
    vocabulary
        The words that may stay.
    patient_terms
        The names, numbers, places and dates of this instance.
    """

    def __init__(self, vocabulary: Vocabulary, patient_terms: PatientTerms) -> None:
        self._vocabulary = vocabulary
        self._patient_terms = patient_terms

    def clean(self, text: str, *, keyword: str = "") -> str | None:
        """Return what may stay of `text`; None where nothing says anything any more.

        The result is ASCII, and as long as `text` or shorter: accents are
        dropped, and what stood between two words that stay becomes a blank
        unless it is a single ``_``, ``-``, ``/``, ``+`` or ``^``.

        Source
        ------
        PS3.15 E.3.5 (Clean Descriptors Option).
        """
        del keyword  # every attribute is cleaned alike
        tokens = tokens_of(text)
        kept = self._kept(tokens)
        # A letter without its accent may be two (ss), and the VR may have no room for more.
        while len(_joined(tokens, kept)) > len(text):
            kept.pop()
        if not any(character.isalpha() for at in kept for character in tokens[at].written):
            return None
        return _joined(tokens, kept)

    def says_all(self, text: str) -> bool:
        """Return whether `text` stays as it is, word for word."""
        tokens = tokens_of(text)
        return bool(tokens) and len(self._kept(tokens)) == len(tokens)

    def _kept(self, tokens: list[Token]) -> list[int]:
        written = [token.written for token in tokens]
        stays = [at for at, stay in enumerate(self._known(tokens)) if stay]
        kept = self._patient_terms.escaped(stays, written)
        return self._patient_terms.escaped(_without_rows(kept, tokens), written)

    def _known(self, tokens: list[Token]) -> list[bool]:
        words = [token.word for token in tokens]
        known = [
            _SIGN.fullmatch(token.word) is not None or self._vocabulary.knows(token.written)
            for token in tokens
        ]
        figure = [protocol_numbers.is_with_word(word) for word in words]
        bare = [protocol_numbers.is_bare(word) for word in words]
        for at, (number, unit) in enumerate(pairwise(words)):
            if protocol_numbers.is_counted_by(number, unit):
                figure[at] = figure[at + 1] = True
                bare[at] = False
        wholly = all(k or f or b for k, f, b in zip(known, figure, bare, strict=True))
        result = []
        for at in range(len(words)):
            if known[at]:
                result.append(self._in_company(at, words, known, wholly=wholly))
            else:
                result.append(figure[at] or bare[at])
        return result

    def _in_company(self, at: int, words: list[str], known: list[bool], *, wholly: bool) -> bool:
        """Return whether a word that may be a name stands where it means the thing."""
        if not self._vocabulary.is_name(words[at]):
            return True
        beside = [i for i in (at - 1, at + 1) if 0 <= i < len(words)]
        titled = any(words[i] in _TITLES for i in beside)
        if wholly:
            return not titled or self._vocabulary.kind(words[at]) == "anatomy"
        return not titled and any(
            known[i] and not self._vocabulary.is_name(words[i]) for i in beside
        )


def _without_rows(kept: list[int], tokens: list[Token]) -> list[int]:
    """Return `kept` without bare numbers that stand beside a number in what stays."""
    words = [tokens[at].word for at in kept]
    is_number = [False, *(word[0].isdigit() for word in words), False]
    return [
        at
        for position, (at, word) in enumerate(zip(kept, words, strict=True))
        if not (protocol_numbers.is_bare(word) and (is_number[position] or is_number[position + 2]))
        or _is_measured(position, words)
    ]


def _is_measured(position: int, words: list[str]) -> bool:
    following = words[position + 1 : position + 2]
    return bool(following) and protocol_numbers.is_counted_by(words[position], following[0])


def _joined(tokens: list[Token], kept: list[int]) -> str:
    parts = []
    for position, at in enumerate(kept):
        token = tokens[at]
        if position:
            follows = kept[position - 1] == at - 1
            parts.append(token.before if follows and token.before in _JOINTS else " ")
        written = token.written
        parts.append(written if written.isascii() else token.word)
    return "".join(parts)
