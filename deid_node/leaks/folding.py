"""Letters as the second look compares them: one spelling for all that sound alike.

Accents fall, letters that other alphabets write as two (ä, ø, å, ß) become what
they are written as without them, and both ways of doing that become one. So
Müller, Mueller and MULLER are one name, and so are Åse and Aase.
"""

import re
import unicodedata
from typing import Final

_SPECIAL: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ŋ": "n",
     "ħ": "h", "ŧ": "t", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)  # fmt: skip
_DOUBLED: Final = ((b"ae", b"a"), (b"oe", b"o"), (b"ue", b"u"), (b"aa", b"a"))
_NO_WORD: Final = re.compile(rb"[^a-z0-9]+")
DROPPED: Final = bytes(c for c in range(128) if not chr(c).isalnum())


def folded(text: str) -> bytes:
    """Return `text` in lower case and Latin letters without accents; others are left out."""
    lower = text.casefold()
    if not lower.isascii():
        parted = unicodedata.normalize("NFKD", lower.translate(_SPECIAL))
        lower = "".join(c for c in parted if not unicodedata.combining(c))
    return merged(lower.encode("ascii", "replace"))


def merged(lower: bytes) -> bytes:
    """Return bytes in lower case with the letters that stand for one umlaut made that one."""
    for two, one in _DOUBLED:
        if two in lower:
            lower = lower.replace(two, one)
    return lower


def squeezed(lower: bytes) -> bytes:
    """Return `lower` without blanks, separators and NULs: whatever stands between letters."""
    return lower.translate(None, DROPPED)


def words_of(lower: bytes) -> list[bytes]:
    """Return the runs of letters and digits of `lower`, in order."""
    return [word for word in _NO_WORD.split(lower) if word]
