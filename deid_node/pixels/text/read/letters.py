"""From the network's certainties, step by step along a line, to what the line says.

The network says at each step which letter it sees there, or none. A letter seen
over several steps in a row is one letter; the same letter twice has a step of
none between. A newcomer would take the certainties of the letters that were read
as the confidence: they know nothing of a letter that was nearly seen and left out.
"""

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.text.read.base import UNKNOWN, Reading

NONE = 0
"""Number of the class that stands for no letter; letter ``n`` of the alphabet is ``n + 1``."""

_RUN_OF_UNKNOWN = re.compile(f"{UNKNOWN}+")


def reading_of(certainties: NDArray[np.float32], alphabet: Sequence[str]) -> Reading:
    """Return the text of the most certain path, and how certain it is that the line says so.

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
    best = certainties.argmax(axis=1).tolist()
    seen = [number for number, _ in groupby(best) if number != NONE]
    text = "".join(alphabet[number - 1] for number in seen)
    text = " ".join(_RUN_OF_UNKNOWN.sub(UNKNOWN, text).split())
    return Reading(text, certainty_of(certainties, seen)) if text else Reading("", 0.0)


def certainty_of(certainties: NDArray[np.float32], classes: Sequence[int]) -> float:
    """Return how certain it is that the line says just these letters: that of all paths to them.

    Parameters
    ----------
    certainties
        ``(steps, 1 + letters)``, each row adds up to 1.
    classes
        The letters' classes, without `NONE`.

    Returns
    -------
    Between 0 and 1.

    Source
    ------
    Graves et al. (2006), 4.1 (forward variables).
    """
    stations = np.full(2 * len(classes) + 1, NONE)
    stations[1::2] = classes
    # From a letter to the next one without none between, unless it is the same once more.
    leap = np.zeros(len(stations), np.bool_)
    leap[3::2] = stations[3::2] != stations[1:-2:2]
    chances = certainties[:, stations].astype(np.float64)
    reached = np.zeros(len(stations))
    reached[:2] = chances[0, :2]
    for chance in chances[1:]:
        before = reached.copy()
        reached[1:] += before[:-1]
        reached[2:] += np.where(leap[2:], before[:-2], 0.0)
        reached *= chance
    return min(1.0, float(reached[-2:].sum()))
