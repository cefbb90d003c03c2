"""Every value of a dataset as bytes and as text, at every depth, file meta included.

Part of the second look: it reads for itself and trusts no room that wrote. A
value that cannot be decoded still has its bytes.
"""

from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass, field
from typing import Any

from pydicom.charset import decode_bytes
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset

from deid_node.dicom.bulk import Bulk
from deid_node.leaks.items import ItemReader


@dataclass(frozen=True, slots=True)
class Text:
    """One value: where it stands, its VR and its bytes.

    `charsets` are the Python codecs in force where it stands. Pixels that stay in
    their file are in `bulk`, and `stored` is empty.
    """

    keyword: str
    vr: str
    stored: bytes = field(repr=False)
    charsets: tuple[str, ...]
    bulk: Bulk | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """What the bytes say, decoded anew at each call; Latin-1 where nothing else fits."""
        if b"\x1b" in self.stored:
            try:
                return decode_bytes(self.stored, self.charsets, set()).rstrip("\0 ")
            except (UnicodeError, LookupError, Warning):
                return self.stored.decode("latin-1")
        for codec in self.charsets:
            try:
                return self.stored.decode(codec).rstrip("\0 ")
            except (UnicodeError, LookupError):
                continue
        return self.stored.decode("latin-1").rstrip("\0 ")


def texts_of(dataset: Dataset) -> Iterator[Text]:
    """Yield every value that is not a sequence; `dataset` is not written to.

    A sequence whose items cannot be read is yielded as one run of bytes. Values of
    items that come again, byte for byte, are yielded again as the same object.
    """
    readers: _Readers = {}
    meta = getattr(dataset, "file_meta", None)
    if meta is not None:
        yield from _level(meta, ("latin-1",), readers)
    yield from _level(dataset, ("latin-1",), readers)


_Readers = dict[tuple[bool, bool, tuple[str, ...]], ItemReader[Text]]


def _level(dataset: Dataset, inherited: tuple[str, ...], readers: _Readers) -> Iterator[Text]:
    charsets = _charsets(dataset) or inherited
    # As plain numbers: a tag of the library compares itself in Python.
    for tag in sorted(dataset.keys(), key=int):
        element: DataElement | RawDataElement = dataset.get_item(tag, keep_deferred=True)
        if element.value is None and not (isinstance(element, RawDataElement) and element.length):
            continue
        if element.value is None:
            element = dataset.get_item(tag)
        keyword, vr = _kind(tag, element.VR)
        if isinstance(element.value, Bulk):
            yield Text(keyword, vr, b"", charsets, element.value)
            continue
        if vr != "SQ":
            yield Text(keyword, vr, _stored(element.value, charsets), charsets)
            continue
        plain = _plain(element, charsets, readers)
        if plain is not None:
            yield from plain
            continue
        items = _items(element, dataset)
        if items is None:
            yield Text(keyword, vr, _stored(element.value, charsets), charsets)
            continue
        for item in items:
            yield from _level(item, charsets, readers)


def _plain(
    element: DataElement | RawDataElement, charsets: tuple[str, ...], readers: _Readers
) -> list[Text] | None:
    if not isinstance(element, RawDataElement) or element.VR == "UN" or not element.value:
        return None
    encoding = (element.is_implicit_VR, element.is_little_endian, charsets)
    reader = readers.get(encoding)
    if reader is None:
        reader = readers[encoding] = ItemReader(
            _kind,
            lambda keyword, vr, stored: Text(keyword, vr, stored, charsets),
            implicit=element.is_implicit_VR,
            little=element.is_little_endian,
        )
    return reader.values(element.value)


def _charsets(dataset: Dataset) -> tuple[str, ...]:
    charset = dataset.original_character_set
    if isinstance(charset, str):
        return (charset,) if charset else ()
    return tuple(codec for codec in charset if codec)


def _kind(tag: int, sent: str | None) -> tuple[str, str]:
    """Return the keyword and the VR of an element that was sent with the VR `sent`."""
    # Private elements are not in the dictionary, and the library takes long to say so.
    is_private = bool(tag >> 16 & 1)
    keyword = "" if is_private else keyword_for_tag(tag)
    vr = sent
    if not vr or vr == "UN":
        try:
            vr = "UN" if is_private else dictionary_VR(tag)
        except KeyError:
            vr = "UN"
    vr = str(vr).split(" or ", maxsplit=1)[0]
    return keyword or f"({int(tag) >> 16:04X},{int(tag) & 0xFFFF:04X})", vr


def _items(element: DataElement | RawDataElement, parent: Dataset) -> list[Dataset] | None:
    if isinstance(element, DataElement):
        return list(element.value or ())
    raw = element._replace(VR="SQ")
    if element.VR == "UN":
        raw = raw._replace(is_implicit_VR=True, is_little_endian=True)
    try:
        return list(
            convert_raw_data_element(
                raw, encoding=parent.original_character_set or None, ds=parent
            ).value
            or ()
        )
    except Exception:  # noqa: BLE001  # whatever pydicom raises, the bytes are looked at instead
        return None


def _stored(value: Any, charsets: tuple[str, ...]) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, MutableSequence):
        text = "\\".join(str(part) for part in value)
    else:
        text = str(value)
    for codec in charsets:
        try:
            return text.encode(codec)
        except (UnicodeError, LookupError):
            continue
    return text.encode("utf-8", "replace")
