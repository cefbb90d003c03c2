"""Places on text-free pictures that an earlier finder took for text.

Ribs cut across look like noughts, ticks like ones. A pupil that draws its
pictures evenly meets them a few times in a run; one that knows where its
teacher failed meets them in every other batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deid_node.pixels.find.crnn import CrnnFinder
from deid_node.pixels.find.options import CrnnOptions
from deid_node.training.backgrounds import Background
from deid_node.values.geometry import Box

_MIN_SCORE = 0.3


@dataclass(frozen=True, slots=True)
class HardPlaces:
    """A text-free picture with the boxes that a finder drew on it."""

    background: Background
    boxes: tuple[Box, ...]

    def pick(self, chance: np.random.Generator) -> Box:
        """Return one of the boxes."""
        return self.boxes[int(chance.integers(len(self.boxes)))]


def hard_places(
    teacher: Path, backgrounds: Sequence[Background], *, threads: int = 1
) -> tuple[HardPlaces, ...]:
    """Return the pictures of `backgrounds` that the ONNX finder `teacher` draws a box on.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or is no finder of this make.
    """
    options = CrnnOptions(model_file=teacher, min_score=_MIN_SCORE, device="cpu")
    finder = CrnnFinder(options, threads=threads)
    found = ((one, finder.find([one.pixels])[0]) for one in backgrounds)
    return tuple(
        HardPlaces(background, tuple(one.box for one in boxes))
        for background, boxes in found
        if boxes
    )
