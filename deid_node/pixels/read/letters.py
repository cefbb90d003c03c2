"""From the network's certainties, step by step along a line, to what the line says.

The network says at each step which letter it sees there, or none. A letter seen
over several steps in a row is one letter; the same letter twice has a step of
none between.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.read.base import UNKNOWN, Reading

NONE = 0
"""Number of the class that stands for no letter; letter ``n`` of the alphabet is ``n + 1``."""


def reading_of(certainties: NDArray[np.float32], alphabet: Sequence[str]) -> Reading:
    """Return the text of the most certain path, and how certain its least certain letter is.

    Parameters
    ----------
    certainties
        ``(steps, 1 + letters)``, each row adds up to 1.
    alphabet
        The letters, in the order of the classes.

    Source
    ------
    Graves et al. (2006), "Connectionist Temporal Classification", 3.2 (best path).
    """
    best = certainties.argmax(axis=1)
    sure = certainties.max(axis=1)
    letters: list[str] = []
    least = 1.0
    first = 0
    while first < len(best):
        last = first
        while last + 1 < len(best) and best[last + 1] == best[first]:
            last += 1
        if best[first] != NONE:
            letter = alphabet[best[first] - 1]
            if not (letter == UNKNOWN and letters[-1:] == [UNKNOWN]):
                letters.append(letter)
            least = min(least, float(sure[first : last + 1].max()))
        first = last + 1
    text = " ".join("".join(letters).split())
    return Reading(text, min(1.0, least)) if text else Reading("", 0.0)
