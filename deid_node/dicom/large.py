"""What the library left in the file because it is large: pixels stay there, the rest is read.

A length in a file may lie, and the library skips a value without looking whether
there is any: whether it is all there is checked here.
"""

import io
import struct
from collections.abc import ItemsView
from typing import Final, TypeAlias, cast

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.fileutil import read_undefined_length_value
from pydicom.tag import BaseTag, SequenceDelimiterTag

from deid_node.dicom.bulk import Bulk, Content
from deid_node.errors import MalformedDataset

Items: TypeAlias = ItemsView[BaseTag, DataElement | RawDataElement]

_PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_PIXEL_VRS: Final = frozenset({"OB", "OD", "OF", "OW"})
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = b"\xfe\xff\x00\xe0"
_END: Final = b"\xfe\xff\xdd\xe0"
_HEADER_BYTES: Final = 8


def settle_large(dataset: Dataset, content: Content) -> None:
    """Give every element of `dataset` that has no value yet the one that lies in `content`.

    Only the uppermost level has such elements. Pixels become a `Bulk`, anything else bytes.

    Raises
    ------
    MalformedDataset
        A value is longer than what is there.
    """
    if not isinstance(content, Bulk):
        return
    # `items` gives the elements as they were read; the library's own annotation leaves that out.
    for tag, element in tuple(cast("Items", dataset.items())):
        if isinstance(element, RawDataElement) and element.value is None and element.length:
            dataset[tag] = _settled(element, content)


def _settled(element: RawDataElement, file: Bulk) -> DataElement | RawDataElement:
    start = element.value_tell
    if element.length == _UNDEFINED:
        length = _length_of_items(file, start) if element.is_little_endian else None
        if length is None:
            return element._replace(value=_up_to_the_end(element, file))
    else:
        length = element.length
        if start + length > len(file):
            raise MalformedDataset("the file breaks off inside a value")
    vr = element.VR or _implicit_vr(element)
    if element.tag not in _PIXELS or vr not in _PIXEL_VRS:
        return element._replace(value=file[start : start + length])
    return DataElement(
        element.tag,
        vr,
        file.within(start, length),
        is_undefined_length=element.length == _UNDEFINED,
    )


def _implicit_vr(element: RawDataElement) -> str:
    """Return the VR of pixels where none is written (PS3.5 A.1: always the one of words)."""
    return "OW" if element.tag == 0x7FE00010 else str(dictionary_VR(element.tag))


def _length_of_items(file: Bulk, start: int) -> int | None:
    """Return how long the items from `start` on are; None where they are no run of items."""
    place = start
    while place + _HEADER_BYTES <= len(file):
        header = file[place : place + _HEADER_BYTES]
        if header[:4] == _END:
            return place - start
        if header[:4] != _ITEM:
            return None
        (length,) = struct.unpack("<L", header[4:])
        place += _HEADER_BYTES + length
    return None


def _up_to_the_end(element: RawDataElement, file: Bulk) -> bytes:
    """Return what the library takes for the value: everything up to the first delimiter."""
    reader = io.BytesIO(file[element.value_tell :])
    found = read_undefined_length_value(reader, element.is_little_endian, SequenceDelimiterTag)
    return found or b""
