"""Sound files to be damaged: small ones of many kinds, the canary in each of them."""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from deid_node.dicom.silence import silenced
from tests.fuzz.elements import PREAMBLE_BYTES, Element, walk
from tests.unit.metadata.canary import BIRTH, UID_ROOT, VALUES, canary_element, nested, stored
from tests.wire.corpus import pydicom_files

_LARGEST_BYTES: Final = 150_000
_FEW: Final = (
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "JPEG2000.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "examples_palette.dcm",
    "nested_priv_SQ.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "image_dfl.dcm",
)


@dataclass(frozen=True)
class Sound:
    """A Part 10 file that is whole, and where its elements lie (none where it is deflated)."""

    name: str
    content: bytes
    elements: tuple[Element, ...]
    byte_order: str
    implicit: bool


@cache
def few() -> Sequence[Sound]:
    """Return a file of each kind, packaged with pydicom."""
    chosen = [path for path in pydicom_files() if path.name in _FEW]
    return _sounds(chosen)


@cache
def many() -> Sequence[Sound]:
    """Return every small file of pydicom and, where it is there, of the shared zoo."""
    shared = os.environ.get("DEID_NODE_SHARED")
    zoo = sorted((Path(shared) / "data" / "dicom_zoo").glob("*.dcm")) if shared else []
    return _sounds([*pydicom_files(), *zoo])


def _sounds(paths: Sequence[Path]) -> Sequence[Sound]:
    sounds = []
    with silenced():
        for path in paths:
            if path.stat().st_size > _LARGEST_BYTES:
                continue
            try:
                sounds.append(_sound(path))
            except Exception:  # noqa: BLE001, S112 - broken ones cannot be given a canary
                continue
    assert sounds
    return tuple(sounds)


def _sound(path: Path) -> Sound:
    dataset = dcmread(path)
    give_canary(dataset)
    content = stored(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    implicit = bool(syntax == ImplicitVRLittleEndian)
    (meta_bytes,) = struct.unpack_from("<L", content, PREAMBLE_BYTES + 8)
    meta_end = PREAMBLE_BYTES + 12 + meta_bytes
    elements = list(walk(content, PREAMBLE_BYTES, meta_end, implicit=False))
    if syntax != DeflatedExplicitVRLittleEndian:
        elements += walk(content, meta_end, len(content), implicit=implicit, byte_order=order)
    return Sound(path.name, content, tuple(elements), order, implicit)


def give_canary(dataset: Dataset) -> None:
    """Make the canary the patient, and name her in texts, at depth, and in a private element."""
    dataset.PatientName = VALUES["PN"]
    dataset.PatientID = "CB-771259"
    dataset.PatientBirthDate = BIRTH
    dataset.InstitutionName = "Clinic of Canarybird"
    dataset.StudyDescription = VALUES["LO"]
    dataset.ImageComments = VALUES["LT"]
    dataset.AccessionNumber = "ACC771259"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{UID_ROOT}.1", f"{UID_ROOT}.2"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{UID_ROOT}.3.1")
    nested(dataset, canary_element(0x00104000), 2)
    block = dataset.private_block(0x0009, "CANARYBIRD INC", create=True)
    block.add_new(0x01, "LO", "Canarybird")
