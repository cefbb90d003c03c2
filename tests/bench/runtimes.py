"""How long finding takes on one core, runtime beside runtime, slice by slice.

From stored values to boxes: views, network, second glance where anything is seen, boxes.
The slices are those of every bench, and drawn ones of many sizes: a runtime that prepares
for each shape shows it there.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
import numpy as np
from pydicom import Dataset

from deid_node.dicom import part10
from deid_node.errors import ConfigurationError
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions, OnnxRuntimeOptions, OpenVinoOptions
from tests.bench.slices import write_slices

RUNTIMES = {
    "onnxruntime": OnnxRuntimeOptions(),
    "OpenVINO, float32": OpenVinoOptions(kind="openvino"),
    "OpenVINO, bfloat16": OpenVinoOptions(kind="openvino", precision="bfloat16"),
}


def measure_runtimes(folder: Path, *, rounds: int, each: int) -> None:
    """Print seconds a slice, `each` slices of one size and of many, `rounds` times."""
    finders: dict[str, Finder] = {}
    for name, runtime in RUNTIMES.items():
        try:
            finders[name] = build_finder(CrnnOptions(device="cpu", runtime=runtime), threads=1)
        except ConfigurationError as error:
            print(f"{name}: left out, {error}")
    cv2.setNumThreads(1)
    for title, slices in (
        ("512 x 512, 16 bit", list(_of_one_size(folder, each))),
        ("of many sizes", list(_of_many_sizes(folder / "many", each))),
    ):
        seconds: dict[str, list[float]] = {name: [] for name in finders}
        for _ in range(rounds):
            for dataset in slices:
                for name, finder in finders.items():
                    seconds[name].append(_seconds(finder, dataset))
        _tell(title, seconds)


def _tell(title: str, seconds: dict[str, list[float]]) -> None:
    base = seconds["onnxruntime"]
    print(f"{title}: seconds a slice, median, mean, and median ratio to onnxruntime, in pairs")
    for name, own in seconds.items():
        ratio = median(one / other for one, other in zip(own, base, strict=True))
        print(f"  {name:20}  {median(own):.4f}  {sum(own) / len(own):.4f}  {ratio:.2f}")


def _seconds(finder: Finder, dataset: Dataset) -> float:
    frames = Frames(dataset, "PixelData")
    display = Display(dataset, frames.layout, big_endian=False)
    values = values_of(frames[0], frames.layout)
    started = perf_counter()
    finder.find(display.views(values, 0))
    return perf_counter() - started


def _of_one_size(folder: Path, each: int) -> Iterator[Dataset]:
    paths: Sequence[Path] = write_slices(folder / "one", each, series=1)
    yield from map(part10.read, paths)


def _of_many_sizes(folder: Path, each: int) -> Iterator[Dataset]:
    """Yield slices cut to sizes of their own, as crops and films come."""
    chance = np.random.default_rng(3)
    for dataset in map(part10.read, write_slices(folder, each, series=2)):
        rows, columns = (int(n) for n in chance.integers(200, 513, 2))
        stored = np.frombuffer(dataset.PixelData, "<u2").reshape(dataset.Rows, dataset.Columns)
        dataset.Rows, dataset.Columns = rows, columns
        dataset.PixelData = np.ascontiguousarray(stored[:rows, :columns]).tobytes()
        yield dataset
