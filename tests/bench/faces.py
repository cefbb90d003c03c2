"""Which real objects are withheld where faces are to be removed, by what they show.

``python -m tests.bench faces``. The instances are those of the pydicom package and, where they
lie, the shared ones. What each shows was looked at by a person; here stands what was seen.
A head or a neck that goes through is a leak, all else that is withheld a false alarm.
"""

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from pydicom import Dataset, dcmread

from deid_node.dicom.silence import silenced
from deid_node.errors import CleaningError
from deid_node.metadata.faces.judge import require_faceless
from deid_node.pixeldata.layout import PIXEL_KEYWORDS
from tests.builders.samples import SHARED, packaged_files, zoo_files

HEADS = (
    "*I290.dcm", "*I341.dcm", "*I341-newConfig.dcm", "*privateTag*.dcm", "dcm_qa_ts__*",
    "dwv__bbmri*", "*693_*", "*J2K_pixelrep_mismatch.dcm", "fo-dicom__IM-0001-0001-0001.dcm",
    "fo-dicom__GH064.dcm", "fo-dicom__GH1146.dcm", "fo-dicom__GH1261.dcm", "fo-dicom__GH1728.dcm",
    "*eCT_Supplemental.dcm", "*CT0012.fragmented*", "*emri_small*", "dwv__dicompyler-ct.0.dcm",
    "fo-dicom__CR-ModalitySequenceLUT.dcm", "77654033/CR*", "77654033/CT2/*", "98892003/MR*",
)  # fmt: skip
"""Files that show a head or a neck, or a part of one, and what is left of such (16 pixels)."""

_PARTS = {
    "chest, at the neck": ("*CTImage*", "broken__no_preamble.dcm", "broken__truncated_pixels.dcm"),
    "chest": ("*CR-MONO1*", "presidio__0_*", "presidio__2_*", "*HasFragment*", "dwv__multiframe*"),
    "abdomen, pelvis, spine": (
        "*explicit_VR-UN.dcm", "*GH1308*", "*GH342*", "*test1.dcm", "*WithOverlays*",
        "*examples_overlay*", "*bad_sequence*",
    ),
    "limb": ("*MOVEKNEE*", "02_series*", "*JPEG-LS_Lossy*", "*RGB_ORIGINAL*"),
    "breast": ("*example-mg*", "*-mg-*", "*GH1376*", "*OutOfBounds*", "*GH133*"),
    "animal or crop of a few centimetres": (
        "*mr_brucker*", "*MR_small*", "*MR_truncated*", "*p0?_s0?_*", "98892001/*", "*CT_small*",
        "*CTImageStorage*",
    ),
    "whole body of PET or NM": ("*GH184*", "*GH610*", "*heal__lung*", "*Heal__lung*"),
}  # fmt: skip


def measure_faces(folder: Path, *, rounds: int, each: int) -> None:
    """Print how many objects of each kind there are, and which of them are withheld."""
    del folder, rounds, each
    counted: Counter[tuple[str, str]] = Counter()
    kept: Counter[tuple[str, str]] = Counter()
    leaks = []
    with silenced():
        for name, dataset in real_objects():
            shows = shown_by(name, dataset)
            key = shows, str(dataset.get("Modality") or "none")
            counted[key] += 1
            kept[key] += is_withheld(dataset)
            if shows == "head or neck" and not is_withheld(dataset):
                leaks.append(name)
    for (shows, modality), count in sorted(counted.items()):
        print(f"{shows:36}  {modality:8}  {count:4} looked at, {kept[shows, modality]:4} withheld")
    print("heads that go through:", *leaks or ["none"])


def real_objects() -> Iterator[tuple[str, Dataset]]:
    """Yield a short name and the dataset of each real object with pixels."""
    shared = [path for path in sorted(SHARED.glob("field/**/*.dcm")) if path.is_file()]
    shared += sorted(SHARED.glob("burned_in/dicom/*"))
    for path in (*packaged_files(), *zoo_files(), *shared):
        try:
            dataset = dcmread(path, force=True)
        except Exception:  # noqa: BLE001, S112  # some are no DICOM at all
            continue
        if "SOPClassUID" in dataset and any(one in dataset for one in PIXEL_KEYWORDS):
            under = [part.name for part in path.parents if part.name.startswith(("98", "77", "02"))]
            inner = f"{under[-1]}/{path.parent.name}/" if under else ""
            yield f"{inner}{path.name}", dataset


def shown_by(name: str, dataset: Dataset) -> str:
    """Return what a person saw on it."""
    if any(fnmatchcase(name, pattern) for pattern in HEADS):
        return "head or neck"
    for shows, patterns in _PARTS.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return shows
    if str(dataset.get("BodyPartExamined") or "") == "BRAIN":
        return "a light in the dark, said to be a brain"
    return "other"


def is_withheld(dataset: Dataset) -> bool:
    """Return whether it does not go through, for whatever reason."""
    try:
        require_faceless(dataset)
    except CleaningError:
        return True
    return False
