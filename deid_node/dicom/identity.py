"""Which object a data set is, told by its first bytes and by the whole of it.

The command, the file meta information, the data set and the journal each name an
object. Where they differ, an archive could file one instance under the name of
another.
"""

import zlib
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from deid_node.dicom.elements import coding_of
from deid_node.dicom.tag_order import Walker
from deid_node.errors import DatasetMismatch, DatasetUnreadable, MalformedDataset

_SOP_CLASS_UID: Final = 0x00080016
_SOP_INSTANCE_UID: Final = 0x00080018
_INFLATED_BYTES: Final = 1 << 20


def require_identity(
    dataset: bytes, *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str
) -> None:
    """Check that an encoded dataset is the object that the C-STORE command names.

    Only the first elements are read; nothing else is decoded. One that names two objects
    is taken where the command names either of them: it is withheld later, for a person to see.

    Raises
    ------
    DatasetMismatch
        It is another object (PS3.4 B.2.3, status A900).
    DatasetUnreadable
        The first elements cannot be parsed, or name no object (status C000).
    """
    classes, instances = _named_in(dataset, transfer_syntax)
    if not classes or not instances:
        raise DatasetUnreadable("the dataset names no SOP Class or SOP Instance UID")
    if sop_class_uid not in classes or sop_instance_uid not in instances:
        raise DatasetMismatch("the dataset is not the object that the command names")


def require_one_identity(dataset: Dataset, *, sop_instance_uid: str) -> None:
    """Check that `dataset` and its file meta information name one object, `sop_instance_uid`.

    Raises
    ------
    MalformedDataset
        One of them names another, or none.
    """
    meta = dataset.file_meta
    if {_uid(dataset, "SOPInstanceUID"), _uid(meta, "MediaStorageSOPInstanceUID")} != {
        sop_instance_uid
    }:
        raise MalformedDataset("SOPInstanceUID is not that of the command and the file")
    sop_class_uid = _uid(dataset, "SOPClassUID")
    if sop_class_uid is None or sop_class_uid != _uid(meta, "MediaStorageSOPClassUID"):
        raise MalformedDataset("SOPClassUID is not that of the command and the file")


def _named_in(content: bytes, transfer_syntax: str) -> tuple[set[str], set[str]]:
    """Return the SOP Class UIDs and the SOP Instance UIDs at the beginning of a dataset."""
    found: dict[int, set[str]] = {_SOP_CLASS_UID: set(), _SOP_INSTANCE_UID: set()}
    try:
        if transfer_syntax == DeflatedExplicitVRLittleEndian:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, _INFLATED_BYTES)
        walker = Walker(content, tolerant=True)
        for element in walker.elements_of(coding_of(transfer_syntax)):
            if element.tag > _SOP_INSTANCE_UID and all(found.values()):
                break
            if element.tag in found:
                value = content[element.start : element.stop].decode("ascii").strip("\x00 ")
                found[element.tag] |= {value} - {""}
    # What has been found holds; where it breaks off is looked at later.
    except (MalformedDataset, UnicodeDecodeError, zlib.error):
        pass
    return found[_SOP_CLASS_UID], found[_SOP_INSTANCE_UID]


def _uid(dataset: Dataset, keyword: str) -> str | None:
    if keyword not in dataset:
        return None
    return str(dataset[keyword].value or "").strip("\x00 ") or None
