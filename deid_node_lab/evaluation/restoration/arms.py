"""Who fills: what every arm of the table puts under the same masks.

The original is an arm too: it tells what a figure would be if nothing were lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import cv2
import numpy as np

from deid_node.pixeldata.arrays import StoredFrame
from deid_node.pixeldata.compose import keep_inside
from deid_node.pixels.fill.base import Filled, Inpainter, filled_by
from deid_node.pixels.fill.crops import Crop
from deid_node.pixels.fill.diffusion import DiffusionInpainter, levelled
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.solid import NARROW_PIXELS
from deid_node.pixels.fill.telea import RADIUS_PIXELS
from deid_node.pixels.fill.tiles import plan_of
from deid_node.pixels.fill.tones import TOP
from deid_node.values.fill import Fill
from deid_node_lab.evaluation.restoration.holes import Hole

SEED: Final = 1
"""Of the noise, as one instance has one."""

ORIGINAL: Final = "original"
BLACK: Final = "black box"
TELEA: Final = "Telea"
NAVIER_STOKES: Final = "Navier-Stokes"
SOLID: Final = "solid"
GRAINED: Final = "Telea with grain"
FILM: Final = "film"
AUTO: Final = "auto"
NEUTRAL: Final = "diffusion, neutral"
MODALITY: Final = "diffusion, modality"
BEST: Final = "diffusion, best estimate"

_BATCH: Final = 8
_EDGE_PIXELS: Final = 2 * RADIUS_PIXELS


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """The view of a hole as an arm left it; `strayed` says that pixels beside the mask moved."""

    values: StoredFrame
    strayed: bool = False


class Arm(Protocol):
    """One row of the table."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def fill(self, holes: Sequence[Hole]) -> Sequence[Attempt]:
        """Return the views of `holes`, in order, filled."""
        ...


class Original:
    """The truth."""

    name = ORIGINAL

    def fill(self, holes: Sequence[Hole]) -> Sequence[Attempt]:
        """Return what stood there before the text."""
        return tuple(Attempt(hole.picture.values[hole.view.slices]) for hole in holes)


class BlackBox:
    """A mask of the darkest level, as a redaction tool paints it."""

    name = BLACK

    def fill(self, holes: Sequence[Hole]) -> Sequence[Attempt]:
        """Return the boxes black."""
        return tuple(_black(hole) for hole in holes)


class NavierStokes:
    """Fluid flow along the lines of equal brightness, by OpenCV.

    Source
    ------
    Bertalmio, Bertozzi, Sapiro: Navier-Stokes, fluid dynamics, and image and video
    inpainting, CVPR 2001.
    """

    name = NAVIER_STOKES

    def fill(self, holes: Sequence[Hole]) -> Sequence[Attempt]:
        """Return the views filled, plane by plane."""
        return tuple(_flowed(hole) for hole in holes)


class NodeArm:
    """An inpainter of the corridor on the crops that the corridor would give it.

    Parameters
    ----------
    prompt
        What it is told of a hole's picture.
    """

    def __init__(
        self, name: str, inpainter: Inpainter, prompt: Callable[[Hole], str] = lambda _: ""
    ) -> None:
        self.name = name
        self._inpainter = inpainter
        self._prompt = prompt

    def fill(self, holes: Sequence[Hole]) -> Sequence[Attempt]:
        """Return the views as the corridor composes them."""
        attempts = []
        for start in range(0, len(holes), _BATCH):
            some = holes[start : start + _BATCH]
            reach = self._inpainter.context_pixels
            crops = [hole.crop(reach, prompt=self._prompt(hole), seed=SEED) for hole in some]
            for hole, crop, filled in zip(some, crops, self._inpainter.fill(crops), strict=True):
                outside = ~crop.target
                strayed = not np.array_equal(filled.values[outside], crop.stored[outside])
                frame = hole.written.copy()
                place = crop.window.slices
                frame[place] = keep_inside(frame[place], filled.values, crop.target)
                attempts.append(Attempt(frame[hole.view.slices], strayed))
        return tuple(attempts)


class BestEstimate:
    """What a diffusion model thinks most likely: its first guess from pure noise, without grain.

    Of all fills the mean of what could be there has the least squared error. A model
    that is asked for one step says just that mean, as far as it knows; guesses from
    several seeds are averaged.

    Parameters
    ----------
    painter
        A model that takes one step.
    draws
        Seeds.
    """

    def __init__(self, painter: Painter, *, draws: int = 2) -> None:
        self._painter = painter
        self._draws = draws

    @property
    def context_pixels(self) -> int:
        """As far as the model looks when it draws once."""
        return DiffusionInpainter(self._painter).context_pixels

    def made_up_pixels(self, crop: Crop) -> int:
        """Return the size of the whole target."""
        return int(crop.target.sum())

    def fill(self, crops: Sequence[Crop]) -> Sequence[Filled]:
        """Return the crops filled with the mean."""
        return tuple(self._estimated(crop) for crop in crops)

    def _estimated(self, crop: Crop) -> Filled:
        plan = plan_of(crop, self._painter.guess)
        squares = [
            replace(square, seed=square.seed + draw)
            for draw in range(self._draws)
            for square in plan.squares
        ]
        painted = np.stack(self._painter.paint(squares))
        drawn = painted.reshape(self._draws, len(plan.squares), *painted.shape[1:])
        mean = plan.together(list(drawn.mean(axis=0, dtype=np.float32)))
        return filled_by(Fill.DIFFUSION, crop, crop.back(levelled(crop.shown(), mean, ~crop.mask)))


def _black(hole: Hole) -> Attempt:
    view = hole.view.slices
    values = hole.written[view].copy()
    values[hole.mask[view]] = values.dtype.type(round(hole.picture.low))
    return Attempt(values)


def _flowed(hole: Hole) -> Attempt:
    crop = hole.crop(NARROW_PIXELS)
    shown = np.clip(crop.shown(), 0, TOP).astype(np.float32)
    edges = (_EDGE_PIXELS,) * 4
    mask = cv2.copyMakeBorder(crop.mask.astype(np.uint8), *edges, cv2.BORDER_CONSTANT, value=0)
    planes = []
    for plane in np.moveaxis(shown.reshape(*crop.mask.shape, -1), 2, 0):
        framed = cv2.copyMakeBorder(np.ascontiguousarray(plane), *edges, cv2.BORDER_REPLICATE)
        flowed = cv2.inpaint(framed, mask, RADIUS_PIXELS, cv2.INPAINT_NS)
        planes.append(flowed[_EDGE_PIXELS:-_EDGE_PIXELS, _EDGE_PIXELS:-_EDGE_PIXELS])
    filled = np.asarray(np.stack(planes, axis=2).reshape(shown.shape), np.float32)
    frame = hole.written.copy()
    frame[crop.window.slices] = keep_inside(
        frame[crop.window.slices], crop.back(filled), crop.target
    )
    return Attempt(frame[hole.view.slices])
