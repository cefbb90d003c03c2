"""A study of the canary: she stands in every place that an instance has.

Built on the canary of the metadata tests, sent by an AE title that is her name.
Values that are hers are listed once, in `marks_in`.
"""

import struct
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    SecondaryCaptureImageStorage,
)

from tests.unit.metadata.canary import (
    BIRTH,
    MARKS,
    UID_ROOT,
    VALUES,
    canary_element,
    nested,
    study_instance,
)

AE_TITLE = "CANARYBIRD"
NAME = "Canarybird^Tweety"
WITHHELD = "5_pdf_of_canarybird.dcm"

_IDEOGRAPHIC = "\u91d1\u7cf8\u96c0"
_PHONETIC = "\u30ab\u30ca\u30ea\u30a2"
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
_TAGS_AT_ALL_DEPTHS = (
    0x00081030,  # Study Description
    0x00104000,  # Patient Comments
    0x00204000,  # Image Comments
    0x00321033,  # Requesting Service
    0x00400254,  # Performed Procedure Step Description
    0x00081048,  # Physician(s) of Record
    0x00101001,  # Other Patient Names
    0x00100030,  # Patient's Birth Date
    0x00189423,  # Acquisition Protocol Description
    0x0040A730,  # Content Sequence
    0x04000561,  # Original Attributes Sequence
)


def marks_in(content: bytes) -> list[str]:
    """Return what of the canary stands in `content`, in four encodings and either case."""
    folded = content.lower()
    words = [*(mark.decode() for mark in MARKS), _IDEOGRAPHIC, _PHONETIC]
    return [
        word
        for word in words
        if any(spelt in folded for code in _ENCODINGS if (spelt := word.encode(code, "ignore")))
    ]


def write_study(folder: Path) -> Sequence[Path]:
    """Write the study below the new folder `folder`; the names of the files are hers too."""
    folder.mkdir()
    instances = {
        "1_ct_of_canarybird.dcm": _image(1),
        "2_nested_canarybird.dcm": _with_elements_at_all_depths(_image(2)),
        "3_hidden_canarybird.dcm": _with_hidden_pictures(_image(3)),
        "4_report_on_canarybird.dcm": report(4),
        WITHHELD: _document(5),
        "6_screen_of_canarybird.dcm": _screen(6),
    }
    for name, dataset in instances.items():
        dataset.save_as(folder / name, enforce_file_format=True)
    return sorted(folder.iterdir())


def _of_class(number: int, sop_class: UID, modality: str) -> Dataset:
    dataset = study_instance(number)
    dataset.SOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.Modality = modality
    del dataset.Rows
    return dataset


def _with_pixels(dataset: Dataset) -> Dataset:
    picture = np.full((256, 256), 60, dtype=np.uint8)
    cv2.circle(picture, (150, 160), 70, 110, -1)
    for number, line in enumerate((NAME, BIRTH), 1):
        cv2.putText(picture, line, (8, 30 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    dataset.Rows, dataset.Columns = picture.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = picture.tobytes()
    dataset["PixelData"].VR = "OB"
    return dataset


def _image(number: int) -> Dataset:
    dataset = _with_pixels(study_instance(number))
    dataset.PatientName = f"{NAME}={_IDEOGRAPHIC}^Tweety={_PHONETIC}"
    dataset.InstitutionName = "Clinic of Canarybird"
    dataset.ImageComments = "Canarybird, 13.02.1951"
    dataset.PatientComments = "Tweety fears cats"
    private = dataset.private_block(0x0009, "CANARYBIRD INC", create=True)
    private.add_new(0x01, "LO", "Canarybird")
    private.add_new(0x02, "UN", "\u0394Canarybird".encode("utf-16-le"))
    return dataset


def _with_elements_at_all_depths(dataset: Dataset) -> Dataset:
    for tag in _TAGS_AT_ALL_DEPTHS:
        for depth in (0, 1, 3):
            nested(dataset, canary_element(tag), depth)
    # A standard tag that no dictionary knows, and a private one inside a sequence.
    dataset.add(DataElement(0x00180FFF, "LO", VALUES["LO"]))
    item = dataset.ReferencedSeriesSequence[0]
    item.private_block(0x0011, "CANARYBIRD", create=True).add_new(0x10, "SQ", [study_instance(9)])
    return dataset


def _with_hidden_pictures(dataset: Dataset) -> Dataset:
    size = int(dataset.Rows) * int(dataset.Columns) // 8
    for group, vr, element, value in (
        (0x6000, "US", 0x0010, dataset.Rows),
        (0x6000, "US", 0x0011, dataset.Columns),
        (0x6000, "CS", 0x0040, "G"),
        (0x6000, "SS", 0x0050, [1, 1]),
        (0x6000, "US", 0x0100, 1),
        (0x6000, "US", 0x0102, 0),
        (0x6000, "LO", 0x0022, VALUES["LO"]),
        (0x6000, "LO", 0x1500, "Canarybird"),
        (0x6000, "OW", 0x3000, b"Canarybird".ljust(size, b"\0")),
        (0x5000, "OW", 0x3000, b"Canarybird"),
        (0x5000, "LO", 0x0022, "Canarybird"),
    ):
        dataset.add(DataElement((group, element), vr, value))
    icon = _with_pixels(Dataset())
    icon.PixelData = b"Canarybird".ljust(len(icon.PixelData), b"\0")
    dataset.IconImageSequence = [icon]
    dataset.DigitalSignaturesSequence = [canary_element(0x04000561).value[0]]
    dataset.DataSetTrailingPadding = b"Canarybird"
    return dataset


def report(number: int) -> Dataset:
    """Return a report on her: text and a name, no pixels."""
    dataset = _of_class(number, BasicTextSRStorage, "SR")
    text = Dataset()
    text.RelationshipType, text.ValueType = "CONTAINS", "TEXT"
    text.TextValue = "Canarybird, called Tweety, born 13.02.1951, has a broken wing."
    name = Dataset()
    name.RelationshipType, name.ValueType = "HAS OBS CONTEXT", "PNAME"
    name.PersonName = NAME
    text.ContentSequence = [name]
    dataset.ValueType = "CONTAINER"
    dataset.ContinuityOfContent = "SEPARATE"
    dataset.ContentSequence = [text]
    dataset.VerifyingObserverSequence = [_observer()]
    return dataset


def _observer() -> Dataset:
    observer = Dataset()
    observer.VerifyingObserverName = NAME
    observer.VerifyingOrganization = "Clinic of Canarybird"
    observer.VerificationDateTime = f"{BIRTH}120000"
    return observer


def _document(number: int) -> Dataset:
    dataset = _of_class(number, EncapsulatedPDFStorage, "DOC")
    dataset.DocumentTitle = "Letter on Canarybird"
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = b"%PDF-1.4 (Canarybird, Tweety) %%EOF "
    return dataset


def _screen(number: int) -> Dataset:
    dataset = _with_pixels(_of_class(number, SecondaryCaptureImageStorage, "OT"))
    dataset.SeriesDescription = f"canarybird {UID_ROOT}.771259"
    # Behind the pixels, in the same element: bytes that no frame shows.
    extra = BytesIO()
    extra.write(struct.pack("<4H", 0, 0, 0, 0))
    dataset.PixelData += extra.getvalue()
    return dataset
