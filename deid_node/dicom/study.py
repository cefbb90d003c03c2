"""Which study and patient an encoded dataset names, read from its first elements only."""

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

_STUDY_INSTANCE_UID: Final = Tag(0x0020, 0x000D)
_PATIENT_ID: Final = Tag(0x0010, 0x0020)
_INFLATED_BYTES: Final = 1 << 20


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
