"""What becomes of a value that a plan keeps: it stays, or it counts as text and goes.

A number that is none is not made 0, which would be a false number: the attribute
is emptied, and an image that cannot be understood without it waits for a person.
"""

from collections.abc import Callable
from typing import Final

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from deid_node.dicom.bulk import Bulk
from deid_node.errors import MalformedDataset
from deid_node.metadata.clean.forms import Forms, names_a_kind, values_of, without_tails
from deid_node.metadata.clean.wordings import ENUMERATED
from deid_node.metadata.encoding.dummies import dummy
from deid_node.metadata.encoding.elements import Stored, carried, encoded, text_of
from deid_node.metadata.plan.policy import BULK_VRS, NUMBER_VRS, TEXT_VRS, TIME_VRS

_LOOKED_AT_BYTES: Final = 1 << 22
_CHARACTER_SET: Final = 0x00080005
_WORDS: Final = TEXT_VRS | TIME_VRS | {"CS"}
_STRINGS: Final = _WORDS | {"DS", "IS", "UI"}

_NEEDED: Final = frozenset(
    {
        "BitsAllocated", "BitsStored", "BluePaletteColorLookupTableDescriptor", "Columns",
        "DoseGridScaling", "GreenPaletteColorLookupTableDescriptor", "GridFrameOffsetVector",
        "HighBit", "ImageOrientationPatient", "ImagePositionPatient", "ImagerPixelSpacing",
        "LUTDescriptor", "NumberOfFrames", "PixelRepresentation", "PixelSpacing",
        "PlanarConfiguration", "RealWorldValueIntercept", "RealWorldValueSlope",
        "RedPaletteColorLookupTableDescriptor", "RescaleIntercept", "RescaleSlope", "Rows",
        "SamplesPerPixel",
    }
)  # fmt: skip
"""Without these nobody knows what the pixels are, or where."""


class Keeper:
    """Looks at values that are to stay; one object serves any number of instances.

    Parameters
    ----------
    forms
        Says what is written as its VR has it.
    """

    def __init__(self, forms: Forms) -> None:
        self._forms = forms

    def fits(self, tag: int, vr: str, stored: bytes, *, little: bool) -> bool:
        """Return whether the bytes may stay as they lie there; False where they need a look."""
        return tag == _CHARACTER_SET or self._forms.fits(tag, vr, stored, little=little)

    def kept(
        self, element: Stored, parent: Dataset, vr: str, renewed: Callable[[str], str]
    ) -> Stored | None:
        """Return what stays of `element`: itself, or less; None where it goes.

        What stands behind a NUL goes. A value that is not of its VR even so falls
        under the rule for text: text, times and codes become a dummy, numbers
        empty, bytes go, a UID that names no kind of thing becomes a new one.

        Parameters
        ----------
        element, parent
            The element, and the level where it stands.
        vr
            By which it is read.
        renewed
            Returns the UID that stands for one of the original.

        Raises
        ------
        MalformedDataset
            It is a number without which the pixels mean nothing.

        Source
        ------
        PS3.5 6.2; docs/decisions/metadata-kept-values.md.
        """
        little = not isinstance(element, RawDataElement) or element.is_little_endian
        # PS3.5 6.2.2, note 2: what is unknown is little endian.
        if self.fits(int(element.tag), vr, _bytes(element), little=little or element.VR == "UN"):
            return carried(element)
        if vr not in _STRINGS:
            return _gone(element, vr)
        text = text_of(element, parent)
        whole = without_tails(text, vr)
        misfits = self._forms.misfits(int(element.tag), vr, whole)
        if not misfits:
            same = whole.strip("\0 ") == text.strip("\0 ")
            return carried(element) if same else DataElement(element.tag, vr, whole)
        if vr == "UI":
            return DataElement(element.tag, vr, _uids(whole, renewed))
        if vr in _WORDS and keyword_for_tag(element.tag) not in ENUMERATED:
            return _without(misfits, whole, element, parent, vr)
        return _gone(element, vr)


def _gone(element: Stored, vr: str) -> DataElement | None:
    if vr in BULK_VRS:
        return None
    keyword = keyword_for_tag(element.tag)
    if vr in NUMBER_VRS and keyword in _NEEDED:
        raise MalformedDataset(f"{keyword} is no number")
    return DataElement(element.tag, vr, None)


def _without(
    misfits: list[int], text: str, element: Stored, parent: Dataset, vr: str
) -> DataElement:
    """Return the element with a dummy for each value that does not fit, the others as they are."""
    values = values_of(text, vr)
    if len(misfits) == len(values):
        return dummy(element, parent)
    one = dummy(DataElement(element.tag, vr, None), parent).value
    return DataElement(
        element.tag, vr, [one if at in misfits else value for at, value in enumerate(values)]
    )


def _uids(text: str, renewed: Callable[[str], str]) -> list[str]:
    uids = [uid.strip("\0 ") for uid in text.split("\\")]
    return [uid if not uid or names_a_kind(uid) else renewed(uid) for uid in uids]


def _bytes(element: Stored) -> bytes:
    """Return a value as it would be written; what cannot be written says something."""
    if isinstance(element.value, Bulk):
        return element.value[:_LOOKED_AT_BYTES]
    if isinstance(element.value, bytes):
        return element.value
    decoded = DataElement(element.tag, str(element.VR), element.value, already_converted=True)
    try:
        return encoded(decoded, little=True, charset="utf-8")
    except Exception:  # noqa: BLE001  # pydicom raises of every kind, and quotes values
        return b"not a value"
