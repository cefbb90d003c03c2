"""Which objects the profile can make safe, and which need a study.

An object whose content lies outside its attributes (a document, raw data, an
object of a private SOP class) cannot be judged attribute by attribute.
"""

from collections.abc import Collection
from types import MappingProxyType
from typing import Final

from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset

from deid_node.errors import UnsupportedObject
from deid_node.metadata.encoding.elements import element_at, is_empty, items_of
from deid_node.metadata.plan.options import Option

KNOWN_GROUPS = frozenset(tag >> 16 for tag in DicomDictionary if not (tag >> 16) & 1)
"""The even groups in which the data dictionary has attributes."""

_STANDARD_ROOT = "1.2.840.10008."
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_REPORTS = f"{_STORAGE}88."
_KEY_OBJECTS = f"{_STORAGE}88.59"
_PRESENTATION_STATES = f"{_STORAGE}11."
_STRUCTURED_DISPLAY = f"{_STORAGE}131"
_DIRECTORY = "1.2.840.10008.1.3.10"
_DIRECTORY_RECORDS = 0x00041220
_WAVEFORM_ANNOTATION_SEQUENCE = 0x0040B020
_UNFORMATTED_TEXT_VALUE = 0x00700006

_UNSUPPORTED: Final = MappingProxyType(
    {
        f"{_STORAGE}104.1": "an encapsulated PDF cannot be looked into",
        f"{_STORAGE}104.2": "an encapsulated CDA document cannot be looked into",
        f"{_STORAGE}104.3": "an encapsulated STL mesh cannot be looked into",
        f"{_STORAGE}104.4": "an encapsulated OBJ mesh cannot be looked into",
        f"{_STORAGE}104.5": "an encapsulated MTL file cannot be looked into",
        f"{_STORAGE}9.4.1": "a voice recording cannot be looked into",
        f"{_STORAGE}9.4.2": "a sound recording cannot be looked into",
        f"{_STORAGE}66": "raw data cannot be looked into",
        f"{_STORAGE}201.1": "an inventory lists other patients",
    }
)

# Objects that belong to no patient and no study (PS3.3 A.43 and following).
_WITHOUT_STUDY = frozenset(
    {
        "1.2.840.10008.5.1.4.38.1",  # Hanging Protocol
        "1.2.840.10008.5.1.4.39.1",  # Color Palette
        "1.2.840.10008.5.1.4.43.1",  # Generic Implant Template
        "1.2.840.10008.5.1.4.44.1",  # Implant Assembly Template
        "1.2.840.10008.5.1.4.45.1",  # Implant Template Group
        f"{_STORAGE}200.1",  # CT Defined Procedure Protocol
        f"{_STORAGE}200.7",  # XA Defined Procedure Protocol
    }
)


def require_supported(sop_class_uid: str, options: Collection[Option] = ()) -> None:
    """Return if the profile with `options` can make an object of this class safe.

    Raises
    ------
    UnsupportedObject
        It carries content that lies outside its attributes, its class is private,
        or it says everything in text that no option cleans.

    Source
    ------
    PS3.15 E.1.1 (encapsulated content); PS3.4 Table B.5-1.
    """
    if not sop_class_uid.startswith(_STANDARD_ROOT):
        raise UnsupportedObject("the SOP class is private")
    if reason := _UNSUPPORTED.get(sop_class_uid):
        raise UnsupportedObject(reason)
    option = _cleaned_by(sop_class_uid)
    if option is not None and option not in options:
        raise UnsupportedObject(f"objects of its kind need the option {option}")


def _cleaned_by(sop_class_uid: str) -> Option | None:
    """Return the option without which nothing but dummies would be left of the object."""
    if sop_class_uid == _KEY_OBJECTS:
        return None
    if sop_class_uid.startswith(_REPORTS):
        return Option.CLEAN_STRUCTURED_CONTENT
    if sop_class_uid.startswith(_PRESENTATION_STATES) or sop_class_uid == _STRUCTURED_DISPLAY:
        return Option.CLEAN_GRAPHICS
    return None


def require_no_notes(dataset: Dataset, options: Collection[Option] = ()) -> None:
    """Return if no text is written on the curves of `dataset`, or `options` clean it.

    Raises
    ------
    MalformedDataset
        The annotations cannot be read.
    UnsupportedObject
        An annotation has text, and Clean Structured Content is not among the options.

    Source
    ------
    PS3.3 C.10.10 (Waveform Annotation).
    """
    if Option.CLEAN_STRUCTURED_CONTENT in options:
        return
    annotations = element_at(dataset, _WAVEFORM_ANNOTATION_SEQUENCE)
    if annotations is None:
        return
    for item in items_of(annotations, dataset):
        note = element_at(item, _UNFORMATTED_TEXT_VALUE)
        if note is not None and not is_empty(note):
            raise UnsupportedObject(
                f"the notes on its curves need the option {Option.CLEAN_STRUCTURED_CONTENT}"
            )


def require_no_directory(dataset: Dataset) -> None:
    """Return if `dataset` is an instance and not a media directory.

    Raises
    ------
    UnsupportedObject
        It is a DICOMDIR: a directory has no SOP Class UID in its data set.

    Source
    ------
    PS3.10 8.6; PS3.3 F.3.
    """
    meta = getattr(dataset, "file_meta", None)
    if meta is not None and str(meta.get("MediaStorageSOPClassUID") or "") == _DIRECTORY:
        raise UnsupportedObject("a directory (DICOMDIR) is not an instance")
    if _DIRECTORY_RECORDS in dataset:
        raise UnsupportedObject("a directory (DICOMDIR) is not an instance")


def needs_study(sop_class_uid: str) -> bool:
    """Return whether instances of this class belong to a study and a series."""
    return sop_class_uid not in _WITHOUT_STUDY
