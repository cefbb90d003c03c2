"""What text-free images show: anatomy and kind of object, which a false-alarm table tells by.

The pictures of the shared data are named after their collections, and a manifest says
their modality only; what each collection shows was seen by looking at it. A DICOM file
says what its header says.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydicom.dataset import Dataset

from deid_node.pixeldata.attributes import text
from deid_node.pixels.hidden.supported import MAPS

UNTOLD: Final = "not told"
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_SMALL_SIDE_PIXELS: Final = 128

_COLLECTIONS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = MappingProxyType(
    {
        ("head", "slice"): (
            "mr/pyradiomics", "mr/vsseg", "mr/niivue", "mr/qa", "mr/saganon", "mr/ants",
            "ct/tsbrain", "ct/clin",
        ),
        ("neck", "slice"): ("mr/sct", "mr/ivaunf"),
        ("head and neck", "slice"): ("pt/",),
        ("chest", "slice"): ("ct/lidc", "ct/tspul", "ct/lungm"),
        ("abdomen", "slice"): ("ct/ts", "ct/dcmqi", "ct/ivaspl", "mr/tsmr"),
        ("trunk", "slice"): ("ct/nysbu", "ct/nihbp"),
        ("lumbar spine", "slice"): ("mr/sctlum", "mr/vert"),
        ("pelvis", "slice"): ("mr/prostx", "mr/dcmqi"),
        ("limb", "slice"): ("ct/sts", "mr/sts"),
        ("shoulder", "slice"): ("mr/d2nhitach",),
        ("knee and heart", "slice"): ("mr/mf",),
        ("vessels", "slice"): ("mr/vmtk",),
        ("fruit", "slice"): ("ct/fruit", "mr/fruit"),
        ("vessels of the head", "label map"): ("ct/nvavm",),
        ("head", "phantom"): ("ct/niivue", "ct/nvpitch"),
        ("none", "phantom"): ("mr/hazen", "mr/dcmst"),
        ("none", "noise"): ("mr/d2n", "ct/d2n"),
        ("whole body", "scintigram"): ("nm/",),
        ("chest", "radiograph"): ("cr/", "dx/"),
        ("breast", "radiograph"): ("mg/",),
        ("teeth", "radiograph"): ("px/",),
        ("vessels", "angiogram"): ("xa/",),
        ("lung", "ultrasound"): ("us/covidus",),
        ("muscle", "ultrasound"): ("us/",),
        ("teeth", "photograph"): ("xc/",),
        ("skin", "photograph"): ("dms/",),
        ("gut", "photograph"): ("es/",),
        ("retina", "photograph"): ("op/",),
        ("blood", "microscopy"): ("sm/bccd",),
        ("tissue", "microscopy"): ("sm/cptac",),
        ("fibres", "microscopy"): ("sm/",),
        ("none", "Doppler trace"): ("ot/doppler",),
        ("none", "grid or colour bar"): ("ot/chart",),
        ("none", "calipers on an image"): ("ot/overlay",),
        ("none", "trace"): ("ot/",),
    }
)  # fmt: skip
"""Anatomy and kind of object of the pictures whose names begin so; the longest one holds."""


def of_picture(name: str) -> tuple[str, str]:
    """Return anatomy and kind of a picture of a collection, by its path there."""
    fitting = [
        (len(beginning), shown)
        for shown, beginnings in _COLLECTIONS.items()
        for beginning in beginnings
        if name.startswith(beginning)
    ]
    return max(fitting)[1] if fitting else (UNTOLD, "picture")


def of_instance(dataset: Dataset) -> tuple[str, str]:
    """Return anatomy and kind of an instance, as its header tells."""
    anatomy = text(dataset, "BodyPartExamined").lower() or UNTOLD
    return anatomy, _kind(dataset)


def _kind(dataset: Dataset) -> str:
    mapped = MAPS.get(text(dataset, "SOPClassUID"))
    if mapped is not None:
        return mapped.removeprefix("a ")
    if "MOSAIC" in text(dataset, "ImageType"):
        return "mosaic"
    if text(dataset, "PhotometricInterpretation") not in {"MONOCHROME1", "MONOCHROME2"}:
        return "colour"
    if text(dataset, "SOPClassUID").startswith(_SECONDARY_CAPTURE):
        return "secondary capture"
    if max(int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)) <= _SMALL_SIDE_PIXELS:
        return "small matrix"
    return "frame"
