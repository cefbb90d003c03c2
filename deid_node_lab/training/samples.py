"""One training sample: a picture with text, and the maps that the network shall draw.

The same seed and index give the same sample, so that a resumed training goes on
as if it had never stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node_lab.training.backgrounds import Background, Pictures
from deid_node_lab.training.bones import mask
from deid_node_lab.training.degrade import degraded
from deid_node_lab.training.distractors import distract
from deid_node_lab.training.doppler import doppler
from deid_node_lab.training.hard import HardPicture
from deid_node_lab.training.layouts import Typesetter
from deid_node_lab.training.ornaments import adorn
from deid_node_lab.training.painter import Line, Painter
from deid_node_lab.training.scenes import hard_scene, scene
from deid_node_lab.training.stamps import Scribe
from deid_node_lab.training.views import shown

MAP_STRIDE = 2
"""Pixels of the picture for one pixel of a map; the same as the network's."""

_SUBPIXEL_BITS = 4
_LEAST_HEIGHT_PIXELS = 4.0
_LONE_RATIO = 1.3
_GREY_SHARE = 0.65
_TEXT_FREE_SHARE = 0.22
_HARD_SHARE = 0.45
_HARD_TEXT_FREE_SHARE = 0.5
_MASK_SHARE, _MASK_TEXT_FREE_SHARE = 0.04, 0.9
_FLOW_SHARE, _FLOW_GREY_SHARE, _FLOW_TEXT_FREE_SHARE = 0.08, 0.12, 0.3
_DISTRACTED_SHARE, _ADORNED_SHARE = 0.5, 0.25


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture ``(side, side, 3)`` with its target maps, all of ``side / MAP_STRIDE``.

    The channels of a grey picture are its views (`deid_node_lab.training.views`).
    `core` and `region` are 0 or 1; `weight` is 0 where nothing is asked for.
    `lines` are the lines in pixels of the picture.
    """

    picture: NDArray[np.uint8]
    core: NDArray[np.float32]
    region: NDArray[np.float32]
    weight: NDArray[np.float32]
    lines: tuple[Line, ...]


class SampleMaker:
    """Makes samples from backgrounds, fonts and a seed; a quarter show `hard` places, if any."""

    def __init__(
        self,
        backgrounds: Sequence[Background],
        scribe: Scribe,
        *,
        side: int,
        seed: int,
        hard: Sequence[HardPicture] = (),
    ) -> None:
        self._pictures = Pictures(backgrounds)
        self._scribe = scribe
        self._side = side
        self._seed = seed
        self._hard = tuple(hard)

    def sample(self, index: int) -> Sample:
        """Return sample number `index`."""
        chance = np.random.default_rng([self._seed, index])
        zoom = 1.0 if chance.random() < 0.7 else float(np.exp(chance.uniform(-0.5, 0.55)))
        grey = bool(chance.random() < _GREY_SHARE)
        side = round(self._side / zoom)
        canvas, text_free, grey, plain = self._ground(side, grey, chance)
        if grey:
            canvas = np.repeat(cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
        if not plain and chance.random() < _DISTRACTED_SHARE:
            distract(canvas, chance, int(chance.integers(1, 6)), grey=grey)
        if not plain and chance.random() < _ADORNED_SHARE:
            adorn(canvas, chance, int(chance.integers(1, 5)), grey=grey)
        painter = Painter(canvas, chance, grey=grey)
        if chance.random() > text_free:
            Typesetter(painter, self._scribe, zoom=zoom).typeset()
        picture, plain = canvas, plain and not painter.lines
        if canvas.shape[0] != self._side:
            method = int(chance.choice([cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC]))
            method = cv2.INTER_NEAREST if plain else method
            picture = np.asarray(
                cv2.resize(canvas, (self._side, self._side), interpolation=method), np.uint8
            )
        scale = self._side / canvas.shape[0]
        lines = tuple(Line(line.corners * scale, line.height * scale) for line in painter.lines)
        core, region, weight = target_maps(lines, self._side)
        faint = painter.faint or plain
        if not faint:
            picture = degraded(picture, chance)
        if grey:
            picture = shown(picture, chance, faint=faint)
        return Sample(picture, core, region, weight, lines)

    def _ground(
        self, side: int, grey: bool, chance: np.random.Generator
    ) -> tuple[NDArray[np.uint8], float, bool, bool]:
        """Return what text is drawn on, and how often none is.

        Then whether it is grey, `grey` unless the ground decides, and whether it is plain:
        a mask, whose few levels nothing may smear.
        """
        kind = chance.random()
        if kind < _MASK_SHARE and self._pictures:
            return mask(self._pictures, side, chance), _MASK_TEXT_FREE_SHARE, True, True
        if kind < _MASK_SHARE + _FLOW_SHARE:
            screen = doppler(self._pictures, side, chance)
            grey = bool(chance.random() < _FLOW_GREY_SHARE)
            return screen, _FLOW_TEXT_FREE_SHARE, grey, False
        if self._hard and chance.random() < _HARD_SHARE:
            hard = self._hard[int(chance.integers(len(self._hard)))]
            return hard_scene(hard, side, chance), _HARD_TEXT_FREE_SHARE, grey, False
        return scene(self._pictures, side, chance), _TEXT_FREE_SHARE, grey, False


def target_maps(
    lines: Sequence[Line], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return core, region and weight for `lines` on a picture of ``(side, side)``.

    A short line weighs more per pixel than a long one: it covers few pixels, yet missing
    it is missing an item. A lone letter does not: it names nobody, and bones cut across
    look like one.
    """
    size = side // MAP_STRIDE
    core, region = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    weight = np.ones((size, size), np.float32)
    for line in lines:
        quad = line.corners
        seen = np.clip(quad, 0, side)
        width, height = (float(n) for n in np.ptp(seen, axis=0))
        if line.height < _LEAST_HEIGHT_PIXELS or min(width, height) < 0.4 * min(line.height, 10.0):
            _fill(weight, quad, 0.0)
            continue
        area = max(1.0, width * height)
        _fill(region, quad, 1.0)
        most = 3.0 if max(width, height) > _LONE_RATIO * line.height else 0.8
        _fill(weight, quad, float(np.clip(np.sqrt(600.0 / area), 0.6, most)))
        _fill(core, _shrunk(quad, line.height), 1.0)
    return core, region, weight


def _shrunk(quad: NDArray[np.float32], height: float) -> NDArray[np.float32]:
    across, down = quad[1] - quad[0], quad[3] - quad[0]
    lengths = [float(np.hypot(*edge)) for edge in (across, down)]
    cuts = [min(0.25 * height, 0.3 * length) / max(length, 1e-6) for length in lengths]
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    return np.asarray(
        quad + inward[:, :1] * across * cuts[0] + inward[:, 1:] * down * cuts[1], np.float32
    )


def _fill(target: NDArray[np.float32], quad: NDArray[np.float32], value: float) -> None:
    # The centre of map pixel i lies at picture coordinate (i + 0.5) * MAP_STRIDE.
    points = ((quad / MAP_STRIDE - 0.5) * (1 << _SUBPIXEL_BITS)).round().astype(np.int32)
    cv2.fillPoly(target, [points], value, shift=_SUBPIXEL_BITS)
