"""Boxes that a finder proposes, with what they are: text, or what it took for text.

The judge learns from the very boxes that it will be asked about, so they come from the
finder itself: on painted samples a box is text when most of it lies on lines, and
nothing when next to none of it does; on text-free pictures none is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.find import context
from deid_node.pixels.find.crnn import CrnnFinder
from deid_node.training.samples import Sample
from deid_node.values.geometry import Found

_TEXT_SHARE = 0.4
_EMPTY_SHARE = 0.08
_MOST_OF_ONE_PICTURE = 12


@dataclass(frozen=True, slots=True)
class Proposal:
    """A box as the judge sees it (`deid_node.pixels.find.context`), and whether it is text."""

    near: NDArray[np.uint8]
    far: NDArray[np.uint8]
    facts: NDArray[np.float32]
    is_text: bool


def of_sample(
    finder: CrnnFinder, sample: Sample, chance: np.random.Generator
) -> Iterator[Proposal]:
    """Yield proposals on a painted sample; boxes that are half text are left out."""
    rows, columns = sample.picture.shape[:2]
    ink = np.zeros((rows, columns), np.uint8)
    for line in sample.lines:
        cv2.fillPoly(ink, [line.corners.round().astype(np.int32)], 1)
    for found in _some(finder.proposals([sample.picture])[0], chance):
        share = float(ink[found.box.slices].mean())
        if share >= _TEXT_SHARE or share <= _EMPTY_SHARE:
            yield _shown(sample.picture, found, chance, is_text=share >= _TEXT_SHARE)


def of_text_free(
    finder: CrnnFinder, frame: NDArray[np.uint8], chance: np.random.Generator
) -> Iterator[Proposal]:
    """Yield proposals on a frame ``(rows, columns, 3)`` without text: none of them is any."""
    for found in _some(finder.proposals([frame])[0], chance):
        yield _shown(frame, found, chance, is_text=False)


def _some(found: Sequence[Found], chance: np.random.Generator) -> list[Found]:
    chosen = chance.permutation(len(found))[:_MOST_OF_ONE_PICTURE]
    return [found[int(n)] for n in chosen]


def _shown(
    frame: NDArray[np.uint8], found: Found, chance: np.random.Generator, *, is_text: bool
) -> Proposal:
    near = context.near(frame, found.box)
    one = near[int(chance.integers(len(near)))]
    return Proposal(one, context.far(frame, found.box), context.facts(frame, found), is_text)
