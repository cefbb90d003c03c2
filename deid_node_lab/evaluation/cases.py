"""One image under evaluation, with the lines of text that are known to stand on it.

A picture and a DICOM frame become the same thing, so that the cleaner that is
measured is the cleaner that runs: a picture is wrapped as a Secondary Capture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from deid_node.errors import MalformedDataset, UnsupportedObject
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.pixels.hidden.supported import require_open

_UID = "1.2.826.0.1.3680043.8.498.90"


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A line of text that is known: what a finder is asked for.

    `corners` are its four corners ``(x, y)``, clockwise from the one at the top left
    of the letters, float32 edges of pixels. `text` is never shown. An `optional` item
    is neither a miss nor a false alarm.
    """

    corners: NDArray[np.float32]
    text: str = field(default="", repr=False)
    optional: bool = False

    @property
    def height_pixels(self) -> float:
        """Height of the line across its letters."""
        return float(np.hypot(*(self.corners[3] - self.corners[0])))


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One frame: how it is shown, where it comes from, what stands on it.

    Parameters
    ----------
    group
        What it is counted with: the modality, or the folder of a picture.
    dataset
        The instance, for the cleaner and for the header's identifiers.
    frame
        Which of its frames, from 0.
    views
        Every picture that the cleaner would show to a finder.
    picture
        What a person would be shown, and what other programs are given.
    items
        What stands on it.
    """

    group: str
    dataset: Dataset = field(repr=False)
    frame: int
    views: tuple[DisplayFrame, ...] = field(repr=False)
    picture: DisplayFrame = field(repr=False)
    items: tuple[Item, ...] = field(repr=False)

    @property
    def asked(self) -> tuple[Item, ...]:
        """The items that a finder must find."""
        return tuple(item for item in self.items if not item.optional)


def case_of(
    dataset: Dataset, items: Sequence[Item], *, frame: int = 0, group: str | None = None
) -> Case:
    """Return frame `frame` of an instance as a case; its group is its modality by default.

    Raises
    ------
    CleaningError
        The pixels cannot be looked at, for the reasons that `PixelCleaner.clean` has.
    """
    require_open(dataset)
    keyword = pixel_keyword(dataset)
    if keyword is None:
        raise UnsupportedObject("the object has no pixels")
    frames = Frames(dataset, keyword)
    if frame >= len(frames):
        raise MalformedDataset("there are fewer frames than the one that is asked for")
    display = Display(dataset, frames.layout, big_endian=frames.syntax.big_endian)
    values = values_of(frames[frame], frames.layout)
    named = str(dataset.get("Modality") or "-") if group is None else group
    return Case(
        named,
        dataset,
        frame,
        display.views(values, frame),
        display.picture(values, frame),
        tuple(items),
    )


def dataset_of(picture: DisplayFrame) -> Dataset:
    """Return an 8-bit grey or RGB picture as an instance that the cleaner takes."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID, dataset.Modality = _UID, "OT"
    dataset.Rows, dataset.Columns = picture.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    if picture.ndim == 3:
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
        dataset.PlanarConfiguration = 0
    stored = np.ascontiguousarray(picture).tobytes()
    dataset.add_new("PixelData", "OB", stored + b"\x00" * (len(stored) % 2))
    return dataset


def contrast_levels(picture: DisplayFrame, item: Item) -> int:
    """Return by how many grey levels ink and ground of a line differ, 0 to 255.

    The pixels of its upright box are parted into two populations (Otsu's threshold);
    the distance of their means is the contrast, whatever anatomy lies below.
    """
    rows, columns = picture.shape[:2]
    left, top = np.clip(np.floor(item.corners.min(0)).astype(int), 0, (columns - 1, rows - 1))
    right, bottom = np.ceil(item.corners.max(0)).astype(int)
    cut = picture[top : max(top + 1, bottom), left : max(left + 1, right)]
    grey = cut if cut.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(cut), cv2.COLOR_RGB2GRAY)
    grey = np.ascontiguousarray(grey)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    above = grey > threshold
    if above.all() or not above.any():
        return 0
    return round(float(grey[above].mean() - grey[~above].mean()))
