"""How much memory the cleaning of one large multi-frame instance takes, and how fast it is."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from deid_node.dicom import part10
from deid_node.dicom.scratch import Scratch
from deid_node.leaks.check import LeakCheck
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.encoders import ENCODERS, Task
from deid_node.pixeldata.fragments import Encapsulation
from deid_node.pixeldata.layout import layout_of
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.search import BATCH_BYTES
from deid_node.values.geometry import Box, Found
from tests.bench.table import memory_megabytes

ROWS, COLUMNS = 768, 1024
FRAMES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {"native": (22, 200, 455), "grey": (33, 300, 682), "rle": (22, 200, 455), "jpeg": (40, 400)}
)
"""Frames by kind: 50 MB, 450 MB and 1 GB of pixels; 100 MB of JPEG are 900 MB of pixels."""

_SHIPPED_TOO: Final = ("native", 455)

_SYNTAXES: Final = MappingProxyType(
    {
        "native": ExplicitVRLittleEndian,
        "grey": ExplicitVRLittleEndian,
        "rle": RLELossless,
        "jpeg": JPEGBaseline8Bit,
    }
)


def measure_cine(folder: Path, *, rounds: int, each: int) -> None:
    """Print the height of memory of a process that cleans a short and a long cine of a kind.

    The longest is cleaned once more by the finder and the fills that ship.
    """
    del rounds, each
    for kind, lengths in FRAMES.items():
        for frames in lengths:
            path = folder / f"{kind}-{frames}.dcm"
            write_cine(path, kind=kind, frames=frames)
            megabytes = path.stat().st_size / 2**20
            for tools in ("fixed", "shipped") if (kind, frames) == _SHIPPED_TOO else ("fixed",):
                command = [sys.executable, "-m", "tests.bench.cine", str(path), tools]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                print(
                    f"{kind:7} {frames:5} frames, {megabytes:6.0f} MB, {tools}: {told.strip()}",
                    flush=True,
                )
            path.unlink()


def write_cine(path: Path, *, kind: str, frames: int) -> None:
    """Write a cine of `frames` different frames.

    `kind` is one of `FRAMES`: colour of 8 bits (native, RLE or JPEG Baseline), or grey
    of 16 bits.
    """
    grey, jpeg = kind == "grey", kind == "jpeg"
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = _SYNTAXES[kind]
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["cine"])
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = dataset.SOPInstanceUID
    dataset.PatientName, dataset.PatientID = "Bench^Mark", "B0815471"
    dataset.Modality = "US"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = ROWS, COLUMNS, 1 if grey else 3
    dataset.BitsAllocated, dataset.BitsStored = (16, 12) if grey else (8, 8)
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME2" if grey else "RGB"
    if not grey:
        dataset.PlanarConfiguration = 0
    if jpeg:
        dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.NumberOfFrames = frames
    if kind in {"rle", "jpeg"}:
        room = Encapsulation(frames, extended=False, scratch_dir=path.parent)
        layout = layout_of(dataset, "PixelData")
        for frame in _shown(grey=False, frames=frames):
            task = Task(frame, layout, layout, None)
            coded = (
                imagecodecs.jpeg8_encode(frame, level=90) if jpeg else ENCODERS[RLELossless](task)
            )
            room.add(bytes(coded))
        content = room.content()
    else:
        scratch = Scratch(path.parent)
        for frame in _shown(grey=grey, frames=frames):
            scratch.add(frame.tobytes())
        content = scratch.content()
    dataset.add_new("PixelData", "OW" if grey else "OB", content)
    dcmwrite(path, dataset, enforce_file_format=True)


def clean_cine(
    path: Path, *, batch_bytes: int = BATCH_BYTES, shipped: bool = False
) -> tuple[dict[str, float], list[tuple[str, float]]]:
    """Clean the cine at `path` as the corridor does, with text on every frame.

    The finder is a fixed box and the fill one value, unless those that ship are asked for.

    Returns the height of this process's memory after each step, in MB, and the
    seconds by stage.
    """
    heights = {}

    def height(step: str) -> None:
        heights[step] = memory_megabytes(os.getpid())[1]

    height("start")
    dataset = part10.read(path)
    height("read")
    cleaner = (
        PixelCleaner(
            build_finder(CrnnOptions()),
            build_inpainter(FillPolicy.AUTO, None),
            batch_bytes=batch_bytes,
        )
        if shipped
        else PixelCleaner(
            _Fixed(Box(40, 30, 300, 60)),
            SolidInpainter(),
            second_look=_Fixed(),
            batch_bytes=batch_bytes,
        )
    )
    cleaned = cleaner.clean(dataset, seed=1, scratch_dir=path.parent)
    height("cleaned")
    del cleaned.dataset.PatientName, cleaned.dataset.PatientID
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(cleaned.dataset, keyword, generate_uid(entropy_srcs=[keyword]))
    cleaned.dataset.file_meta.MediaStorageSOPInstanceUID = cleaned.dataset.SOPInstanceUID
    output = path.with_suffix(".clean.dcm")
    part10.write(cleaned.dataset, output)
    height("written")
    started = time.perf_counter()
    LeakCheck().check(dataset, part10.read(output))
    height("checked")
    output.unlink()
    took = [(str(step.stage), step.seconds) for step in cleaned.steps]
    return heights, [*took, ("check", time.perf_counter() - started)]


def _shown(*, grey: bool, frames: int) -> Iterator[NDArray[Any]]:
    draw = np.random.default_rng(1)
    shape = (ROWS // 4, COLUMNS // 4) if grey else (ROWS // 4, COLUMNS // 4, 3)
    high, dtype = (4096, np.uint16) if grey else (60, np.uint8)
    grain = draw.integers(0, high, shape, dtype=dtype)
    ground = np.asarray(cv2.resize(grain, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR))
    return (_signed(np.roll(ground, n, axis=1)) for n in range(frames))


def _signed(frame: NDArray[Any]) -> NDArray[Any]:
    """Return `frame` with a line of text where the fixed box lies."""
    strokes = np.zeros(frame.shape[:2], np.uint8)
    cv2.putText(strokes, "BENCH MARK 0815471", (44, 54), cv2.FONT_HERSHEY_PLAIN, 1.4, (255,), 1)
    signed = frame.copy()
    signed[strokes > 0] = 4000 if frame.dtype == np.uint16 else 255
    return signed


class _Fixed:
    """A finder that keeps nothing of what it is shown."""

    name = "fixed"

    def __init__(self, *boxes: Box) -> None:
        self._found = tuple(Found(box, 0.9) for box in boxes)

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        return tuple(self._found for _ in frames)


def _tell(path: Path, tools: str) -> None:
    started = time.perf_counter()
    heights, steps = clean_cine(path, shipped=tools == "shipped")
    seconds = time.perf_counter() - started
    told = ", ".join(f"{name} {value:.0f}" for name, value in heights.items())
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in steps)
    print(f"MB at most: {told}; {seconds:.1f} s ({stages})")


if __name__ == "__main__":
    _tell(Path(sys.argv[1]), sys.argv[2])
