"""What an instance says, whatever the transfer syntax it is written in.

Two files have the same checksum of content when their elements have the same values and
their frames decode to the same samples. How sequences are delimited, how planes are
ordered and how colour was transformed for a codec is no content. Where it cannot be told
there is no checksum, and two instances without one are never the same.
"""

import hashlib
import struct
from typing import Final, cast

from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import BaseTag

from deid_node.dicom.large import Items
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword

_PIXELS: Final = frozenset({0x7FE00001, 0x7FE00002, 0x7FE00003, 0x7FE00008, 0x7FE00009, 0x7FE00010})
_PADDING: Final = 0xFFFCFFFC
_PHOTOMETRIC: Final = 0x00280004
_PLANAR: Final = 0x00280006
_HEADER_BYTES: Final = 8


def content_sha256(dataset: Dataset) -> str | None:
    """Return the checksum of what `dataset` says, as it was read; None where none can be made.

    Every frame is decoded once. Raises `MemoryError`.
    """
    digest = hashlib.sha256()
    try:
        keyword = pixel_keyword(dataset)
        _add_elements(digest, dataset, has_frames=keyword is not None)
        if keyword is not None:
            frames = Frames(dataset, keyword)
            layout = frames.layout
            shape = (len(frames), *layout.shape, layout.photometric)
            digest.update(repr(shape).encode())
            for words in frames:
                digest.update(values_of(words, layout).tobytes())
    except MemoryError:
        raise
    # Without it nothing is lost: the instance is in conflict where it would have been a repeat.
    except Exception:  # noqa: BLE001
        return None
    return digest.hexdigest()


def _add_elements(digest: "hashlib._Hash", dataset: Dataset, *, has_frames: bool) -> None:
    # `items` gives the elements as they were read; the library's own annotation leaves that out.
    for tag, element in sorted(cast("Items", dataset.items()), key=lambda item: item[0]):
        if tag.element == 0 or tag == _PADDING:
            continue
        if has_frames and (tag in _PIXELS or tag in {_PHOTOMETRIC, _PLANAR}):
            continue
        digest.update(struct.pack("<HH", tag.group, tag.element))
        if _vr_of(tag, element) == "SQ":
            items = dataset[tag].value or ()
            digest.update(b"SQ" + struct.pack("<Q", len(items)))
            for item in items:
                _add_elements(digest, item, has_frames=False)
                digest.update(b"end of item")
            continue
        value = _value(dataset, tag)
        digest.update(struct.pack("<Q", len(value)))
        digest.update(value)


def _vr_of(tag: BaseTag, element: object) -> str:
    vr = getattr(element, "VR", None)
    if vr is None:
        return dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"
    return str(vr)


def _value(dataset: Dataset, tag: BaseTag) -> bytes:
    """Return the bytes of the value, little-endian; as they came where they came so."""
    # As it was read; the library's own annotation leaves that out.
    element: object = dataset.get_item(tag)
    if isinstance(element, RawDataElement) and element.is_little_endian:
        return bytes(element.value or b"")
    file = DicomBytesIO()
    file.is_little_endian = file.is_implicit_VR = True
    encodings = convert_encodings(dataset.original_character_set or "iso8859")
    write_data_element(file, dataset[tag], encodings)
    return file.getvalue()[_HEADER_BYTES:]
