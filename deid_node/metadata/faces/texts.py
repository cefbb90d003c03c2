"""Texts of a header that may name a part of the body, and how they are read.

Read from the elements as they lie there, so the dataset stays as it was, and a
text that cannot be decoded is still a text.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from pydicom.dataset import Dataset

from deid_node.metadata.encoding.elements import element_at, items_of, text_of

MODALITY: Final = 0x00080060
SOP_CLASS_UID: Final = 0x00080016
IMAGE_TYPE: Final = 0x00080008
BODY_PART_EXAMINED: Final = 0x00180015
PIXEL_SPACING: Final = 0x00280030

_ANATOMIC_REGION_SEQUENCE: Final = 0x00082218
CODE_VALUE: Final = 0x00080100
CODE_MEANING: Final = 0x00080104
_FUNCTIONAL_GROUPS: Final = (0x52009229, 0x52009230)  # shared, per frame
_FRAME_ANATOMY_SEQUENCE: Final = 0x00209071

_DESCRIPTIONS: Final = (
    0x00081030,  # Study Description
    0x0008103E,  # Series Description
    0x00181030,  # Protocol Name
    0x00189423,  # Acquisition Protocol Name
    0x00204000,  # Image Comments
    0x00321060,  # Requested Procedure Description
    0x00400254,  # Performed Procedure Step Description
)
_CODED: Final = (
    0x00081032,  # Procedure Code Sequence
    0x00082228,  # Primary Anatomic Structure Sequence
    0x00321064,  # Requested Procedure Code Sequence
    0x00400260,  # Performed Protocol Code Sequence
)
_REQUESTS: Final = 0x00400275
_STEP_DESCRIPTION: Final = 0x00400007
_RECEIVE_COIL_NAME: Final = 0x00181250
_COIL_OF_HEADS: Final = re.compile(
    r"head|neck|brain|\b(?:he[0-9acp]?|ne[0-9c]?|hn|hns|nv)(?![a-z])", re.IGNORECASE
)
_BARE_LETTERS: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i"}
)
"""Letters that Unicode does not take apart into a bare one and an accent."""
_NOT_A_WORD: Final = re.compile(r"[\W\d_]+")


def texts(dataset: Dataset, tag: int) -> Iterator[str]:
    """Yield the values of the text at `tag`."""
    element = element_at(dataset, tag)
    if element is not None and (text := text_of(element, dataset)):
        yield from text.split("\\")


def first(dataset: Dataset, tag: int) -> str:
    """Return the first value at `tag` in capitals, or an empty text."""
    return next(texts(dataset, tag), "").strip().upper()


def items(dataset: Dataset, tag: int) -> Iterator[Dataset]:
    """Yield the items of the sequence at `tag`.

    Raises
    ------
    MalformedDataset
        It cannot be taken apart.
    """
    element = element_at(dataset, tag)
    if element is not None:
        yield from items_of(element, dataset)


def descriptions(dataset: Dataset) -> Iterator[str]:
    """Yield what people and protocols say of the examination."""
    for tag in _DESCRIPTIONS:
        yield from texts(dataset, tag)
    for tag in _CODED:
        for item in items(dataset, tag):
            yield from texts(item, CODE_MEANING)
    for item in items(dataset, _REQUESTS):
        yield from texts(item, _STEP_DESCRIPTION)


def regions(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Yield code and meaning of each anatomic region, of the object and of its frames."""
    levels = [dataset]
    for tag in _FUNCTIONAL_GROUPS:
        for group in items(dataset, tag):
            levels.extend(items(group, _FRAME_ANATOMY_SEQUENCE))
    for level in levels:
        for item in items(level, _ANATOMIC_REGION_SEQUENCE):
            yield next(texts(item, CODE_VALUE), ""), next(texts(item, CODE_MEANING), "")


def coils(dataset: Dataset) -> Iterator[str]:
    """Yield the names of receiving coils that are put around a head or a neck."""
    for name in texts(dataset, _RECEIVE_COIL_NAME):
        if _COIL_OF_HEADS.search(name):
            yield name


def plain(text: str) -> str:
    """Return `text` in small letters without accents, digits and signs, words apart by blanks."""
    bare = unicodedata.normalize("NFKD", text).casefold().translate(_BARE_LETTERS)
    kept = "".join(letter for letter in bare if not unicodedata.combining(letter))
    # Together again: the syllables of Korean are taken apart above.
    words = _NOT_A_WORD.sub(" ", unicodedata.normalize("NFC", kept))
    return f" {words.strip()} "
