"""The second look: no identifier of the original stands anywhere in the result.

It shares no code with the scrubber and knows no plan: it collects what would
name the patient in the original and searches every value of the result for it.
A hit means a fault of ours, so the instance is withheld.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from pydicom.dataset import Dataset

from deid_node.dicom.bulk import Bulk
from deid_node.errors import IdentifierLeft
from deid_node.metadata.daymarks import FULL, MODIFIED, days_of, is_date, wrong_day
from deid_node.metadata.spoor import DROPPED, Spoor, SpoorReader, squeezed
from deid_node.metadata.texts import Text, texts_of

_BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_BINARY_VRS = frozenset({"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"})
# Values that are digits by nature: a number of the patient turns up there by chance.
_FIGURE_VRS = frozenset({"DS", "IS", "UI", "TM", "AS"})

RETAIN_UIDS = "retain_uids"

# Shorter runs of letters turn up in compressed pixels by chance.
_LEAST_IN_BULK = 6
_UID_START = 5
_CHUNK_BYTES = 1 << 22
_OVERLAP_BYTES = 1 << 10

_LETTERS = re.compile(rb"[a-z]+")
_LETTERS_AND_DIGITS = re.compile(rb"[a-z0-9]+")
_UIDS = re.compile(rb"[0-9]+(?:\.[0-9]+)+")
_CODE = re.compile(rb"[0-9-]+\s*")
# Stays when text is squeezed, so that no hit spans two values.
_BETWEEN = b"\n\xff\n"


class LeakCheck:
    """Compares a result with its original; one object serves any number of instances."""

    def __init__(self) -> None:
        self._reader = SpoorReader()

    def check(
        self, original: Dataset, cleaned: Dataset, *, retained: frozenset[str] = frozenset()
    ) -> None:
        """Return if no identifier of `original` stands in `cleaned`; neither is written to.

        Names, numbers, places, dates and UIDs of every depth of the original are
        searched in every value of every depth of the result and in its file
        meta, whatever the case, the separators and the usual encodings. What is
        not searched, because it would be found everywhere, is written down in
        docs/metadata.md: parts of names below three letters, parts that are
        words of the trade (HEAD) unless they stand beside another part, short
        numbers, and numbers inside UIDs and measurements.

        Parameters
        ----------
        original, cleaned
            The instance as sent, and the result as it was written.
        retained
            Names of the options in force. Only what such an option keeps is
            excused, and only where it keeps it: UIDs in UI values, days in DA and
            DT values, the identity of device and institution.

        Raises
        ------
        IdentifierLeft
            One was found; the error names the attribute where it stands.

        Source
        ------
        PS3.15 E.1.1 (no residual identifying information).
        """
        spoor = self._reader.read(original, retained)
        all_texts = list(texts_of(cleaned))
        # Items of a multi-frame object repeat each other: the same object is searched once.
        once = {id(text): text for text in all_texts}.values()
        texts = [text for text in once if _may_speak(text)]
        if retained & {FULL, MODIFIED}:
            keyword = wrong_day(spoor.days, days_of(all_texts), retained)
            if keyword is not None:
                raise IdentifierLeft(keyword)
        small = [text for text in texts if text.vr not in _BULK_VRS]
        # One search over all values together; value by value only to name the place.
        if _in_values(small, spoor, retained):
            for text in small:
                if _in_values((text,), spoor, retained):
                    raise IdentifierLeft(text.keyword)
        for text in texts:
            if text.vr in _BULK_VRS and _in_bulk(text.bulk or text.stored, spoor):
                raise IdentifierLeft(text.keyword)


def _may_speak(text: Text) -> bool:
    return bool(text.bulk or text.stored) and text.vr not in _BINARY_VRS


def _is_figures(text: Text, retained: frozenset[str]) -> bool:
    if text.vr in _FIGURE_VRS:
        return True
    # Its day was looked at by `wrong_day`.
    if retained & {FULL, MODIFIED} and is_date(text):
        return True
    return text.keyword == "CodeValue" and _CODE.fullmatch(text.stored) is not None


def _said(text: Text) -> bytes:
    """Return the bytes, and beside them what they say where that is more than ASCII."""
    if text.stored.isascii() and b"\x1b" not in text.stored:
        return text.stored
    return text.stored + _BETWEEN + text.text.encode("utf-8", "replace")


def _in_values(texts: Iterable[Text], spoor: Spoor, retained: frozenset[str]) -> bool:
    prose, figures, kept_uids = [], [], []
    for text in texts:
        if text.vr == "UI" and RETAIN_UIDS in retained:
            kept_uids.append(_said(text))
        elif _is_figures(text, retained):
            figures.append(_said(text))
        else:
            prose.append(_said(text))
    return (
        _in_prose(_BETWEEN.join(prose).lower(), spoor)
        or _in_any(_BETWEEN.join(figures).lower(), spoor)
        or _has_name(_BETWEEN.join(kept_uids).lower(), spoor)
    )


def _in_prose(stored: bytes, spoor: Spoor) -> bool:
    if _in_any(stored, spoor):
        return True
    runs = _LETTERS_AND_DIGITS.findall(stored)
    if not spoor.numbers.isdisjoint(runs):
        return True
    dense = squeezed(stored)
    if any(number in dense for number in spoor.long_numbers):
        return True
    return any(_begins(date, stored) for date in spoor.dates)


def _in_any(stored: bytes, spoor: Spoor) -> bool:
    """Look for what must stand nowhere, in figures neither."""
    return not spoor.uids.isdisjoint(_UIDS.findall(stored)) or _has_name(stored, spoor)


def _has_name(stored: bytes, spoor: Spoor) -> bool:
    """Look for names and places, which no option keeps in a UID."""
    if not spoor.words.isdisjoint(_LETTERS.findall(stored.replace(b"\0", b""))):
        return True
    dense = squeezed(stored)
    return any(fragment in dense for fragment in spoor.fragments)


def _begins(date: bytes, stored: bytes) -> bool:
    at = stored.find(date)
    while at >= 0:
        if at == 0 or stored[at - 1 : at] not in b"0123456789.":
            return True
        at = stored.find(date, at + 1)
    return False


def _in_bulk(stored: Bulk | bytes, spoor: Spoor) -> bool:
    numbers = {number for number in spoor.long_numbers if not _is_ramp(number)}
    words = {word for word in spoor.words if len(word) >= _LEAST_IN_BULK}
    names = {name for name in spoor.fragments if len(name) >= _LEAST_IN_BULK}
    for chunk in _chunks(stored):
        lower = chunk.lower()
        if any(run in lower for run in numbers | words):
            return True
        dense = lower.translate(None, DROPPED)
        if any(name in dense for name in names):
            return True
        if _has_uid(chunk, spoor.uids):
            return True
    return False


def _has_uid(chunk: bytes, uids: frozenset[bytes]) -> bool:
    # All UIDs of an instance share a few beginnings, which are rare in pixels.
    for start in {uid[:_UID_START] for uid in uids}:
        at = chunk.find(start)
        while at >= 0:
            uid = _UIDS.match(chunk, at)
            if uid and uid[0] in uids:
                return True
            at = chunk.find(start, at + 1)
    return False


def _is_ramp(number: bytes) -> bool:
    """Return whether the characters climb evenly (123456), as a grey wedge does."""
    return len({after - before for before, after in pairwise(number)}) == 1


def _chunks(stored: Bulk | bytes) -> Iterator[bytes]:
    for start in range(0, len(stored), _CHUNK_BYTES):
        yield stored[max(0, start - _OVERLAP_BYTES) : start + _CHUNK_BYTES]
