"""Which study, series and patient an encoded dataset names, read from its first elements only."""

import io
import zlib
from dataclasses import dataclass, field
from typing import Final

from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from deid_node.dicom.elements import coding_of
from deid_node.dicom.tag_order import Walker
from deid_node.errors import MalformedDataset

_STUDY_INSTANCE_UID: Final = Tag(0x0020, 0x000D)
_PATIENT_ID: Final = Tag(0x0010, 0x0020)
_SERIES_INSTANCE_UID: Final = Tag(0x0020, 0x000E)
_INFLATED_BYTES: Final = 1 << 20
_LONGEST_UID: Final = 128
"""Twice what the Standard allows: what is longer names nothing."""


@dataclass(frozen=True, slots=True)
class OriginalStudy:
    """Identifiers as they were sent; empty where there are none."""

    study_instance_uid: str = field(repr=False)
    patient_id: str = field(repr=False)


def original_study(dataset: bytes, transfer_syntax: str) -> OriginalStudy:
    """Return what `dataset`, encoded in `transfer_syntax`, says of study and patient.

    A dataset that cannot be read so far has neither. Nothing behind (0020,000D) is
    looked at.
    """
    try:
        if transfer_syntax == DeflatedExplicitVRLittleEndian:
            dataset = zlib.decompressobj(-zlib.MAX_WBITS).decompress(dataset, _INFLATED_BYTES)
        found = read_dataset(
            io.BytesIO(dataset),
            is_implicit_VR=transfer_syntax == ImplicitVRLittleEndian,
            is_little_endian=transfer_syntax != ExplicitVRBigEndian,
            stop_when=_is_behind,
            specific_tags=[_STUDY_INSTANCE_UID, _PATIENT_ID],
        )
        study, patient = (
            str(found[tag].value or "").strip("\x00 ") if tag in found else ""
            for tag in (_STUDY_INSTANCE_UID, _PATIENT_ID)
        )
    # Anything may come out of a broken dataset; the worker will say what is wrong with it.
    except Exception:  # noqa: BLE001
        return OriginalStudy("", "")
    return OriginalStudy(study, patient)


def _is_behind(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return bool(tag > _STUDY_INSTANCE_UID)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The Study and Series Instance UID as they were sent; empty where there are none."""

    study_instance_uid: str = field(default="", repr=False)
    series_instance_uid: str = field(default="", repr=False)


def lineage_of(dataset: bytes, transfer_syntax: str) -> Lineage:
    """Return to which study and series `dataset`, encoded in `transfer_syntax`, says it belongs.

    It may break off anywhere: what stands before counts. Nothing behind (0020,000E) is
    looked at, and no value but these two is decoded.
    """
    found = {_STUDY_INSTANCE_UID: "", _SERIES_INSTANCE_UID: ""}
    try:
        if transfer_syntax == DeflatedExplicitVRLittleEndian:
            dataset = zlib.decompressobj(-zlib.MAX_WBITS).decompress(dataset, _INFLATED_BYTES)
        for element in Walker(dataset, tolerant=True).elements_of(coding_of(transfer_syntax)):
            if element.tag > _SERIES_INSTANCE_UID:
                break
            if element.tag in found and element.stop - element.start <= _LONGEST_UID:
                value = dataset[element.start : element.stop].decode("ascii")
                found[Tag(element.tag)] = value.strip("\x00 ")
    # The worker says what is wrong with it.
    except (MalformedDataset, UnicodeDecodeError, zlib.error):
        pass
    return Lineage(found[_STUDY_INSTANCE_UID], found[_SERIES_INSTANCE_UID])
