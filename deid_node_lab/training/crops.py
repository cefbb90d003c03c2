"""Crops of real images with a hole in each: what the inpainter learns from.

The same seed and index give the same crop. Most holes lie over anatomy: of a flat
surround the corridor knows the colour, and a network has nothing to learn there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.harmonic import stretched
from deid_node.pixels.fill.prompts import NEUTRAL, prompt_of
from deid_node_lab.training.backgrounds import Background, Pictures
from deid_node_lab.training.holes import hole

_FLAT_DEVIATION = 3.0
_FLAT_SHARE = 0.06
_TRIES = 12


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A text-free crop, the hole in it and what a model is told.

    `truth` is RGB ``(side, side, 3)``, `hole` ``(side, side)``; `around` is `truth` with
    the hole filled from the pixels around it alone, as a film stretched over it.
    `modality` is DICOM's code.
    """

    truth: NDArray[np.uint8]
    hole: Mask
    around: NDArray[np.uint8]
    modality: str

    @property
    def prompt(self) -> str:
        """The prompt of its modality."""
        return prompt_of(self.modality)


class CropMaker:
    """Makes crops of ``(side, side)`` from backgrounds and a seed, the same for the same index."""

    def __init__(
        self, backgrounds: Sequence[Background], *, side: int, seed: int, vary: bool = True
    ) -> None:
        self._pictures = Pictures(backgrounds)
        self._side = side
        self._seed = seed
        self._vary = vary

    def crop(self, index: int) -> Crop:
        """Return crop number `index`."""
        chance = np.random.default_rng([self._seed, self._side, index])
        mask = hole(self._side, self._side, chance)
        flat_allowed = chance.random() < _FLAT_SHARE
        background = self._pictures.pick(chance)
        piece = self._piece(background, chance)
        for _ in range(_TRIES):
            if flat_allowed or piece[mask].std(axis=0).max() > _FLAT_DEVIATION:
                break
            background = self._pictures.pick(chance)
            piece = self._piece(background, chance)
        truth = np.repeat(piece[..., None], 3, 2) if piece.ndim == 2 else piece
        return Crop(truth, mask, surrounding(piece, mask), background.modality)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Return a crop ``(side, side, 3)`` without a hole."""
        chance = np.random.default_rng([self._seed, self._side, index])
        piece = self._piece(self._pictures.pick(chance), chance)
        return np.repeat(piece[..., None], 3, 2) if piece.ndim == 2 else piece

    def _piece(self, background: Background, chance: np.random.Generator) -> NDArray[np.uint8]:
        pixels = background.pixels
        scale = float(np.exp(chance.uniform(-0.7, 0.25))) if self._vary else 1.0
        scale = max(scale, self._side / min(pixels.shape[:2]))
        wanted = min(round(self._side / scale), *pixels.shape[:2])
        top = int(chance.integers(0, pixels.shape[0] - wanted + 1))
        left = int(chance.integers(0, pixels.shape[1] - wanted + 1))
        piece: NDArray[Any] = pixels[top : top + wanted, left : left + wanted]
        if wanted != self._side:
            method = cv2.INTER_AREA if wanted > self._side else cv2.INTER_CUBIC
            piece = np.asarray(
                cv2.resize(piece, (self._side, self._side), interpolation=method), np.uint8
            )
        return varied(piece, chance) if self._vary else np.ascontiguousarray(piece)


def varied(piece: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return `piece` as another patient and another window might show it: mirrored, regraded."""
    if chance.random() < 0.5:
        piece = piece[:, ::-1]
    if chance.random() < 0.25:
        piece = piece[::-1]
    if chance.random() < 0.5:
        levels = np.linspace(0, 1, 256) ** float(np.exp(chance.uniform(-0.5, 0.5)))
        gain, lift = chance.uniform(0.6, 1.15), chance.uniform(-0.05, 0.15)
        if piece.ndim == 2 and chance.random() < 0.2:
            levels = 1 - levels
        table = np.clip(255 * (levels * gain + lift), 0, 255).round().astype(np.uint8)
        piece = table[piece]
    if piece.ndim == 3 and chance.random() < 0.15:
        piece = np.asarray(cv2.cvtColor(np.ascontiguousarray(piece), cv2.COLOR_RGB2GRAY), np.uint8)
    return np.ascontiguousarray(piece)


def surrounding(piece: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """Return `piece` as RGB with its hole filled from around, as the corridor does it."""
    shown = stretched(piece.astype(np.float32), mask)
    filled = np.clip(np.rint(shown), 0, 255).astype(np.uint8)
    return np.repeat(filled[..., None], 3, 2) if piece.ndim == 2 else filled


def told(crop: Crop, chance: np.random.Generator, *, neutral: float) -> str:
    """Return the prompt that training tells: that of the modality, or now and then none."""
    return NEUTRAL if chance.random() < neutral else crop.prompt
