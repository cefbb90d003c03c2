"""Measure what further looks of the finder would bring, and what they would cost.

``python -m tests.bench.looks --shared DIR --fonts DIR`` looks at the validation
images of the model card as they are and, beside that, at half and double size,
inverted and turned by a quarter; each table row adds one such look to the plain
one. With ``--model`` another ONNX file (an int8 one, say) is measured too. The
table stands in docs/models.md.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from deid_node.pixels.arrays import DisplayFrame
from deid_node.pixels.find.crnn import CrnnFinder
from deid_node.pixels.find.options import CrnnOptions
from deid_node.training.faces import find_faces
from deid_node.training.finder import hold_out
from deid_node.training.measure import judge
from deid_node.training.ship import Shipment, example_sets
from deid_node.training.stamps import Scribe
from deid_node.values.geometry import Box, Found

Look = Callable[[DisplayFrame], Sequence[Found]]
_SEED: Final = 5


def as_it_is(finder: CrnnFinder) -> Look:
    """Return the look that the cleaner takes."""
    return lambda frame: finder.find([frame])[0]


def scaled(finder: CrnnFinder, scale: float) -> Look:
    """Return a look at the frame `scale` times as large."""

    def look(frame: DisplayFrame) -> Sequence[Found]:
        rows, columns = frame.shape[:2]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        other = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=method)
        return [
            Found(_within(one.box, 1 / scale, rows, columns), one.score)
            for one in finder.find([np.asarray(other, np.uint8)])[0]
        ]

    return look


def inverted(finder: CrnnFinder) -> Look:
    """Return a look at the negative of the frame."""
    return lambda frame: finder.find([255 - frame])[0]


def turned(finder: CrnnFinder) -> Look:
    """Return a look at the frame turned by a quarter, clockwise."""

    def look(frame: DisplayFrame) -> Sequence[Found]:
        rows = frame.shape[0]
        found = finder.find([np.ascontiguousarray(np.rot90(frame, 3))])[0]
        return [
            Found(
                Box(one.box.top, rows - one.box.right, one.box.bottom, rows - one.box.left),
                one.score,
            )
            for one in found
        ]

    return look


def _within(box: Box, scale: float, rows: int, columns: int) -> Box:
    left, top = int(box.left * scale), int(box.top * scale)
    right, bottom = (-int(-length * scale // 1) for length in (box.right, box.bottom))
    return Box(min(left, columns - 1), min(top, rows - 1), min(right, columns), min(bottom, rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="the shared data folder")
    parser.add_argument("--fonts", type=Path, action="append", required=True)
    parser.add_argument("--model", type=Path, help="another ONNX file of the same make")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args(arguments)
    fonts = tuple(chosen.fonts)
    shipment = Shipment(Path(), chosen.shared, fonts, Path(), threads=chosen.threads)
    unseen = Scribe(hold_out(find_faces(fonts))[1])
    sets = example_sets(shipment, "validation", unseen, _SEED)
    finder = CrnnFinder(CrnnOptions(device="cpu"), threads=chosen.threads)
    rows: dict[str, tuple[Look, ...]] = {
        "plain": (as_it_is(finder),),
        "and at half size": (as_it_is(finder), scaled(finder, 0.5)),
        "and at double size": (as_it_is(finder), scaled(finder, 2.0)),
        "and inverted": (as_it_is(finder), inverted(finder)),
        "and turned": (as_it_is(finder), turned(finder)),
    }
    if chosen.model is not None:
        other = CrnnFinder(
            CrnnOptions(model_file=chosen.model, device="cpu"), threads=chosen.threads
        )
        rows[chosen.model.name] = (as_it_is(other),)
    print(
        "| looks | screens: lines | rendered: lines | rendered: unneeded area "
        "| text-free: touched | time |\n|---|---|---|---|---|---|"
    )
    unit = 0.0
    for name, looks in rows.items():
        started = time.perf_counter()
        told = {
            kind: judge((one, [box for look in looks for box in look(one.frame)]) for one in every)
            for kind, every in sets.items()
        }
        seconds = time.perf_counter() - started
        unit = unit or seconds
        screens, rendered, free = told["screens"], told["rendered"], told["text_free"]
        print(
            f"| {name} | {screens.items_found} / {screens.items} "
            f"| {rendered.items_found} / {rendered.items} ({rendered.recall:.4f}) "
            f"| {rendered.unneeded:.2%} | {free.images_touched} / {free.images} "
            f"| {seconds / unit:.1f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
