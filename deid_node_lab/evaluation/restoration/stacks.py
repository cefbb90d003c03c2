"""Text on volumes: how near the fills are, and whether they flicker from slice to slice.

A fill that is good on every slice may still jump between them: a reformat across the
slices shows it as a comb where text was. *Flicker* is how much neighbouring slices differ
under the mask, as a share of how much the truth's do; a fill that stands still while the
anatomy moves has too little of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

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
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.pixels.text.keep.settle import Settled
from deid_node.pixels.text.masks import Marked, mask_of
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.restoration.arms import BLACK, TELEA
from deid_node_lab.evaluation.restoration.distortion import local_deviation
from deid_node_lab.evaluation.restoration.figures import gain_told, ratio_told
from deid_node_lab.evaluation.restoration.volumes import Volume

ALONE: Final = "auto, slice by slice"
TOGETHER: Final = "auto, neighbours"
STACK_ARMS: Final = (BLACK, TELEA, ALONE, TOGETHER)

Slices = NDArray[np.uint8]
_Chosen = Callable[[int], Sequence[int]]

LAYOUTS: Final[Mapping[str, _Chosen]] = MappingProxyType(
    {
        "every slice": range,
        "every other slice": lambda count: range(0, count, 2),
        "one slice": lambda count: (count // 2,),
        "the first half": lambda count: range(count // 2),
    }
)
"""On which slices of so many a line stands, at one place."""

_SEED: Final = 1
_TRIES: Final = 50
_EDGE_PIXELS: Final = 4
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


def filled(stack: Stack, arm: str) -> Slices:
    """Return the slices of a volume as `arm` fills them, through the crops of the corridor."""
    if arm == BLACK:
        result = stack.volume.slices.copy()
        for number in stack.written:
            result[number][stack.box.slices] = 0
        return result
    inpainter: Inpainter = (
        TeleaInpainter() if arm == TELEA else build_inpainter(FillPolicy.AUTO, None)
    )
    return _through_the_corridor(stack, inpainter, alone=arm != TOGETHER)


def _through_the_corridor(stack: Stack, inpainter: Inpainter, *, alone: bool) -> Slices:
    frames = Frames(_instance(stack.volume.slices), "PixelData")
    beside = Beside(frames, stack.settled(), most_bytes=_MOST_BYTES)
    layout = frames.layout
    window = stack.box.grown(inpainter.context_pixels, rows=layout.rows, columns=layout.columns)
    mask = mask_of([stack.box], rows=layout.rows, columns=layout.columns)[window.slices]
    result = stack.volume.slices.copy()
    for number in stack.written:
        values = result[number][window.slices]
        crop = crop_of(values, mask, layout, None, window=window, seed=_SEED)
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


def stack_report(
    volumes: Sequence[Volume], *, seed: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Return the figures of every arm for each layout of text, intervals over sources."""
    layouts: dict[str, Any] = {}
    for name, chosen in LAYOUTS.items() if volumes else ():
        stacks = [
            Stack(one, line_on(one, seed=seed), tuple(chosen(len(one.slices)))) for one in volumes
        ]
        made = {
            arm: [_counted(stack, filled(stack, arm)) for stack in stacks] for arm in STACK_ARMS
        }
        sources = [stack.volume.source for stack in stacks]
        layouts[name] = {arm: _figures(made[arm], made[TELEA], sources) for arm in STACK_ARMS}
        tell(f"filled {len(stacks)} volumes: {name}")
    kinds = sorted({one.modality for one in volumes})
    return {
        "volumes": len(volumes),
        "sources": len({one.source for one in volumes}),
        "by_modality": {name: sum(one.modality == name for one in volumes) for name in kinds},
        "layouts": layouts,
    }


@dataclass(frozen=True, slots=True)
class _Counted:
    error: float
    jumps: float
    true_jumps: float
    deviation: float
    true_deviation: float


def _counted(stack: Stack, made: Slices) -> _Counted:
    place = (slice(None), *stack.box.slices)
    truth = stack.volume.slices.astype(np.float64)
    own = made.astype(np.float64)
    wrong = np.square(own - truth)[place][list(stack.written)]
    # Pairs of slices of which one at least is filled.
    pairs = [n for n in range(len(truth) - 1) if {n, n + 1} & set(stack.written)]
    jumps, true_jumps = (
        float(np.abs(np.diff(one[place], axis=0))[pairs].mean()) for one in (own, truth)
    )
    mask = mask_of([stack.box], rows=truth.shape[1], columns=truth.shape[2])
    rough, true_rough = (
        float(np.mean([np.nanmean(local_deviation(one[n], mask)) for n in stack.written]))
        for one in (own.astype(np.float32), truth.astype(np.float32))
    )
    return _Counted(float(wrong.mean()), jumps, true_jumps, rough, true_rough)


def _figures(
    own: Sequence[_Counted], telea: Sequence[_Counted], sources: Sequence[str]
) -> dict[str, Any]:
    def column(counted: Sequence[_Counted], name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in counted], np.float64)

    return {
        "mse": round(float(column(own, "error").mean()), 1),
        "gain": gain_told(column(own, "error"), column(telea, "error"), sources),
        "flicker": ratio_told(column(own, "jumps"), column(own, "true_jumps"), sources),
        "deviation": ratio_told(column(own, "deviation"), column(own, "true_deviation"), sources),
    }


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
