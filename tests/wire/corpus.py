"""Every file of the installed pydicom and of the shared zoo, ready to be sent.

A sender can send what names itself: a dataset with a SOP Class and a SOP
Instance UID behind readable File Meta Information. The other files cannot come
over the wire; `unsendable` lists them, and the offline command has to cope.

Many files are one instance in several encodings, with one SOP Instance UID.
So that each walks the corridor, all but the first get a UID of their own,
written over the old one byte for byte; nothing else is touched.
"""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian
from pynetdicom.dsutils import split_dataset


@dataclass(frozen=True)
class Parcel:
    """One file as it is sent."""

    name: str
    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str


@dataclass(frozen=True)
class Corpus:
    """What can be sent, and the files that cannot."""

    parcels: Sequence[Parcel]
    unsendable: Sequence[Path]


def pydicom_files() -> list[Path]:
    """Return every file that pydicom ships as an example, except code."""
    folder = Path(pydicom.__file__).parent / "data"
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]


def prepare(sources: Sequence[Path], folder: Path) -> Corpus:
    """Write what can be sent of `sources` to the new folder `folder`."""
    folder.mkdir(parents=True)
    parcels: list[Parcel] = []
    unsendable: list[Path] = []
    seen: set[str] = set()
    names: set[str] = set()
    for number, source in enumerate(sources):
        try:
            sop_class, instance, syntax, content = _taken_apart(source)
        except Exception:  # noqa: BLE001 - whatever a broken file raises: it cannot be sent
            unsendable.append(source)
            continue
        digest = hashlib.sha256(content).hexdigest()
        if digest in seen:
            continue
        seen.add(digest)
        if instance in names:
            instance, content = _renamed(instance, content, syntax, number)
        names.add(instance)
        path = folder / f"{number:03}-{source.name}"
        path.write_bytes(_part10(sop_class, instance, syntax, content))
        parcels.append(Parcel(_name(source), path, sop_class, instance, syntax))
    return Corpus(tuple(parcels), tuple(unsendable))


def _name(source: Path) -> str:
    # Below the package's folder the name alone is not unique; the zoo's names are.
    parts = source.parts
    if "dicomdirtests" in parts:
        return "/".join(parts[parts.index("dicomdirtests") :])
    return source.name


def _taken_apart(source: Path) -> tuple[str, str, str, bytes]:
    meta, offset = split_dataset(source)
    dataset = dcmread(
        source, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"]
    )
    sop_class = str(dataset.SOPClassUID or meta.MediaStorageSOPClassUID)
    instance = str(dataset.SOPInstanceUID)
    if not sop_class or not instance:
        raise ValueError("names no object")
    return sop_class, instance, str(meta.TransferSyntaxUID), source.read_bytes()[offset:]


def _renamed(instance: str, content: bytes, syntax: str, number: int) -> tuple[str, bytes]:
    new = f"2.25.{number + 1000}".ljust(len(instance), "7")
    if len(new) != len(instance):
        # Too short to be written over: it goes as it is, and conflicts.
        return instance, content
    if syntax == DeflatedExplicitVRLittleEndian:
        plain = zlib.decompress(content, -zlib.MAX_WBITS)
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = packer.compress(plain.replace(instance.encode(), new.encode())) + packer.flush()
        return new, packed + b"\0" * (len(packed) % 2)
    return new, content.replace(instance.encode(), new.encode())


def _part10(sop_class: str, instance: str, syntax: str, content: bytes) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(instance)
    meta.TransferSyntaxUID = UID(syntax)
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta, enforce_standard=True)
    return b"\0" * 128 + b"DICM" + buffer.getvalue() + content
