"""Elements as they lie in the file: tag, VR, bytes, items; nothing decoded in passing.

pydicom decodes an element when it is asked for its value, keeps the result in
the dataset, and complains when it cannot. Here nothing is kept, so the argument
stays as it was, and a value that cannot be decoded is still a run of bytes.
"""

from collections.abc import Iterator, MutableSequence, Sequence
from decimal import Decimal

from pydicom.charset import decode_bytes, default_encoding
from pydicom.datadict import dictionary_has_tag, dictionary_VR, repeater_has_tag
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

from deid_node.errors import MalformedDataset

Stored = DataElement | RawDataElement
Charset = str | MutableSequence[str]

_PADDING = b"\0 "
_SEPARATOR = "\\"
_IMPLICIT_HEADER_BYTES = 8
_TEXT_VRS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_PADDED_VRS = _TEXT_VRS | {"PN"}


def elements_of(dataset: Dataset) -> Iterator[Stored]:
    """Yield the elements of one level in order of their tags, undecoded where they are."""
    # As plain numbers: a tag of the library compares itself in Python.
    for tag in sorted(dataset.keys(), key=int):
        element = element_at(dataset, tag)
        if element is not None:
            yield element


def element_at(dataset: Dataset, tag: int) -> Stored | None:
    """Return the element of `tag` at this level as it lies there, or None."""
    if tag not in dataset:
        return None
    element: Stored = dataset.get_item(tag, keep_deferred=True)
    if isinstance(element, RawDataElement) and element.value is None:
        # No value at all, or one that still lies in the file because it is large.
        return element._replace(value=b"") if element.length == 0 else dataset.get_item(tag)
    return element


def vr_of(element: Stored) -> str:
    """Return the VR as sent, or the dictionary's where none was sent, or UN."""
    vr = element.VR
    if vr is None or vr == "UN":
        tag = int(element.tag)
        # The masks of repeating groups fit private groups too: (7FE1,0010) is nobody's pixels.
        is_private = bool(tag >> 16 & 1)
        if is_private or not (dictionary_has_tag(tag) or repeater_has_tag(tag)):
            return "UN"
        vr = dictionary_VR(tag)
    return str(vr).split(" or ", maxsplit=1)[0]


def is_empty(element: Stored, vr: str | None = None) -> bool:
    """Return whether the element has no value.

    Blanks and zero bytes pad a text, so a text of nothing else is none. In a
    number and in bytes they are the value: zero, or 0x2020.

    Parameters
    ----------
    element
        Any element; a sequence is empty where it has no item.
    vr
        What the element is, where its tag does not tell (private elements).

    Source
    ------
    PS3.5 6.2 (padding by VR).
    """
    if isinstance(element, RawDataElement):
        pads = (vr or vr_of(element)) in _PADDED_VRS
        return not (element.value.strip(_PADDING) if pads and element.value else element.value)
    return element.is_empty


def text_of(element: Stored, parent: Dataset) -> str:
    """Return the value as text without padding, for keys of pseudonyms.

    The same text comes back whether or not `element` was decoded before. Bytes
    that the character set of `parent` cannot explain are read as Latin-1: every
    byte counts, and nothing can fail.
    """
    value = element.value
    if isinstance(value, bytes):
        return _decoded(value.strip(_PADDING), parent.original_character_set)
    if value is None:
        return ""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return str(value).strip("\0 ")
    return "\\".join(str(part) for part in value).strip("\0 ")


def _decoded(value: bytes, charset: str | Sequence[str]) -> str:
    codecs = [charset] if isinstance(charset, str) else list(charset)
    try:
        if b"\x1b" in value:
            return decode_bytes(value, codecs, set())
        return value.decode(codecs[0] if codecs and codecs[0] else "latin-1")
    except (LookupError, UnicodeError, Warning):
        return value.decode("latin-1")


def items_of(element: Stored, parent: Dataset) -> Sequence[Dataset]:
    """Return the items of a sequence; `parent` is not written to.

    Raises
    ------
    MalformedDataset
        The bytes cannot be taken apart into items.
    """
    if isinstance(element, RawDataElement):
        raw = element._replace(VR="SQ")
        if element.VR == "UN":  # PS3.5 6.2.2, note 2: its items are Implicit VR Little Endian
            raw = raw._replace(is_implicit_VR=True, is_little_endian=True)
        charset = parent.original_character_set or None
        try:
            element = convert_raw_data_element(raw, encoding=charset, ds=parent)
        except Exception:  # noqa: BLE001  # pydicom raises of every kind, and quotes values
            raise MalformedDataset(
                f"the items of ({element.tag >> 16:04X},{element.tag & 0xFFFF:04X}) cannot be read"
            ) from None
    value: Sequence[Dataset] = element.value or ()
    return value


def carried(element: Stored) -> Stored:
    """Return `element` as bytes, or an element of our own around the same value, not copied."""
    if isinstance(element, RawDataElement):
        return element
    return DataElement(
        element.tag,
        element.VR,
        element.value,
        is_undefined_length=element.is_undefined_length,
        already_converted=True,
    )


def encoded(element: DataElement, *, little: bool, charset: Charset) -> bytes:
    """Return the bytes of an element of ours as they stand in a file, padded.

    Source
    ------
    PS3.5 6.2 (padding), 7.1.1.
    """
    if element.is_empty:
        return b""
    if element.VR in _TEXT_VRS and element.VR != "PN":
        value = element.value
        # A number of one value is no sequence.
        parts = (value,) if isinstance(value, str | int | float | Decimal) else value
        text = _SEPARATOR.join(str(part) for part in parts)
        if text.isascii():
            padding = "\0" if element.VR == "UI" else " "
            return (text + padding * (len(text) % 2)).encode("ascii")
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = little, True
    codecs = charset if isinstance(charset, str) else list(charset)
    write_data_element(buffer, element, codecs or default_encoding)
    return bytes(buffer.getvalue()[_IMPLICIT_HEADER_BYTES:])


def encoding_of(elements: Sequence[Stored], dataset: Dataset) -> tuple[bool | None, bool | None]:
    """Return (implicit VR, little endian) as the bytes are, whatever the transfer syntax says.

    The writer carries bytes over where they fit what is written, and encodes
    them anew where they do not.
    """
    for element in elements:
        if isinstance(element, RawDataElement):
            return element.is_implicit_VR, element.is_little_endian
    implicit, little = dataset.original_encoding
    return implicit, little
