"""The letters that a reader learns, and what it is to say for all others.

The shipped file carries its alphabet with it; this one only counts while a network
is made. A letter of another script is no question of the nearest likeness: a Greek
rho read as ``P`` would look like a mark that may stay.
"""

import re
from typing import Final

from deid_node.pixels.text.read.base import UNKNOWN

_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F))
_ACCENTED = "ÀÄÅÇÈÉËÍÑÖØÜŠßàäåçèéëíñöøüš"
_SIGNS = "°±²³µ"

ALPHABET: Final = _PRINTABLE + _ACCENTED + _SIGNS + UNKNOWN
"""All letters in the order of the network's classes, the space first, `UNKNOWN` last."""

_KNOWN = frozenset(ALPHABET)
_RUN_OF_UNKNOWN = re.compile(f"{UNKNOWN}+")


def asked_for(text: str) -> str:
    """Return what a reader is to say where `text` is written.

    Runs of letters outside `ALPHABET` become one `UNKNOWN`, runs of spaces one space.
    """
    letters = (letter if letter in _KNOWN or letter.isspace() else UNKNOWN for letter in text)
    return _RUN_OF_UNKNOWN.sub(UNKNOWN, " ".join("".join(letters).split()))


def classes_of(text: str) -> list[int]:
    """Return the network's classes for a text made by `asked_for`; class 0 is none."""
    return [1 + ALPHABET.index(letter) for letter in text]
