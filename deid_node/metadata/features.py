"""Faces: which objects could show one, so that nobody claims to have removed it.

No step of this version takes a face off an image. Under Clean Recognizable
Visual Features an object that may show one is withheld; the option is never
claimed.
"""

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset

from deid_node.errors import MalformedDataset, RecognizableFeatures
from deid_node.metadata.encoding.elements import element_at, items_of, text_of

_MODALITY = 0x00080060
_SOP_CLASS_UID = 0x00080016
_BODY_PART_EXAMINED = 0x00180015
_ANATOMIC_REGION_SEQUENCE = 0x00082218
_CODE_VALUE = 0x00080100
_DESCRIPTIONS = (0x00081030, 0x0008103E, 0x00181030)

_VOLUMES = frozenset({"CT", "MR", "PT"})
"""Slices that can be stacked into a face."""
_PHOTOGRAPHS = frozenset({"XC", "DMS", "ES", "GM", "OPV"})

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_VOLUME_CLASSES = frozenset(
    {
        f"{_STORAGE}2",  # CT
        f"{_STORAGE}2.1",
        f"{_STORAGE}2.2",
        f"{_STORAGE}4",  # MR
        f"{_STORAGE}4.1",
        f"{_STORAGE}4.3",
        f"{_STORAGE}4.4",
        f"{_STORAGE}128",  # PET
        f"{_STORAGE}128.1",
        f"{_STORAGE}130",
    }
)
_PHOTOGRAPH_CLASSES = (f"{_STORAGE}77.1.4", f"{_STORAGE}77.1.1")

# Defined terms of PS3.16 Table L-1 for parts from which no face can be made.
_FACELESS = frozenset(
    {
        "ABDOMEN", "ABDOMENPELVIS", "ANKLE", "ARM", "BREAST", "CALF", "CHEST", "CHESTABDOMEN",
        "CHESTABDPELVIS", "CLAVICLE", "COCCYX", "CSPINE", "ELBOW", "EXTREMITY", "FINGER", "FOOT",
        "FOREARM", "HAND", "HEART", "HIP", "HUMERUS", "KIDNEY", "KNEE", "LEG", "LIVER", "LSPINE",
        "LSSPINE", "LUNG", "PANCREAS", "PELVIS", "PROSTATE", "RIB", "SCAPULA", "SHOULDER",
        "SPLEEN", "STERNUM", "THIGH", "THUMB", "TOE", "TSPINE", "UTERUS", "WRIST",
    }
)  # fmt: skip
# The same parts as codes of PS3.16 Annex L (SNOMED CT).
_FACELESS_CODES = frozenset(
    {
        "818981001",  # Abdomen
        "818982008",  # Abdomen and Pelvis
        "816092008",  # Pelvis
        "816094009",  # Chest
        "416550000",  # Chest and Abdomen
        "416775004",  # Chest, Abdomen and Pelvis
        "76752008",  # Breast
        "80891009",  # Heart
        "72696002",  # Knee
        "24136001",  # Hip joint
        "16982005",  # Shoulder
        "85562004",  # Hand
        "56459004",  # Foot
        "122496007",  # Lumbar spine
        "122495006",  # Thoracic spine
    }
)
_WORDS = re.compile(
    r"head|skull|brain|cereb|crani|cran|face|facial|neuro|neck|orbit|sinus|dental|jaw|maxill"
    r"|mandib|nose|ear\b|ears\b|eye|pituit|kopf|hals|schaedel|tete|whole|vertex|hno|ent\b",
    re.IGNORECASE,
)


def require_faceless(dataset: Dataset) -> None:
    """Return if no face can be made from `dataset`, as far as its header tells.

    CT, MR and PET count as images of the head unless Body Part Examined or
    Anatomic Region names another part, and no description speaks of the head.
    Photographs always count.

    Raises
    ------
    RecognizableFeatures
        It may show a face.

    Source
    ------
    PS3.15 E.3.2 (Clean Recognizable Visual Features Option); PS3.16 Annex L.
    """
    sop_class = next(_texts(dataset, _SOP_CLASS_UID), "")
    modality = next(_texts(dataset, _MODALITY), "").upper()
    if modality in _PHOTOGRAPHS or sop_class.startswith(_PHOTOGRAPH_CLASSES):
        raise RecognizableFeatures
    if modality not in _VOLUMES and sop_class not in _VOLUME_CLASSES:
        return
    parts = [part.replace(" ", "").upper() for part in _texts(dataset, _BODY_PART_EXAMINED)]
    codes = list(_region_codes(dataset))
    if not (parts or codes):
        raise RecognizableFeatures
    if not (_FACELESS.issuperset(parts) and _FACELESS_CODES.issuperset(codes)):
        raise RecognizableFeatures
    for tag in _DESCRIPTIONS:
        if any(_WORDS.search(text) for text in _texts(dataset, tag)):
            raise RecognizableFeatures


def _region_codes(dataset: Dataset) -> Iterator[str]:
    element = element_at(dataset, _ANATOMIC_REGION_SEQUENCE)
    if element is None:
        return
    try:
        for item in items_of(element, dataset):
            yield next(_texts(item, _CODE_VALUE), "")
    except MalformedDataset:
        yield ""


def _texts(dataset: Dataset, tag: int) -> Iterator[str]:
    element = element_at(dataset, tag)
    if element is not None and (text := text_of(element, dataset)):
        yield from text.split("\\")
