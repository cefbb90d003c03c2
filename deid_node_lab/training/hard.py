"""Places on text-free pictures that an earlier finder took for text.

Ribs cut across look like noughts, ticks like ones. A pupil that draws its
pictures evenly meets them a few times in a run; one that knows where its
teacher failed meets them in every third. The places lie in a file, so that they are
looked for beside a running training, which takes the next round's up when it goes on.

    python -m deid_node_lab.training.hard --teacher ONNX --backgrounds DIR --out hard.json
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.text.find.crnn import CrnnFinder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.values.geometry import Box
from deid_node_lab.training.backgrounds import Background, Pictures, read_every
from deid_node_lab.training.phantoms import mosaic, phantom
from deid_node_lab.training.views import as_frame

_MIN_SCORE = 0.25
_SCALES = (1.0, 0.5, 0.25)
_DRAWN_SIDES = (192, 512)
_LIKE_TEXT_FREE = "drawn/"


@dataclass(frozen=True, slots=True)
class HardPlace:
    """A box in pixels of a picture, and the scale at which that looked like text."""

    box: Box
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class HardPicture:
    """A text-free picture with the places where a finder drew boxes."""

    background: Background
    places: tuple[HardPlace, ...]


def drawn(pictures: Pictures, number: int) -> Background:
    """Return text-free picture number `number` of those made by code: a mosaic or a phantom."""
    chance = np.random.default_rng([97, number])
    side = int(chance.integers(*_DRAWN_SIDES))
    if number % 2 and pictures:
        pixels = mosaic(pictures.pick_series(chance), side, chance)
    else:
        pixels = phantom(side, chance)
    grey = np.ascontiguousarray(pixels[..., 0])
    return Background(f"{_LIKE_TEXT_FREE}{number}", "OT", "drawn", grey, "drawn")


def hard_pictures(finder: CrnnFinder, backgrounds: Sequence[Background]) -> Iterator[HardPicture]:
    """Yield the pictures of `backgrounds` that `finder` draws a box on.

    Each is looked at in its own size and in two smaller ones; graphics only in their own.
    """
    for one in backgrounds:
        places = tuple(_places(finder, one))
        if places:
            yield HardPicture(one, places)


def write_hard(file: Path, pictures: Sequence[HardPicture]) -> None:
    """Write where the places are; the pictures themselves stay where they were."""
    told = [
        {
            "path": one.background.path,
            "places": [
                [p.box.left, p.box.top, p.box.right, p.box.bottom, p.scale] for p in one.places
            ],
        }
        for one in pictures
    ]
    file.write_text(json.dumps(told), encoding="utf-8")


def read_hard(file: Path, backgrounds: Sequence[Background]) -> tuple[HardPicture, ...]:
    """Return what `write_hard` wrote, its pictures taken from `backgrounds` or drawn again."""
    known = {one.path: one for one in backgrounds}
    pictures = Pictures(backgrounds)
    every = []
    for entry in json.loads(file.read_text("utf-8")):
        path = str(entry["path"])
        if path.startswith(_LIKE_TEXT_FREE):
            background = drawn(pictures, int(path.removeprefix(_LIKE_TEXT_FREE)))
        elif path in known:
            background = known[path]
        else:
            continue
        places = (HardPlace(Box(*place[:4]), place[4]) for place in entry["places"])
        every.append(HardPicture(background, tuple(places)))
    return tuple(every)


def _places(finder: CrnnFinder, background: Background) -> Iterator[HardPlace]:
    for scale in (1.0,) if background.graphic else _SCALES:
        rows, columns = background.pixels.shape[:2]
        frame = as_frame(_scaled(background.pixels, scale))
        maps = finder.maps([frame])[0]
        size = dict(zip(("rows", "columns"), frame.shape[:2], strict=True))
        for one in finder.boxes(maps, **size, min_score=_MIN_SCORE):
            box = one.box
            yield HardPlace(
                Box(
                    min(columns - 1, int(box.left / scale)),
                    min(rows - 1, int(box.top / scale)),
                    min(columns, -int(-box.right // scale)),
                    min(rows, -int(-box.bottom // scale)),
                ),
                scale,
            )


def _scaled(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1.0:
        return pixels
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=method), np.uint8)


def main(arguments: Sequence[str] | None = None) -> int:
    """Look over every text-free picture of the training part, and write the places down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", type=Path, required=True, help="ONNX finder")
    parser.add_argument("--backgrounds", type=Path, action="append", required=True)
    parser.add_argument("--drawn", type=int, default=1200, help="pictures made by code as well")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    options = CrnnOptions(model_file=given.teacher, min_score=_MIN_SCORE, device="cpu")
    finder = CrnnFinder(options, threads=1)
    backgrounds = read_every(given.backgrounds, "train")
    pictures = Pictures(backgrounds)
    every = [*backgrounds, *(drawn(pictures, number) for number in range(given.drawn))]
    hard = tuple(hard_pictures(finder, every))
    write_hard(given.out, hard)
    made = sum(one.background.path.startswith(_LIKE_TEXT_FREE) for one in hard)
    print(  # noqa: T201
        f"{len(hard) - made} of {len(backgrounds)} pictures and {made} of {given.drawn} drawn ones "
        f"hold {sum(len(one.places) for one in hard)} places at {_MIN_SCORE} and above"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
