"""CT slices of half a megabyte, made by code: the load of every measurement."""

from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from deid_node.dicom import part10

SIDE_PIXELS = 512


def write_slices(folder: Path, count: int, *, series: int) -> list[Path]:
    """Write `count` slices of one series into the new folder and return their paths."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(series)
    noise = draw.normal(0, 12, (SIDE_PIXELS, SIDE_PIXELS))
    rows, columns = np.mgrid[:SIDE_PIXELS, :SIDE_PIXELS]
    distance = np.hypot(rows - SIDE_PIXELS / 2, columns - SIDE_PIXELS / 2)
    body = np.where(distance < SIDE_PIXELS * 0.4, 1040.0, 24.0)
    paths = []
    for number in range(count):
        pixels = (body + np.roll(noise, number, axis=0)).clip(0, 4095).astype("<u2")
        path = folder / f"{number:04}.dcm"
        part10.write(_slice(pixels.tobytes(), series, number), path)
        paths.append(path)
    return paths


def _slice(pixels: bytes, series: int, number: int) -> Dataset:
    root = f"1.2.826.0.1.3680043.8.498.88.{series}"
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"{root}.{number + 1}"
    dataset.StudyInstanceUID = f"{root}.0.1"
    dataset.SeriesInstanceUID = f"{root}.0.2"
    dataset.FrameOfReferenceUID = f"{root}.0.3"
    dataset.PatientName = "Bench^Mark"
    dataset.PatientID = f"B{series}"
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20260102", "120000", "1"
    dataset.AccessionNumber = dataset.ReferringPhysicianName = dataset.Manufacturer = ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "CT", 1, number + 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [0, 0, number]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.7], 1
    dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows = dataset.Columns = SIDE_PIXELS
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.add_new("PixelData", "OW", pixels)
    return dataset
