"""Sealed instances with real Part 10 files, to be delivered."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SegmentationStorage

from deid_node.forward.base import Parcel
from deid_node.values.identity import new_instance_id
from deid_node.values.instance import BlobRef, Companion
from tests.builders.values import CT_IMAGE_STORAGE, a_clean_instance


def a_parcel(
    folder: Path,
    *,
    number: int = 1,
    study: int = 1,
    sop_class: str = CT_IMAGE_STORAGE,
    transfer_syntax: str = ExplicitVRLittleEndian,
    rows: int = 8,
    columns: int = 16,
) -> Parcel:
    """Write a small image into `folder` and return it as a parcel."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = UID(sop_class)
    dataset.SOPInstanceUID = UID(f"2.25.{study}.{number}")
    dataset.StudyInstanceUID = UID(f"2.25.{study}")
    dataset.SeriesInstanceUID = UID(f"2.25.{study}.0")
    dataset.Modality = "OT"
    pixels = (np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns) + number) % 4096
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = pixels.tobytes()
    if UID(transfer_syntax).is_encapsulated:
        dataset.compress(UID(transfer_syntax), generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    path = folder / f"{study}-{number}.dcm"
    dcmwrite(path, dataset, enforce_file_format=True)
    content = path.read_bytes()
    instance = dataclasses.replace(
        a_clean_instance(
            new_instance_id(),
            BlobRef(path.name, len(content), hashlib.sha256(content).hexdigest()),
        ),
        sop_class_uid=sop_class,
        sop_instance_uid=str(dataset.SOPInstanceUID),
        series_instance_uid=str(dataset.SeriesInstanceUID),
        study_instance_uid=str(dataset.StudyInstanceUID),
        transfer_syntax=str(transfer_syntax),
    )
    return Parcel(instance, path)


def accompanied(parcel: Parcel) -> Parcel:
    """Return `parcel` with a companion, whose file lies beside its own."""
    dataset = dcmread(parcel.path)
    dataset.SOPClassUID = SegmentationStorage
    dataset.SOPInstanceUID = UID(f"{dataset.SOPInstanceUID}.66")
    dataset.SeriesInstanceUID = UID(f"{dataset.SeriesInstanceUID}.66")
    path = parcel.path.with_suffix(".companion.dcm")
    dcmwrite(path, dataset, enforce_file_format=True)
    content = path.read_bytes()
    companion = Companion(
        blob=BlobRef(path.name, len(content), hashlib.sha256(content).hexdigest()),
        sop_class_uid=SegmentationStorage,
        sop_instance_uid=str(dataset.SOPInstanceUID),
        series_instance_uid=str(dataset.SeriesInstanceUID),
        transfer_syntax=str(dataset.file_meta.TransferSyntaxUID),
    )
    return Parcel(dataclasses.replace(parcel.instance, companion=companion), parcel.path, path)


def dataset_bytes(path: Path) -> bytes:
    """Return what follows group 2 in a Part 10 file."""
    content = path.read_bytes()
    return content[144 + int.from_bytes(content[140:144], "little") :]
