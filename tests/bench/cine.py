"""How much memory the cleaning of one large multi-frame instance takes, and how fast it is."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import imagecodecs
import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from deid_node.pixels.arrays import DisplayFrame
from deid_node.values.geometry import Box, Found
from tests.bench.table import memory_megabytes

ROWS, COLUMNS = 768, 1024
FRAMES: Final = (40, 400)
KINDS: Final = ("native", "jpeg")


def measure_cine(folder: Path, *, rounds: int, each: int) -> None:
    """Print the height of memory of a process that cleans a short and a long cine of a kind."""
    del rounds, each
    for kind in KINDS:
        for frames in FRAMES:
            path = folder / f"{kind}-{frames}.dcm"
            write_cine(path, kind=kind, frames=frames)
            megabytes = path.stat().st_size / 2**20
            command = [sys.executable, "-m", "tests.bench.cine", str(path)]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"{kind:7} {frames:5} frames, {megabytes:6.0f} MB: {told.strip()}")
            path.unlink()


def write_cine(path: Path, *, kind: str, frames: int) -> None:
    """Write a cine of `frames` different colour frames, native or JPEG Baseline."""
    draw = np.random.default_rng(1)
    grain = draw.integers(0, 60, (ROWS // 4, COLUMNS // 4, 3), dtype=np.uint8)
    ground = grain.repeat(4, axis=0).repeat(4, axis=1)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    jpeg = kind == "jpeg"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit if jpeg else ExplicitVRLittleEndian
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["cine"])
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = dataset.SOPInstanceUID
    dataset.Modality = "US"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = ROWS, COLUMNS, 3
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.PlanarConfiguration = 7, 0, 0
    dataset.PhotometricInterpretation = "YBR_FULL_422" if jpeg else "RGB"
    dataset.NumberOfFrames = frames
    shown = (np.roll(ground, n, axis=1) for n in range(frames))
    if jpeg:
        coded = [bytes(imagecodecs.jpeg8_encode(frame, level=90)) for frame in shown]
        dataset.PixelData = encapsulate(coded)
        dataset["PixelData"].is_undefined_length = True
    else:
        buffer = io.BytesIO()
        for frame in shown:
            buffer.write(frame.tobytes())
        dataset.PixelData = buffer.getvalue()
    dataset["PixelData"].VR = "OB"
    dcmwrite(path, dataset, enforce_file_format=True)


def _clean(path: Path) -> None:
    """Clean the instance at `path` and write it beside; print the height of memory."""
    from deid_node.dicom import part10
    from deid_node.pixels.cleaner import PixelCleaner
    from deid_node.pixels.inpaint.solid import SolidInpainter

    heights = []

    def height() -> None:
        heights.append(memory_megabytes(os.getpid())[1])

    height()
    dataset = part10.read(path)
    height()
    started = time.perf_counter()
    finder = _Fixed(Box(40, 30, 300, 60))
    cleaned = PixelCleaner(finder, SolidInpainter(), second_look=_Fixed()).clean(dataset, seed=1)
    seconds = time.perf_counter() - started
    height()
    output = path.with_suffix(".clean.dcm")
    part10.write(cleaned.dataset, output)
    height()
    part10.read(output)
    height()
    output.unlink()
    steps = ", ".join(f"{step.stage} {step.seconds:.1f}" for step in cleaned.steps)
    names = ("start", "read", "cleaned", "written", "read again")
    told = ", ".join(f"{name} {value:.0f}" for name, value in zip(names, heights, strict=True))
    print(f"MB at most: {told}; {seconds:.1f} s ({steps})")


class _Fixed:
    """A finder that keeps nothing of what it is shown."""

    name = "fixed"

    def __init__(self, *boxes: Box) -> None:
        self._found = tuple(Found(box, 0.9) for box in boxes)

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        return tuple(self._found for _ in frames)


if __name__ == "__main__":
    _clean(Path(sys.argv[1]))
