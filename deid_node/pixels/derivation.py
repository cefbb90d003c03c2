"""What a dataset must say of itself once its pixels were changed.

Image Type stays as it came, on a filled instance too: it tells what the images of a
series are, and converters part a series where it differs. Burned In Annotation and the
method codes are not set here: the metadata room attests them, from the report.

Source: PS3.3 C.7.6.1.1.2 (Image Type), C.7.6.1.1.3 (derivation), C.7.6.3 (smallest and
largest value); PS3.15 E.3.1.
"""

import contextlib
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid_node.errors import MalformedDataset
from deid_node.pixeldata.attributes import items, put, value_of
from deid_node.pixeldata.frames import Frames

DERIVATION: Final = "burned-in text replaced"
MADE_UP: Final = "pixels over anatomy synthesised"
BITS_CLEARED: Final = "unused bits cleared"
_CODE: Final = ("113101", "DCM", "Clean Pixel Data Option")


def derivation_of(*, filled: bool, made_up: bool, bits_cleared: bool) -> tuple[str, ...]:
    """Return what is said of how the new pixels came to be; nothing that was not done.

    The sentences are not written here: what Derivation Description says already is
    the sender's, and has to be cleaned before ours stand beside it.

    Parameters
    ----------
    filled
        Whether text was found and filled.
    made_up
        Whether pixels over anatomy were made up, not only an even ground continued.
    bits_cleared
        Whether bits beside the stored ones held something and were cleared.

    Source
    ------
    PS3.3 C.7.6.1.1.3.
    """
    said = ((DERIVATION, filled), (MADE_UP, filled and made_up), (BITS_CLEARED, bits_cleared))
    return tuple(sentence for sentence, holds in said if holds)


def mark_changed(dataset: Dataset, frames: Frames, low: int, high: int, *, filled: bool) -> None:
    """Write into `dataset` what its new pixels are.

    Parameters
    ----------
    dataset
        The new dataset, ours to write to.
    frames
        The frames as they came.
    low, high
        Smallest and largest stored value of all new frames.
    filled
        Whether text was filled: then Derivation Code Sequence (0008,9215) says so. An
        image whose unused bits alone were cleared shows what it showed.

    Source
    ------
    PS3.3 C.12.4.1.1: a derivation may be told of an image that is not significantly changed.
    """
    if filled:
        _append_code(dataset)
    _state_range(dataset, frames, low, high)


def _state_range(dataset: Dataset, frames: Frames, low: int, high: int) -> None:
    """Write the range of the new pixels where it was stated, or no longer state any.

    The attributes have 16 bits and one value for all samples.
    """
    layout = frames.layout
    least, most = (-(2**15), 2**15 - 1) if layout.signed else (0, 2**16 - 1)
    fits = not layout.floating and layout.samples == 1 and least <= low and high <= most
    for keyword, value in (("SmallestImagePixelValue", low), ("LargestImagePixelValue", high)):
        if keyword in dataset and fits:
            put(dataset, keyword, value, "SS" if layout.signed else "US")
        elif keyword in dataset:
            del dataset[keyword]


def _append_code(dataset: Dataset) -> None:
    with contextlib.suppress(MalformedDataset):
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = _CODE
        others = items(dataset, "DerivationCodeSequence")
        if all(value_of(other, "CodeValue") != _CODE[0] for other in others):
            put(dataset, "DerivationCodeSequence", Sequence([*others, code]))
