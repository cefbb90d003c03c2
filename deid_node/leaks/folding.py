"""Letters as the second look compares them: one spelling for all that sound alike.

Cyrillic and Greek letters become the Latin ones that passports write for them.

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
# In the order of Unicode, "-" for a letter that is not heard.
_CYRILLIC: Final = (
    "a b v g d e zh z i i k l m n o p r s t u f kh ts ch sh shch - y - e yu ya"
    " e e dj g ie z i i j lj nj c k i u dz"
)
_GREEK: Final = "a v g d e z i th i k l m n x o p r s s t y f ch ps o"
_OTHER_ALPHABETS: Final = {
    first + at: latin.strip("-")
    for first, letters in ((0x430, _CYRILLIC), (0x3B1, _GREEK))
    for at, latin in enumerate(letters.split())
} | {0x491: "g"}
_DOUBLED: Final = ((b"ae", b"a"), (b"oe", b"o"), (b"ue", b"u"), (b"aa", b"a"))
_NO_WORD: Final = re.compile(rb"[^a-z0-9]+")
DROPPED: Final = bytes(c for c in range(128) if not chr(c).isalnum())


def folded(text: str) -> bytes:
    """Return `text` in lower case and Latin letters without accents; others are left out."""
    lower = text.casefold()
    if not lower.isascii():
        whole = unicodedata.normalize("NFC", lower).translate(_SPECIAL).translate(_OTHER_ALPHABETS)
        parted = unicodedata.normalize("NFKD", whole)
        lower = "".join(c for c in parted if not unicodedata.combining(c))
        # Greek letters with a tone are parted from it only here.
        lower = lower.translate(_OTHER_ALPHABETS)
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
