"""The second look: no identifier of the original stands anywhere in the result.

It shares no code with the scrubber and knows no plan: it collects what would
name the patient in the original and searches every value of the result for it.
A hit means a fault of ours, so the instance is withheld.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset

from deid_node.errors import IdentifierLeft
from deid_node.leaks.bulk import is_in_bulk, printed
from deid_node.leaks.date_words import spelt_densely
from deid_node.leaks.dates import FULL, MODIFIED, days_of, is_date, wrong_day
from deid_node.leaks.excuses import Excuses
from deid_node.leaks.folding import folded, squeezed
from deid_node.leaks.identifiers import IdentifierReader, Identifiers
from deid_node.leaks.matcher import UIDS, Hit, Kind, hits_in, names_in
from deid_node.leaks.values import Text, texts_of

_BULK_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_BINARY_VRS: Final = frozenset({"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"})
_PIXELS: Final = frozenset({"PixelData", "FloatPixelData", "DoubleFloatPixelData"})
# Values that are digits by nature, where they are what they should be: a number of the
# patient turns up in them by chance.
_FIGURES: Final[Mapping[str, re.Pattern[bytes]]] = MappingProxyType(
    {
        "DS": re.compile(rb"[0-9eE+\-. \\\0]*"),
        "IS": re.compile(rb"[0-9eE+\-. \\\0]*"),
        "UI": re.compile(rb"[0-9. \\\0]*"),
        "TM": re.compile(rb"[0-9.: \\\0]*"),
        "AS": re.compile(rb"[0-9DWMY \\\0]*"),
    }
)
_CODE: Final = re.compile(rb"[0-9-]+[ \0]*")
_VERSIONS: Final = re.compile(r"\w*Version\w*")

RETAIN_UIDS: Final = "retain_uids"

_SMALL_BYTES: Final = 1 << 16
"""Bytes of a value up to which words of four letters are told from chance."""
_LEAST_PRINTED: Final = 4
_OUR_UIDS: Final = b"2.25."
_LEAST_IN_UID: Final = 7
_TRAILING: Final = re.compile(rb"\.0*$")
# Stays when text is squeezed, so that no hit spans two values.
_BETWEEN: Final = b"\n\xff\n"


class LeakCheck:
    """Compares a result with its original; one object serves any number of instances."""

    def __init__(self) -> None:
        self._reader = IdentifierReader()
        self._excuses = Excuses()

    def check(
        self, original: Dataset, cleaned: Dataset, *, retained: frozenset[str] = frozenset()
    ) -> None:
        """Return if no identifier of `original` stands in `cleaned`; neither is written to.

        Names, numbers, places, dates and UIDs of every depth of the original are
        searched in every value of every depth of the result and in its file
        meta, whatever the case, the separators, the accents and the usual encodings;
        dates in the usual spellings. What is not searched, because it would be
        found everywhere, is written down in docs/metadata.md: parts of names below
        three letters, parts that are words of the trade (HEAD) unless they stand
        beside another part, words of the standard where the standard speaks, short
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
        identifiers = self._reader.read(original, retained)
        all_texts = list(texts_of(cleaned))
        # Items of a multi-frame object repeat each other: the same object is searched once.
        once = {id(text): text for text in all_texts}.values()
        if retained & {FULL, MODIFIED}:
            keyword = wrong_day(identifiers.days, days_of(all_texts), retained)
            if keyword is not None:
                raise IdentifierLeft(keyword)
        texts = [text for text in once if text.bulk or text.stored]
        spoken = [text for text in texts if text.vr not in _BULK_VRS | _BINARY_VRS]
        # One search over all values together; value by value only to name the place.
        if any(_hits(spoken, identifiers, retained)):
            different = {(text.keyword, text.vr, text.stored): text for text in spoken}
            for text in different.values():
                found = set(_hits((text,), identifiers, retained))
                if self._reader.keeps_places(text.keyword, retained):
                    # What the institution is called may be kept here, whatever else is called so.
                    found = {hit for hit in found if hit.kind is not Kind.PLACE}
                if found and not self._excuses.excuse(text.keyword, text.vr, _said(text), found):
                    raise IdentifierLeft(text.keyword)
        _look_at_bytes([text for text in texts if text.vr in _BULK_VRS | _BINARY_VRS], identifiers)


def _look_at_bytes(texts: Iterable[Text], identifiers: Identifiers) -> None:
    small = []
    for text in texts:
        content = text.bulk or text.stored
        if text.keyword in _PIXELS or len(content) > _SMALL_BYTES:
            if is_in_bulk(content, identifiers):
                raise IdentifierLeft(text.keyword)
        elif len(content) >= _LEAST_PRINTED:
            small.append(text)
    if _is_printed(small, identifiers):
        for text in small:
            if _is_printed((text,), identifiers):
                raise IdentifierLeft(text.keyword)


def _is_printed(texts: Iterable[Text], identifiers: Identifiers) -> bool:
    """Return whether what can be read in the bytes of `texts` is a hit."""
    stored = _BETWEEN.join(text.stored for text in texts)
    runs = printed(stored)
    said = [runs] if runs.isascii() else [runs, folded(runs.decode("utf-8", "replace"))]
    dense = squeezed(stored.lower())
    # Letters of UTF-16 that are none of Latin-1 end a run.
    return any(name in dense for name in identifiers.foreign) or any(
        True
        for _ in hits_in(
            _BETWEEN.join(said), identifiers, short_years=False, least_word=_LEAST_PRINTED
        )
    )


def _is_figures(text: Text) -> bool:
    rule = _FIGURES.get(text.vr)
    if rule is not None:
        return rule.fullmatch(text.stored) is not None
    return text.keyword == "CodeValue" and _CODE.fullmatch(text.stored) is not None


def _is_kept(text: Text, retained: frozenset[str]) -> bool:
    """Return whether an option keeps the UIDs or days of `text`; names it does not."""
    if text.vr == "UI":
        return RETAIN_UIDS in retained
    # Its day was looked at by `wrong_day`.
    return bool(retained & {FULL, MODIFIED}) and is_date(text)


def _said(text: Text) -> bytes:
    """Return the bytes, and beside them what they say where that is more than ASCII."""
    if text.stored.isascii() and b"\x1b" not in text.stored:
        return text.stored
    said = [text.stored, text.text.encode("utf-8", "replace"), folded(text.text)]
    # Where nobody declared it, and where another was declared.
    with suppress(UnicodeError):
        said.append(folded(text.stored.decode("utf-8")))
    return _BETWEEN.join(said)


def _hits(
    texts: Iterable[Text], identifiers: Identifiers, retained: frozenset[str]
) -> Iterable[Hit]:
    prose: list[Text] = []
    versions: list[Text] = []
    figures: list[Text] = []
    kept: list[Text] = []
    for text in texts:
        if _is_kept(text, retained):
            kept.append(text)
        elif _is_figures(text):
            figures.append(text)
        else:
            (versions if _VERSIONS.fullmatch(text.keyword) else prose).append(text)
    for some, short_years in ((prose, True), (versions, False)):
        yield from hits_in(_BETWEEN.join(map(_said, some)), identifiers, short_years=short_years)
    said = _BETWEEN.join(map(_said, kept))
    yield from names_in(said, said.lower(), identifiers)
    yield from _in_figures(figures, identifiers)


def _in_figures(texts: Iterable[Text], identifiers: Identifiers) -> Iterable[Hit]:
    """Yield what must stand in no figure: UIDs, and values that wholly are a number or a day."""
    stored = b"\\".join(text.stored for text in texts if text.vr != "UI")
    wanted = identifiers.figures | _as_figures(identifiers)
    # Most values are no number of anybody: look for the digits before values are taken apart.
    if any(figure in stored for figure in wanted):
        values = (value.strip(b" \0+") for value in stored.split(b"\\"))
        whole = {_TRAILING.sub(b"", value).lstrip(b"0") for value in values}
        if not wanted.isdisjoint(whole):
            yield Hit(Kind.NUMBER)
    uids = [uid for text in texts if text.vr == "UI" for uid in UIDS.findall(text.stored)]
    if not identifiers.uids.isdisjoint(uids):
        yield Hit(Kind.UID)
    if not identifiers.uids.isdisjoint(UIDS.findall(stored)):
        yield Hit(Kind.UID)
    digits = [number for number in identifiers.long_numbers | identifiers.cores if number.isdigit()]
    for uid in set(uids):
        # Neither ours nor anybody's whom the standard knows: it may say a telephone number.
        if not uid.startswith(_OUR_UIDS) and uid.decode("ascii") not in UID_dictionary:
            dense = uid.replace(b".", b"")
            if any(len(number) >= _LEAST_IN_UID and number in dense for number in digits):
                yield Hit(Kind.NUMBER)


def _as_figures(identifiers: Identifiers) -> frozenset[bytes]:
    return frozenset(
        spelling
        for day in identifiers.dates
        for spelling in spelt_densely(day)
        if spelling.isdigit()
    )
