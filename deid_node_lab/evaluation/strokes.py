"""Letters as a plotter draws them: lines of one width, no curves.

Consoles of the eighties and nineties wrote like this. OpenCV 5 no longer does: what
it calls a Hershey font is a modern outline font now.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A": "06022042 46 | 0444", "B": "06003041320333 444536 06", "C": "4130100105163645",
        "D": "0600304145360 6", "E": "40000646 | 0333", "F": "400006 | 0333",
        "G": "413010010516364543 23", "H": "0006 | 4046 | 0343", "I": "1030 | 2026 | 1636",
        "J": "4045361605", "K": "0006 | 4003 46", "L": "000646", "M": "0600234046",
        "N": "06004640", "O": "100105163645413010", "P": "060030414233 03",
        "Q": "100105163645413010 | 2446", "R": "060030414233 03 | 2346",
        "S": "41301001022344 45361605", "T": "0040 | 2026", "U": "000516364540",
        "V": "002640", "W": "0016233640", "X": "0046 | 4006", "Y": "002340 | 2326",
        "Z": "00400646", "0": "100105163645413010 | 1531", "1": "112026 | 1636",
        "2": "0110304142 0646", "3": "0110304142 3344453616 05 | 1333",
        "4": "3630 0444", "5": "4000 0232434536 1605", "6": "4130100105163645443303",
        "7": "0040 16", "8": "13020110304142331304051636454433", "9": "0516364541301001021343",
        ".": "2526", ",": "252617", ":": "2223 | 2526", "-": "0343", "/": "0640",
        "+": "2125 | 0343", "%": "0640 | 0011 | 3546", "^": "022042", "[": "30101636",
        "]": "10303616", "#": "1016 | 3036 | 0242 | 0444", "*": "1135 | 3115", "=": "0242 | 0444",
    }
)  # fmt: skip
"""Polylines on a grid of 5 by 7 points, each point as its column and row; ``|`` lifts the pen."""

_HIGH, _PITCH = 6, 6
_SHIFT: Final = 4


def plotted(text: str, capital_pixels: float) -> NDArray[np.uint8] | None:
    """Return `text` in capitals as alpha ``(rows, columns)``, cropped to its ink, or None.

    What is no letter, digit or sign of the table leaves a gap.
    """
    thick = max(1, round(capital_pixels / 12))
    unit = max(0.5, (capital_pixels - thick) / _HIGH)
    edge = thick + 1
    size = (int((_HIGH + 1) * unit) + 2 * edge + 1, int(len(text) * _PITCH * unit) + 2 * edge + 1)
    alpha = np.zeros(size, np.uint8)
    for place, letter in enumerate(text.upper()):
        for stroke in _LETTERS.get(letter, "").replace(" | ", "|").split("|"):
            digits = stroke.replace(" ", "")
            pairs = zip(digits[::2], digits[1::2], strict=True)
            points = np.array([(int(x) + place * _PITCH, int(y)) for x, y in pairs], np.float64)
            if len(points):
                fine = ((points * unit + edge) * (1 << _SHIFT)).round().astype(np.int32)
                cv2.polylines(alpha, [fine], False, 255, thick, cv2.LINE_AA, _SHIFT)
    rows, columns = np.flatnonzero(alpha.max(1) > 40), np.flatnonzero(alpha.max(0) > 40)
    if not (len(rows) and len(columns)):
        return None
    return np.ascontiguousarray(alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
