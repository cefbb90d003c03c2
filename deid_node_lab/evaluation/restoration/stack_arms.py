"""Who fills a line of text on a volume, and what it leaves of the slices."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from deid_node.pixeldata.compose import keep_inside
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.beside import Beside
from deid_node.pixels.fill.base import Inpainter
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.crops import crop_of
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.prompts import prompt_of
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.pixels.text.keep.settle import Settled
from deid_node.pixels.text.masks import Marked, mask_of
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.restoration.arms import BLACK, SEED, TELEA
from deid_node_lab.evaluation.restoration.volumes import Volume

ALONE: Final = "auto, slice by slice"
TOGETHER: Final = "auto, neighbours"
DRAWN: Final = "diffusion, neighbours"

Slices = NDArray[np.uint8]

_EDGE_PIXELS: Final = 4
_TRIES: Final = 50
_LEAST_HIGH_PIXELS: Final = 10
_LEAST_DEVIATION: Final = 8.0
_MOST_BYTES: Final = 2**26


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A volume and where a line of text stands on some of its slices."""

    volume: Volume
    box: Box
    written: tuple[int, ...]

    def settled(self) -> tuple[Settled, ...]:
        """Return what a finder would have marked."""
        mark = Marked(self.box, 1.0, "finder")
        count = len(self.volume.slices)
        return tuple(Settled((mark,) if n in self.written else ()) for n in range(count))


def line_on(volume: Volume, *, seed: int) -> Box:
    """Return where a line of text stands on `volume`: over anatomy, where there is any."""
    _, rows, columns = volume.slices.shape
    chance = np.random.default_rng([seed, rows, columns])
    box = Box(0, 0, columns, rows)
    for _ in range(_TRIES):
        high = max(_LEAST_HIGH_PIXELS, int(rows * chance.uniform(0.07, 0.14)))
        wide = int(columns * chance.uniform(0.3, 0.6))
        top = int(chance.integers(_EDGE_PIXELS, rows - high - _EDGE_PIXELS))
        left = int(chance.integers(_EDGE_PIXELS, columns - wide - _EDGE_PIXELS))
        box = Box(left, top, left + wide, top + high)
        under = volume.slices[(slice(None), *box.slices)].astype(np.float64)
        if np.median(under.std(axis=(1, 2))) > _LEAST_DEVIATION:
            break
    return box


class StackArms:
    """The arms that run on volumes here.

    Parameters
    ----------
    painter
        The model, where one is at hand.
    """

    def __init__(self, painter: Painter | None) -> None:
        auto = build_inpainter(FillPolicy.AUTO, painter)
        self._inpainters: dict[str, Inpainter] = {
            TELEA: TeleaInpainter(),
            ALONE: auto,
            TOGETHER: auto,
        }
        if painter is not None:
            self._inpainters[DRAWN] = build_inpainter(FillPolicy.DIFFUSION, painter)

    @property
    def names(self) -> tuple[str, ...]:
        """The arms in the order of the table."""
        return (BLACK, *self._inpainters)

    def filled(self, stack: Stack, arm: str) -> Slices:
        """Return the slices of a volume as `arm` fills them, through the crops of the corridor."""
        if arm != BLACK:
            return _filled(stack, self._inpainters[arm], alone=arm in {TELEA, ALONE})
        result = stack.volume.slices.copy()
        for number in stack.written:
            result[number][stack.box.slices] = 0
        return result


def _filled(stack: Stack, inpainter: Inpainter, *, alone: bool) -> Slices:
    frames = Frames(_instance(stack.volume.slices), "PixelData")
    beside = Beside(frames, stack.settled(), most_bytes=_MOST_BYTES)
    layout = frames.layout
    window = stack.box.grown(inpainter.context_pixels, rows=layout.rows, columns=layout.columns)
    mask = mask_of([stack.box], rows=layout.rows, columns=layout.columns)[window.slices]
    result = stack.volume.slices.copy()
    for number in stack.written:
        values = result[number][window.slices]
        crop = crop_of(
            values, mask, layout, None,
            window=window, prompt=prompt_of(stack.volume.modality), seed=SEED,
        )  # fmt: skip
        if not alone:
            crop = replace(
                crop,
                neighbours=beside.around(number, window, [stack.box]),
                next_slice=beside.next_to(number, window),
                slice_number=number,
            )
        (made,) = inpainter.fill([crop])
        result[number][window.slices] = keep_inside(values, made.values, mask)
    return result


def _instance(slices: Slices) -> Dataset:
    """Return the slices as one multi-frame instance, as the corridor decodes it."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = slices.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    content = slices.tobytes()
    dataset.PixelData = content + b"\0" * (len(content) % 2)
    return dataset
