"""What the scanner of the crash tests sends: small real files, a canary in each.

Instances of one file differ in their UID alone; a siege may send a hundred thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID
from pynetdicom.dsutils import encode

FILES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "rtplan.dcm",
    "rtdose_1frame.dcm",
    "MR_small_implicit.dcm",
)
NEEDLES = (b"XAVERKANARI", b"QWX-4711-KANARI", b"KANARIHOSPITAL", b"19330517")
"""What must never be seen again."""

_LARGEST = 999_999


@dataclass(frozen=True)
class Parcel:
    """One instance as the scanner holds it."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str
    dataset: bytes


def parcels(count: int, *, start: int = 0) -> Sequence[Parcel]:
    """Return `count` instances; the same numbers give the same bytes."""
    return [_parcel(number) for number in range(start, start + count)]


def _parcel(number: int) -> Parcel:
    made = _of_file(FILES[number % len(FILES)])
    uid = uid_of(number)
    return replace(
        made,
        sop_instance_uid=uid,
        dataset=made.dataset.replace(made.sop_instance_uid.encode(), uid.encode()),
    )


@cache
def _of_file(name: str) -> Parcel:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    dataset = dcmread(path)
    uid = UID(uid_of(_LARGEST))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    dataset.PatientName = "XAVERKANARI^Quax"
    dataset.PatientID = "QWX-4711-KANARI"
    dataset.PatientBirthDate = "19330517"
    dataset.InstitutionName = "KANARIHOSPITAL"
    dataset.StudyDescription = "Control of XAVERKANARI"
    syntax = dataset.file_meta.TransferSyntaxUID
    content = encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian)
    assert content is not None
    return Parcel(str(dataset.SOPClassUID), uid, str(syntax), content)


def uid_of(number: int) -> str:
    """Return the UID of an instance; all have one length."""
    assert number <= _LARGEST
    return f"1.2.826.0.1.3680043.8.498.77{number:06}"
