"""A patient who must not be found again, in every kind of value and every place."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

KEY = b"k" * 32
UID_ROOT = "1.2.826.0.1.3680043.9.7777"
BIRTH = "19510213"

VALUES: dict[str, Any] = {
    "AE": "CANARYBIRD",
    "AS": "071Y",
    "AT": 0x00100010,
    "CS": "CANARYBIRD",
    "DA": BIRTH,
    "DS": "77.125",
    "DT": f"{BIRTH}101112.5",
    "FD": 77.125,
    "FL": 77.125,
    "IS": "771259",
    "LO": "Mrs CANARYBIRD, called Tweety",
    "LT": "Seen: canarybird, b. 13.02.1951",
    "OB": b"..Canarybird..",
    "OD": b"Canarybird123456",
    "OF": b"Canarybird12",
    "OL": b"Canarybird12",
    "OV": b"Canarybird123456",
    "OW": b"Canarybird",
    "PN": "Canarybird^Tweety^^Dr.",
    "SH": "CANARYBIRD",
    "SL": 771259,
    "SS": 7712,
    "ST": "canarybird/tweety",
    "SV": 771259,
    "TM": "101112.771259",
    "UC": "Canarybird",
    "UI": f"{UID_ROOT}.1",
    "UL": 771259,
    "UN": b"..Canarybird..",
    "UR": "http://canarybird.example",
    "US": 7712,
    "UT": "Canarybird was here",
    "UV": 771259,
}

# What may stand nowhere in the cleaned bytes, in lower case.
MARKS = (b"canarybird", b"tweety", b"19510213", b"13.02.1951", b"3680043.9.7777", b"771259")


def study_instance(number: int = 1) -> Dataset:
    """Return a small CT instance of the canary with file meta information."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"{UID_ROOT}.3.{number}"
    dataset.StudyInstanceUID = f"{UID_ROOT}.1"
    dataset.SeriesInstanceUID = f"{UID_ROOT}.2"
    dataset.FrameOfReferenceUID = f"{UID_ROOT}.4"
    dataset.PatientName = VALUES["PN"]
    dataset.PatientID = "CB-771259"
    dataset.PatientBirthDate = BIRTH
    dataset.AccessionNumber = "ACC771259"
    dataset.StudyID = "ST771259"
    dataset.Modality = "CT"
    dataset.Manufacturer = "Maker"
    dataset.Rows = 2
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.SourceApplicationEntityTitle = "CANARYBIRD"
    dataset.file_meta.PrivateInformationCreatorUID = UID(f"{UID_ROOT}.5")
    dataset.file_meta.PrivateInformation = b"CANARYBIRD"
    return dataset


def canary_element(tag: int, vr: str | None = None) -> DataElement:
    """Return an element of `tag` that names the canary; a sequence holds three that do."""
    vr = (vr or dictionary_VR(tag)).split(" or ")[0]
    if vr != "SQ":
        return DataElement(tag, vr, VALUES[vr])
    item = Dataset()
    item.PatientName = VALUES["PN"]
    item.StudyInstanceUID = VALUES["UI"]
    item.StudyDate = BIRTH
    return DataElement(tag, "SQ", Sequence([item]))


def nested(dataset: Dataset, element: DataElement, depth: int) -> None:
    """Put `element` into `dataset` below `depth` sequences that the plan keeps."""
    level = dataset
    for _ in range(depth):
        item = Dataset()
        level.ReferencedSeriesSequence = [item]
        level = item
    level[element.tag] = element


def stored(dataset: Dataset) -> bytes:
    """Return the whole Part 10 file."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def as_read(dataset: Dataset) -> Dataset:
    """Return the dataset as it comes out of a file: nothing decoded yet."""
    return dcmread(BytesIO(stored(dataset)))


def marks_in(content: bytes) -> list[bytes]:
    """Return what of the canary stands in `content`."""
    lower = content.lower()
    return [mark for mark in MARKS if mark in lower]


def levels(dataset: Dataset) -> Iterator[Dataset]:
    """Yield the dataset and every item below it."""
    yield dataset
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from levels(item)
