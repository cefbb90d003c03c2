"""Reads what the rules ask for out of a dataset, without trusting a byte of it.

pydicom's own decoding is not used for values as sent: it warns instead of
failing, its warnings quote the value, and it guesses a character set. Here a
value either decodes exactly or its keyword is *unreadable*, and then the rules
cannot decide and the instance is withheld.
"""

import codecs
import struct
import warnings
from collections.abc import Iterable
from types import MappingProxyType

from pydicom.charset import decode_bytes, python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from deid_node.values.header import Header

# PS3.5 Table 6.2-1. Text of these takes the Specific Character Set ...
_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
# ... and of these the default repertoire only.
_ASCII = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})
_NUMBERS = MappingProxyType(
    {
        "US": "H",
        "SS": "h",
        "UL": "I",
        "SL": "i",
        "UV": "Q",
        "SV": "q",
        "FL": "f",
        "FD": "d",
        "AT": "HH",
    }
)
# One value each, whatever backslashes stand in it, and leading spaces belong to it.
_PROSE = frozenset({"LT", "ST", "UR", "UT"})

COMPARABLE_VRS = _TEXT | _ASCII | frozenset(_NUMBERS)
"""VRs whose values can be compared with a text of the configuration."""

_ESCAPE = b"\x1b"


def header_of(dataset: Dataset, keywords: Iterable[str]) -> Header:
    """Return the values of `keywords` at the top level of `dataset`.

    Values come without padding, text as text, numbers in decimal. A sequence
    has one value ``item`` an item and an element of bytes one value ``bytes``:
    enough to see that they are present. Attributes of group 0002 are taken from
    the file meta information, if the dataset has one.
    """
    attributes: list[tuple[str, tuple[str, ...]]] = []
    unreadable: set[str] = set()
    encodings = _encodings(dataset)
    for keyword in sorted(set(keywords)):
        tag = tag_for_keyword(keyword)
        if tag is None:
            raise ValueError(f"{keyword} is no DICOM keyword")
        source = getattr(dataset, "file_meta", None) if tag >> 16 == 2 else dataset
        if source is None or tag not in source:
            continue
        try:
            element = source.get_item(tag)
            if isinstance(element, RawDataElement):
                values = _raw_values(element, dictionary_VR(tag), encodings)
            else:
                values = _python_values(element)
        except (ValueError, LookupError, TypeError, AttributeError, struct.error):
            unreadable.add(keyword)
        else:
            attributes.append((keyword, values))
    return Header(tuple(attributes), frozenset(unreadable))


def _raw_values(
    element: RawDataElement, dictionary_vr: str, encodings: tuple[str, ...]
) -> tuple[str, ...]:
    vr = element.VR if element.VR not in {None, "UN"} else dictionary_vr
    value = element.value
    if vr == "SQ":
        return ("item",) if value else ()
    if value is None:
        raise ValueError("the value was left on disk")
    if not value:
        return ()
    if not isinstance(value, bytes):
        raise TypeError("not the bytes as sent")
    if vr in _NUMBERS:
        return _numbers(value, _NUMBERS[vr], little_endian=element.is_little_endian)
    if vr in _ASCII:
        return _split(value.decode("ascii"), vr)
    if vr in _TEXT:
        return _split(_decoded(value, encodings), vr)
    return ("bytes",)


def _python_values(element: DataElement) -> tuple[str, ...]:
    if element.VR == "SQ":
        return ("item",) * len(element.value)
    if element.value is None:
        return ()
    if isinstance(element.value, bytes):
        return ("bytes",) if element.value else ()
    if element.VR == "AT":
        tags = element.value if isinstance(element.value, MultiValue | list) else [element.value]
        return tuple(f"{int(tag):08X}" for tag in tags)
    if isinstance(element.value, MultiValue | list):
        return tuple(str(value).strip(" \0") for value in element.value)
    return _split(str(element.value), element.VR)


def _split(text: str, vr: str) -> tuple[str, ...]:
    if vr in _PROSE:
        prose = text.rstrip(" \0")
        return (prose,) if prose else ()
    values = tuple(value.strip(" \0") for value in text.split("\\"))
    return values if any(values) else ()


def _numbers(value: bytes, code: str, *, little_endian: bool) -> tuple[str, ...]:
    order = "<" if little_endian else ">"
    numbers = struct.iter_unpack(order + code, value)
    if code == "HH":
        return tuple(f"{group:04X}{element:04X}" for group, element in numbers)
    return tuple(f"{number}" for (number,) in numbers)


def _encodings(dataset: Dataset) -> tuple[str, ...]:
    element = dataset.get_item(0x00080005) if 0x00080005 in dataset else None
    if element is None or not element.value:
        return ()
    if isinstance(element.value, bytes):
        terms = element.value.decode("ascii", "replace").split("\\")
    elif isinstance(element.value, str):
        terms = [element.value]
    else:
        terms = [str(term) for term in element.value]
    # An unknown term stands as such: whoever needs it fails at the look-up.
    return tuple(python_encoding.get(term.strip(" \0"), "unknown") for term in terms)


def _decoded(value: bytes, encodings: tuple[str, ...]) -> str:
    if value.isascii() and _ESCAPE not in value:
        return value.decode("ascii")
    if not encodings:
        raise ValueError("text outside the default repertoire, no character set named")
    if _ESCAPE not in value:
        codecs.lookup(encodings[0])
        return value.decode(encodings[0])
    if "unknown" in encodings:
        raise LookupError("a character set that is not known")
    with warnings.catch_warnings():
        # Code extensions (PS3.5 6.1.2.5.3) are pydicom's part; where it would guess, it warns.
        warnings.simplefilter("error")
        try:
            return decode_bytes(value, list(encodings), {0x5C})
        except Warning:
            raise ValueError("code extensions that cannot be decoded") from None
