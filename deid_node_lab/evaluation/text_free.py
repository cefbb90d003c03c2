"""Text-free images, one after the other, with what they show: where no alarm may sound.

Pictures with a manifest beside them count only where no weight was trained on them: the
split goes by source, as the training splits them. Of public test files those are left out
on which text stands; whoever brings a folder of their own answers for its being free.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    NuclearMedicineImageStorage,
    OphthalmicPhotography8BitImageStorage,
    PositronEmissionTomographyImageStorage,
    UltrasoundImageStorage,
    VLEndoscopicImageStorage,
    VLMicroscopicImageStorage,
    VLPhotographicImageStorage,
    XRayAngiographicImageStorage,
)

from deid_node.dicom import part10
from deid_node.errors import CleaningError
from deid_node.pixeldata.attributes import text
from deid_node.pixels.text.scan import is_picture, read_picture
from deid_node_lab.evaluation.anatomy import UNTOLD, of_instance, of_picture
from deid_node_lab.evaluation.cases import case_of, dataset_of
from deid_node_lab.evaluation.made_objects import deep_instance, made_objects
from deid_node_lab.training.backgrounds import Background, read_backgrounds

_WITH_TEXT: Final = (
    "US1_*", "nema-us1*", "OBXXXX1A*", "examples_rgb_color*", "examples_palette*",
    "examples_jpeg2k*", "examples_ybr_color*", "GDCMJ2K_TextGBR*", "GH538*", "GH364*", "mlut_*",
    "gdcm-US-ALOKA*", "JPGLosslessP14SV1*", "example[-.2]*", "JPEGwithIcon*", "0_ORIGINAL*",
    "2_ORIGINAL*", "RGB_ORIGINAL*", "CR-ModalitySequenceLUT*", "DIRW0007*",
)  # fmt: skip
"""Names of public test files that are not free of text, behind a ``repository__``."""

_LEAST_SLICES: Final = 4

_ACQUIRING: Final = MappingProxyType(
    {
        "CT": CTImageStorage,
        "MR": MRImageStorage,
        "PT": PositronEmissionTomographyImageStorage,
        "NM": NuclearMedicineImageStorage,
        "CR": ComputedRadiographyImageStorage,
        "DX": DigitalXRayImageStorageForPresentation,
        "MG": DigitalMammographyXRayImageStorageForPresentation,
        "XA": XRayAngiographicImageStorage,
    }
)
_SOP_CLASSES: Final = MappingProxyType(
    {
        "US": UltrasoundImageStorage,
        "ES": VLEndoscopicImageStorage,
        "SM": VLMicroscopicImageStorage,
        "XC": VLPhotographicImageStorage,
        "DMS": VLPhotographicImageStorage,
        "OP": OphthalmicPhotography8BitImageStorage,
    }
)

PICTURES: Final = "held-out pictures"
FILES: Final = "files"
MADE: Final = "made objects"


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """A text-free instance.

    `part` says where it comes from, `name` is for a sheet, and specimens of one `source`
    stand or fall together.
    """

    part: str
    name: str
    source: str
    modality: str
    anatomy: str
    kind: str
    dataset: Dataset = field(repr=False)


def specimens(folders: Iterable[Path], *, made: bool, seed: int) -> Iterator[Specimen]:
    """Yield what lies below each folder, then what is made of their pictures if `made`.

    A folder with a ``manifest.csv`` whose pictures name a licence is one of backgrounds;
    any other is walked for DICOM, PNG and JPEG files. What shows the same pixels as an
    earlier file is left out, and so is what cannot be looked into.

    Raises
    ------
    InputError
        A file cannot be read from its disk.
    """
    pictures: list[Background] = []
    seen: set[bytes] = set()
    for folder in folders:
        own = held_out(folder)
        pictures += own
        if own:
            yield from map(_of_background, own)
        else:
            yield from _files(folder, seen)
    if made:
        yield from _made(pictures, seed)


def held_out(folder: Path) -> tuple[Background, ...]:
    """Return the pictures of a folder of backgrounds that no training takes; else nothing."""
    manifest = folder / "manifest.csv"
    if not manifest.is_file() or any(folder.glob("*.dcm")):
        return ()
    return (*read_backgrounds(folder, "validation"), *read_backgrounds(folder, "excluded"))


def _of_background(one: Background) -> Specimen:
    told = (one.modality, *of_picture(one.path))
    return Specimen(PICTURES, one.path, one.source, *told, _as_acquired(one))


def _as_acquired(one: Background) -> Dataset:
    """Return a picture as the object that it was taken from.

    A slice becomes an acquired one of 12 bits, since a grey picture of 8 bits in a
    secondary capture is held to the evidence that a screen needs, and no scanner sends it.
    """
    known = _ACQUIRING.get(one.modality)
    if known is not None and one.pixels.ndim == 2:
        return deep_instance(one.pixels.astype(np.float64) * 16, known, one.modality)
    dataset = dataset_of(one.pixels)
    dataset.Modality = one.modality
    if one.modality in _SOP_CLASSES:
        dataset.SOPClassUID = _SOP_CLASSES[one.modality]
    return dataset


def _files(folder: Path, seen: set[bytes]) -> Iterator[Specimen]:
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        bare = path.name.rpartition("__")[2]
        if any(fnmatchcase(bare, pattern) for pattern in _WITH_TEXT):
            continue
        name = path.relative_to(folder).as_posix()
        with path.open("rb") as file:
            head = file.read(8)
        try:
            dataset = dataset_of(read_picture(path)) if is_picture(head) else part10.read(path)
            shown = case_of(dataset, ()).picture
            anatomy, kind = of_instance(dataset)
            modality = text(dataset, "Modality") or "-"
        except CleaningError:
            continue
        digest = hashlib.sha256(repr(shown.shape).encode() + shown.tobytes()).digest()
        if digest not in seen:
            seen.add(digest)
            if is_picture(head):
                anatomy, kind = UNTOLD, "picture"
            yield Specimen(FILES, name, name, modality, anatomy, kind, dataset)


def _made(pictures: Sequence[Background], seed: int) -> Iterator[Specimen]:
    for number, one in enumerate(made_objects(_stacks(pictures), seed=seed)):
        name = f"made {number}"
        yield Specimen(MADE, name, name, one.modality, one.anatomy, one.kind, one.dataset)


def _stacks(pictures: Sequence[Background]) -> Mapping[str, Sequence[NDArray[np.uint8]]]:
    """Return grey slices by anatomy: of each the source that has the most of them."""
    stacks: dict[str, dict[str, list[NDArray[np.uint8]]]] = {}
    for one in pictures:
        anatomy, kind = of_picture(one.path)
        if kind == "slice" and one.pixels.ndim == 2:
            stacks.setdefault(anatomy, {}).setdefault(one.source, []).append(one.pixels)
    longest = {name: max(own.values(), key=len) for name, own in stacks.items()}
    return {name: own for name, own in sorted(longest.items()) if len(own) >= _LEAST_SLICES}
