"""The last gate before a value is written to the log: it has the shape of its kind, or it is gone.

A value that does not fit is replaced as a whole, not repaired: half a patient's
name is still a patient's name. This is the second net. The first is that no room
hands a patient value to the log at all.
"""

import math
import re
from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final, TypeAlias

from deid_node.observe.fields import Kind

Loggable: TypeAlias = str | int | float | bool

UNSAFE: Final = "unsafe_value"
"""Stands where a value did not have the shape of its kind."""

MASK: Final = "*"
LONGEST_TEXT: Final = 240

_PATTERNS: Final[Mapping[Kind, re.Pattern[str]]] = MappingProxyType(
    {
        # An instance id, or anything else of letters and digits that cannot be a date.
        Kind.TOKEN: re.compile(
            r"[0-9a-f]{16}|(?=.*[a-f])[0-9a-f-]{1,40}|(?=.*[a-z])(?=.*[0-9])[0-9a-z-]{1,40}"
        ),
        Kind.NAME: re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_.-]{1,64}"),
        Kind.CODE: re.compile(r"[a-z][a-z0-9_]{0,47}"),
        # 0.1.0rc1, 2026c, crnn-0.1.0; no more numbers in a row than a version has.
        Kind.VERSION: re.compile(
            r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}(\.?[a-z+-][a-z0-9.+-]{0,39})?"
            r"|[0-9]{4}[a-z]|[A-Za-z][A-Za-z0-9_.+:-]{0,79}"
        ),
        Kind.TITLE: re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_.-]{1,16}"),
        Kind.STANDARD_UID: re.compile(r"1\.2\.840\.10008\.[0-9.]{1,40}"),
    }
)

_LOOKS_LIKE_A_VALUE: Final = re.compile(
    r"""
      "[^"]*"                    # what a library quotes
    | (?<!\w)'[^']*'             # but not the apostrophe in a word
    | \S*\^\S*                   # a person's name in DICOM
    | \d+(?:[./:-]\d+){2,}       # a UID, a date, an address
    | \d{6,}                     # a date, a time, an id
    """,
    re.VERBOSE,
)


def safe_value(kind: Kind, value: object) -> Loggable:
    """Return `value` as it may be written, or `UNSAFE` where it has not the shape of `kind`."""
    match kind:
        case Kind.FLAG:
            return value if isinstance(value, bool) else UNSAFE
        case Kind.COUNT:
            return _count(value)
        case Kind.STATUS:
            count = _count(value)
            return f"0x{count:04X}" if isinstance(count, int) and count <= 0xFFFF else UNSAFE
        case Kind.NUMBER:
            return _number(value)
        case Kind.TEXT:
            return safe_text(value) if isinstance(value, str) else UNSAFE
        case Kind.ADDRESS:
            return _address(value)
        case _:
            fits = isinstance(value, str) and _PATTERNS[kind].fullmatch(value)
            return str(value) if fits else UNSAFE


def safe_text(text: str) -> str:
    """Return `text` in printable ASCII, what looks like a value masked, cut at a bound.

    Only the text of our own errors is handed in; they name attributes and quote
    nothing. The mask is for the day when one of them forgets that.
    """
    masked = _LOOKS_LIKE_A_VALUE.sub(MASK, text)
    printable = "".join(c if " " <= c <= "~" else " " for c in masked)
    return printable[:LONGEST_TEXT]


def _address(value: object) -> str:
    try:
        return str(ip_address(value)) if isinstance(value, str) else UNSAFE
    except ValueError:
        return UNSAFE


def _count(value: object) -> int | str:
    """Return a whole number, zero or more (True is a flag, not the number one)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return int(value)
    return UNSAFE


def _number(value: object) -> float | str:
    """Return a finite number with microseconds kept and the noise behind them dropped."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return round(float(value), 6)
    return UNSAFE
