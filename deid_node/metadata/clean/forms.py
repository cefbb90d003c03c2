"""Whether a value that a plan keeps is written as its VR has it.

A plan keeps an attribute because of what it should hold. What a sender put there
may be anything: a name behind a number, behind a NUL, in the bytes of a float.
Where the form is broken the value counts as text, and a plan keeps no text.
"""

import re
from typing import Final

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import keyword_for_tag

from deid_node.metadata.clean.said import says_something
from deid_node.metadata.clean.vocabulary import Vocabulary
from deid_node.metadata.clean.wordings import Wordings
from deid_node.metadata.encoding import dates
from deid_node.metadata.plan.policy import TEXT_VRS

_PADDING: Final = b"\0 "
_SINGLE_VRS: Final = frozenset({"LT", "ST", "UR", "UT"})
_STRINGS: Final = TEXT_VRS | {"AS", "CS", "DA", "DS", "DT", "IS", "PN", "TM", "UI"}
_ARE_PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
# A profile names its maker and what it is for; who is looked for there, the second look says.
_PROFILE: Final = 0x00282000
_PROFILE_SIGNATURE: Final = (36, b"acsp")  # ICC.1, profile header
_LOOKED_AT_BYTES: Final = 1 << 22
_REMEMBERED_BYTES: Final = 64
_REMEMBERED: Final = 1 << 15

# Longer than PS3.5 has it, as printing a float makes it: digits behind the point tell nobody.
_DECIMAL: Final = re.compile(
    rb" *(?:[+-]?(?:0*[0-9]{1,10}(?:\.[0-9]{0,24})?|\.[0-9]{1,24})(?:[eE][+-]?[0-9]{1,3})?"
    rb"|[+-]?nan|[+-]?inf|-?1\.#(?:IND|INF|QNAN)0*)? *\0*",
    re.IGNORECASE,
)
_INTEGER: Final = re.compile(rb" *(?:[+-]?0*[0-9]{1,10}(?:\.0*)?)? *\0*")
# Signs that senders put between words as well; a name in capitals is well-formed anyway.
_CODE_STRING: Final = re.compile(rb"[A-Z0-9 _+\-/.*#&():]{0,18}\0*")
# A day, a telephone, an identifier: no code has so many figures but those of the standards,
# and round ones (100000 in an Image Type).
_NUMBERED: Final = re.compile(
    rb".*(?:[0-9]{4,}(?!00)[0-9]{2}(?![0-9])"
    rb"|(?<![0-9])[0-9]{1,2}([-./ ])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})(?![0-9]))"
)
_FIGURES: Final = re.compile(rb"[0-9]")
_MOST_FIGURES: Final = 6
_OF_A_STANDARD: Final = re.compile(rb"(?:ISO|ITU|IEC|IEEE)[A-Z0-9_ .-]*")
_AGE: Final = re.compile(r"[0-9]{3}[DWMY]")

# Classes, syntaxes, context groups and schemes that an edition newer than the library's may have.
_OF_THE_STANDARD: Final = re.compile(
    r"1\.2\.840\.10008\.(?:1\.2(?:\.[0-9]{1,2}){0,2}|5\.1\.4(?:\.[0-9]{1,3}){1,6}"
    r"|1(?:\.[0-9]{1,3}){1,3}|6\.1\.[0-9]{1,4}|2\.(?:6|16)\.[0-9]{1,2})"
)
_OF_SCHEMES: Final = re.compile(
    r"2\.16\.840\.1\.113883\.(?:6\.[0-9]{1,3}|3\.26\.1\.[0-9]|3\.7[0-9]{1,2}(?:\.[0-9]{1,2}){0,5})"
)


class Forms:
    """Judges values by their VR; one object serves any number of instances.

    Nothing of a value is kept but whether short ones, which come again in every
    frame, are written well.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._wordings = Wordings(vocabulary)
        self._known: dict[tuple[int, str, bytes], bool] = {}

    def fits(self, tag: int, vr: str, stored: bytes, *, little: bool = True) -> bool:
        """Return whether the bytes of a kept value, as they lie in the file, may stay.

        Text that is not ASCII is not judged here: `misfits` does, decoded.

        Parameters
        ----------
        tag, vr
            The attribute, and the VR by which it is read.
        stored
            The value, padding included.
        little
            How numbers are encoded.

        Source
        ------
        PS3.5 6.2 (what each VR may hold); 9.1 (UIDs).
        """
        if len(stored) > _REMEMBERED_BYTES:
            return self._judged(tag, vr, stored, little=little)
        key = (tag, vr, stored)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._judged(tag, vr, stored, little=little)
        return known

    def misfits(self, tag: int, vr: str, text: str) -> list[int]:
        """Return which values of `text`, decoded and of a VR that is a string, may not stay.

        They count from 0. Behind a NUL nothing but padding may stand: see `without_tails`.
        """
        keyword = keyword_for_tag(tag)
        return [
            at
            for at, value in enumerate(values_of(text, vr))
            if "\0" in value.rstrip("\0 ") or not self._fits_value(vr, keyword, value.strip("\0 "))
        ]

    def _judged(self, tag: int, vr: str, stored: bytes, *, little: bool) -> bool:
        if tag in _ARE_PIXELS or not stored:
            return True
        at, signature = _PROFILE_SIGNATURE
        if tag == _PROFILE and stored[at : at + len(signature)] == signature:
            return True
        if vr not in _STRINGS:
            return not says_something(vr, stored[:_LOOKED_AT_BYTES], little=little)
        if not stored.isascii() or b"\x1b" in stored:
            return False
        return not self.misfits(tag, vr, stored.decode("ascii"))

    def _fits_value(self, vr: str, keyword: str, value: str) -> bool:
        match vr:
            case "DS":
                return _matches(_DECIMAL, value)
            case "IS":
                return _matches(_INTEGER, value)
            case "UI":
                return not value or names_a_kind(value)
            case "AS":
                return not value or _AGE.fullmatch(value) is not None
            case "DA" | "DT" | "TM":
                return not value or dates.checked(value, vr) is not None
            case "CS":
                if _matches(_CODE_STRING, value):
                    return not _is_numbered(value) and self._wordings.fits(value, keyword)
                return value.isprintable() and self._wordings.is_term(value)
            case _:
                return self._wordings.fits(value, keyword)


def without_tails(text: str, vr: str) -> str:
    """Return `text` with each value cut at its first NUL: a reader in C sees no more of it."""
    return "\\".join(value.split("\0", 1)[0] for value in values_of(text, vr))


def values_of(text: str, vr: str) -> list[str]:
    """Return the values of `text`; in the long texts a backslash is a character like any other."""
    return [text] if vr in _SINGLE_VRS else text.split("\\")


def names_a_kind(uid: str) -> bool:
    """Return whether the standard registers `uid`, or could: it names no instance and nobody.

    Source
    ------
    PS3.6 Annex A; PS3.16 8.2 (coding schemes).
    """
    return (
        uid in UID_dictionary
        or _OF_THE_STANDARD.fullmatch(uid) is not None
        or _OF_SCHEMES.fullmatch(uid) is not None
    )


def _matches(rule: re.Pattern[bytes], value: str) -> bool:
    return value.isascii() and rule.fullmatch(value.encode("ascii")) is not None


def _is_numbered(code: str) -> bool:
    """Return whether a code string has the figures of somebody's number or day."""
    said = code.encode("ascii")
    if _OF_A_STANDARD.fullmatch(said) is not None:
        return False
    return len(_FIGURES.findall(said)) > _MOST_FIGURES or _NUMBERED.match(said) is not None
