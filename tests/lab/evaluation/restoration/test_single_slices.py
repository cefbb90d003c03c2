"""Volumes that no training has seen, as series of single instances through the corridor.

Drawn text, the finder that ships, and the fills of ``auto``: each slice by itself, each with the
slices beside it, and all of them as one multi-frame object. By hand, over more volumes:
``python -m tests.lab.evaluation.restoration.test_single_slices DATA COUNT [PICTURE]``.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from deid_node.errors import CleaningError
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.options import AnatomyOptions, FillPolicy
from deid_node.pixels.text.doubt import DoubtOptions
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.spool.series_options import WaitForSeriesOptions
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.series import REACH_INSTANCES, BlobBeside, InSeries
from deid_node_lab.evaluation.restoration.stack_arms import line_on
from deid_node_lab.evaluation.restoration.stacks import LAYOUTS
from deid_node_lab.evaluation.restoration.volumes import Volume, volumes_in
from tests.builders.values import an_origin
from tests.wire.conftest import shared_folder

TELEA, ALONE, BESIDE, FRAMES = "telea, alone", "auto, alone", "auto, series", "auto, one object"
ARMS: Final = (TELEA, ALONE, BESIDE, FRAMES)
KEY: Final = bytes(range(32))
UID: Final = "1.2.826.0.1.3680043.8.498.44"
SERIES: Final = MappingProxyType({"every slice": 1, "every other slice": 1, "one slice": 1})

Slices = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Written:
    """A volume with drawn text on some slices; `box` holds the ink."""

    volume: Volume
    slices: Slices
    box: Box
    numbers: tuple[int, ...]

    @classmethod
    def on(cls, volume: Volume, layout: str, *, seed: int) -> "Written":
        place = line_on(volume, seed=seed)
        count, rows, columns = volume.slices.shape
        ink = np.zeros((rows, columns), np.uint8)
        scale = max(0.35, (place.bottom - place.top) / 40)
        where = (place.left + 2, place.bottom - 3)
        cv2.putText(
            ink, "DOE^JANE 17.03.1962", where, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1, cv2.LINE_AA
        )
        numbers = tuple(LAYOUTS[layout](count))
        slices = volume.slices.copy()
        share = ink / 255
        for number in numbers:
            slices[number] = np.rint((1 - share) * slices[number] + share * 250).astype(np.uint8)
        down, right = np.nonzero(ink)
        box = Box(int(right.min()), int(down.min()), int(right.max()) + 1, int(down.max()) + 1)
        return cls(volume, slices, box, numbers)


@dataclass(frozen=True)
class Arm:
    """The slices as an arm leaves them; `error` is the mean square error under the ink's box."""

    slices: Slices
    error: float
    flicker: float


def corridor(policy: FillPolicy = FillPolicy.AUTO) -> Corridor:
    options = frozenset({Option.CLEAN_PIXEL_DATA})
    cleaner = PixelCleaner(
        build_finder(CrnnOptions()),
        build_inpainter(policy, None),
        limit=AnatomyOptions(most_share=1.0),
        doubt=DoubtOptions(regions="fill"),
    )
    scrubber = build_scrubber(MetadataOptions(), options, key=KEY)
    return Corridor(
        compile_router(RouteOptions.model_validate({})),
        {"research": Treatment(cleaner, scrubber, options, waits=WaitForSeriesOptions())},
        Provenance("finder", "2026c"),
    )


def measured(written: Written, folder: Path) -> Mapping[str, Arm]:
    """Return what the arms make of it; raise `CleaningError` where one would withhold a slice."""
    paths = [folder / f"{n}.dcm" for n in range(len(written.slices))]
    for number, path in enumerate(paths):
        _instance(written.slices[number : number + 1], number).save_as(
            path, enforce_file_format=True
        )
    one_object = folder / "frames.dcm"
    _instance(written.slices, 0).save_as(one_object, enforce_file_format=True)
    blobs = [BlobBeside(one, hashlib.sha256(one.read_bytes()).hexdigest()) for one in paths]
    made = {}
    for arm in ARMS:
        by = corridor(FillPolicy.TELEA if arm == TELEA else FillPolicy.AUTO)
        result = written.slices.copy()
        if arm == FRAMES:
            _, cleaned = by.preview(_order(one_object, folder))
            result = cleaned.dataset.pixel_array
        else:
            for number in written.numbers:
                order = _order(paths[number], folder)
                if arm == BESIDE:
                    before = tuple(reversed(blobs[max(0, number - REACH_INSTANCES) : number]))
                    after = tuple(blobs[number + 1 : number + 1 + REACH_INSTANCES])
                    series = InSeries("research", number, before, after)
                    order = replace(order, series=series)
                _, cleaned = by.preview(order)
                result[number] = cleaned.dataset.pixel_array
        made[arm] = _told(written, result)
    return made


def _order(path: Path, folder: Path) -> WorkOrder:
    return WorkOrder(InstanceId("0123456789abcdef"), 1, path, folder / "out.part", an_origin())


def _told(written: Written, made: Slices) -> Arm:
    truth = written.volume.slices.astype(np.float64)
    place = (slice(None), *written.box.slices)
    own = made.astype(np.float64)[place]
    true = truth[place]
    error = float(np.square(own - true)[list(written.numbers)].mean())
    pairs = [n for n in range(len(truth) - 1) if {n, n + 1} & set(written.numbers)]
    jumps, true_jumps = (float(np.abs(np.diff(x, axis=0))[pairs].mean()) for x in (own, true))
    return Arm(made, error, jumps / max(true_jumps, 1e-9))


def _instance(slices: Slices, number: int) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"{UID}.4.{number + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{UID}.1", f"{UID}.2"
    dataset.FrameOfReferenceUID, dataset.PatientID = f"{UID}.3", "A"
    dataset.Modality, dataset.ImageType = "CT", ["ORIGINAL", "PRIMARY"]
    dataset.ImagePositionPatient, dataset.PixelSpacing = [0, 0, number], [1, 1]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    _, dataset.Rows, dataset.Columns = slices.shape
    if len(slices) > 1:
        dataset.NumberOfFrames = len(slices)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    content = slices.tobytes()
    dataset.PixelData = content + b"\0" * (len(content) % 2)
    dataset["PixelData"].VR = "OB"
    return dataset


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def figures(volumes: Sequence[Volume], layout: str) -> tuple[dict[str, Any], list[Any]]:
    """Return dB above Telea and flicker of each arm, means over volumes, and what was filled."""
    told: dict[str, list[Arm]] = {arm: [] for arm in ARMS}
    shown = []
    for volume in volumes:
        written = Written.on(volume, layout, seed=1)
        try:
            with _folder() as folder:
                made = measured(written, folder)
        except CleaningError:
            continue
        shown.append((written, made))
        for arm in ARMS:
            told[arm].append(made[arm])
    telea = np.array([one.error for one in told[TELEA]])
    return {
        arm: {
            "volumes": len(told[arm]),
            "dB": round(float(np.mean(10 * np.log10(telea / [a.error for a in told[arm]]))), 2),
            "flicker": round(float(np.mean([one.flicker for one in told[arm]])), 2),
        }
        for arm in ARMS
    }, shown


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_series_of_single_slices_is_filled_as_well_as_one_object() -> None:
    data = shared_folder() / "data"
    if not (data / "train2" / "manifest.csv").is_file():
        pytest.skip("needs the shared data folder (DEID_NODE_SHARED)")
    volumes = volumes_in(data, ("validation",))[:3]

    one, _ = figures(volumes, "one slice")
    every, _ = figures(volumes, "every slice")

    assert one[BESIDE]["volumes"] >= 2
    assert one[BESIDE]["dB"] > one[ALONE]["dB"] + 0.5
    assert abs(one[BESIDE]["dB"] - one[FRAMES]["dB"]) < 0.5
    # Of one object the boxes are the same on all frames, too: they are carried over.
    assert every[BESIDE]["flicker"] < every[ALONE]["flicker"]


def _coronal(written: Written, made: Mapping[str, Arm]) -> NDArray[np.uint8]:
    """Return reformats across the slices, through the middle of the text: truth, then the arms."""
    row = (written.box.top + written.box.bottom) // 2
    stacks = [written.volume.slices, written.slices, *(made[arm].slices for arm in ARMS)]
    high = 10
    cuts = [np.repeat(one[:, row, :], high, axis=0) for one in stacks]
    gap = np.full((6, cuts[0].shape[1]), 128, np.uint8)
    return np.vstack([part for cut in cuts for part in (cut, gap)])


def main() -> None:
    data, count = Path(sys.argv[1]), int(sys.argv[2])
    volumes = volumes_in(data, ("validation", "excluded"))
    chosen = volumes[:: max(1, len(volumes) // count)][:count]
    print(len(volumes), "volumes,", len(chosen), "chosen", flush=True)  # noqa: T201
    for layout in SERIES:
        told, shown = figures(chosen, layout)
        print(layout, json.dumps(told, indent=1), flush=True)  # noqa: T201
        for number, (written, made) in enumerate(shown if len(sys.argv) > 3 else ()):
            path = Path(sys.argv[3]) / f"{layout.replace(' ', '_')}_{number}.png"
            cv2.imwrite(str(path), _coronal(written, made))


if __name__ == "__main__":
    main()
