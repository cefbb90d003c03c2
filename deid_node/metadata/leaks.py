"""The second look: no identifier of the original stands anywhere in the result.

It shares no code with the scrubber and knows no plan: it collects what would
name the patient in the original and searches every value of the result for it.
A hit means a fault of ours, so the instance is withheld.
"""

import re

from pydicom.dataset import Dataset

from deid_node.errors import IdentifierLeft
from deid_node.metadata.spoor import Spoor, SpoorReader
from deid_node.metadata.texts import Text, texts_of

_BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW"})
_BINARY_VRS = frozenset({"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV", "US or SS"})
_NUMBER_VRS = frozenset({"DS", "IS", "UI", "TM"})
# Shorter runs of letters turn up in compressed pixels by chance.
_LEAST_IN_BULK = 6

_LETTERS = re.compile(rb"[a-z]+")
_LETTERS_AND_DIGITS = re.compile(rb"[a-z0-9]+")
_UIDS = re.compile(rb"[0-9]+(?:\.[0-9]+)+")
_DATES = re.compile(rb"(?<![0-9.])[0-9]{2,4}[-./]?[0-9]{2}[-./]?[0-9]{2,4}")


class LeakCheck:
    """Compares a result with its original; one object serves any number of instances."""

    def __init__(self) -> None:
        self._reader = SpoorReader()

    def check(self, original: Dataset, cleaned: Dataset) -> None:
        """Return if no identifier of `original` stands in `cleaned`.

        Names, ids, places, dates and UIDs of every depth of the original are
        searched in every value of every depth of the result and in its file
        meta, whatever the case, the separators and the usual encodings. Names
        that are words of the data dictionary (HEAD) are searched only as whole
        names; values of one or two characters, and ids that are plain short
        numbers, are not searched: they would be found everywhere.

        Raises
        ------
        IdentifierLeft
            One was found; the error names the attribute where it stands.

        Source
        ------
        PS3.15 E.1.1 (no residual identifying information).
        """
        spoor = self._reader.read(original)
        for text in texts_of(cleaned):
            if text.stored and _found(text, spoor):
                raise IdentifierLeft(text.keyword)


def _found(text: Text, spoor: Spoor) -> bool:
    if text.vr in _BINARY_VRS:
        return False
    stored = text.stored.lower()
    if any(uid in spoor.uids for uid in _UIDS.findall(stored)):
        return True
    if text.vr in _BULK_VRS:
        return any(
            run in stored
            for run in spoor.words | spoor.numbers | spoor.fragments
            if len(run) >= _LEAST_IN_BULK
        )
    if any(word in spoor.words for word in _LETTERS.findall(stored)):
        return True
    if any(fragment in stored for fragment in spoor.fragments):
        return True
    if text.vr in _NUMBER_VRS:
        return False
    if any(run in spoor.numbers for run in _LETTERS_AND_DIGITS.findall(stored)):
        return True
    return any(run in spoor.dates for run in _DATES.findall(stored))
