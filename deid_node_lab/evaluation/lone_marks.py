"""Lone marks: what stands alone on an image and names nobody.

Laterality letters, single letters and the digits of a scale are text like any other to
a finder, but to miss one harms no patient. They are counted apart, and what is doubtful
counts as a line that may name somebody: two letters may be initials.
"""

import re
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?\d{1,3}([.,]\d{1,2})?")
_MARKS: Final = frozenset(
    {
        "LT", "RT", "LEFT", "RIGHT", "AP", "PA", "LAT", "LL", "RL", "LAO", "RAO", "LPO", "RPO",
        "CRAN", "CAUD", "ANT", "POST", "SUP", "INF", "SUPINE", "PRONE", "ERECT", "UPRIGHT", "CC",
        "MLO", "LCC", "RCC", "LMLO", "RMLO", "ML", "LM", "HFS", "HFP", "FFS", "FFP", "SAG", "COR",
        "AX",
    }
)  # fmt: skip
"""What radiographers and viewers write for side, projection and position."""


def is_lone_mark(text: str) -> bool:
    """Return whether a line says no more than a letter, a side or a number of a scale.

    A line whose text is not known is none. Numbers have at most three digits, with at
    most two more behind a point: longer ones may count a patient.
    """
    words = text.upper().split()
    if not words:
        return False
    if len(words) == 1 and _NUMBER.fullmatch(words[0]):
        return True
    bare = ("".join(sign for sign in word if sign.isalnum()) for word in words)
    return all(word in _MARKS or (len(word) <= 1 and not word.isdigit()) for word in bare)
