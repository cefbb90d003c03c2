"""DCMTK reads what was written: a decoder that shares no code with ours."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixeldata.instances import (
    BASELINE,
    JLS,
    LOSSLESS,
    RLE,
    SV1,
    Array,
    Kind,
    instance,
    noise,
    outside,
)
from tests.unit.pixeldata.test_golden import LOSSLESS_CODED
from tests.unit.pixeldata.test_jpeg_editing import jpeg, texture

# Colour is left as the components are.
LOSSLESS_JPEG = ("dcmdjpeg", "+cn")
DECODERS = {
    RLE: ("dcmdrle",),
    JLS: ("dcmdjpls",),
    SV1: LOSSLESS_JPEG,
    LOSSLESS: LOSSLESS_JPEG,
}
BOX = Box(24, 18, 60, 30)


def _decoder(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} (Debian package dcmtk) is missing")
        pytest.skip(f"needs {name} (Debian package dcmtk)")
    return found


@pytest.mark.peer("dcmtk")
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("kind", [k for k in LOSSLESS_CODED if k.syntax in DECODERS], ids=str)
def test_dcmtk_reads_the_same_values(kind: Kind, frames: int, tmp_path: Path) -> None:
    name, *options = DECODERS[kind.syntax]
    decoder = _decoder(name)
    cleaner = PixelCleaner(
        finds_always(Box(8, 6, 30, 16)), TeleaInpainter(), second_look=finds_nothing()
    )
    dataset = cleaner.clean(instance(noise(kind, frames=frames), kind), seed=1).dataset
    ours = Frames(dataset, "PixelData")
    coded, plain = tmp_path / "coded.dcm", tmp_path / "plain.dcm"
    dcmwrite(coded, dataset, enforce_file_format=True)

    subprocess.run([decoder, *options, str(coded), str(plain)], check=True, capture_output=True)

    theirs = dcmread(plain)
    assert theirs.PhotometricInterpretation == kind.photometric
    for index, words in enumerate(Frames(theirs, "PixelData")):
        assert np.array_equal(values_of(words, ours.layout), values_of(ours[index], ours.layout)), (
            index
        )


def _elsewhere(dataset: Dataset, folder: Path) -> Array:
    """Return the frame as DCMTK decodes it, colour left as the components are."""
    coded, plain = folder / "coded.dcm", folder / "plain.dcm"
    dcmwrite(coded, dataset, enforce_file_format=True)
    decoder = _decoder("dcmdjpeg")
    subprocess.run([decoder, "+cn", str(coded), str(plain)], check=True, capture_output=True)
    theirs = dcmread(plain)
    shape = (theirs.Rows, theirs.Columns, theirs.SamplesPerPixel)
    pixels = np.frombuffer(theirs.PixelData, np.uint8)[: np.prod(shape)]
    if theirs.SamplesPerPixel == 3 and theirs.PlanarConfiguration == 1:
        return np.moveaxis(pixels.reshape(3, *shape[:2]), 0, 2)
    return pixels.reshape(shape)


@pytest.mark.req("REQ-PX-04")
@pytest.mark.peer("dcmtk")
@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("quality", [40, 95])
@pytest.mark.parametrize("size", [(64, 96), (61, 83)], ids=["whole", "odd"])
@pytest.mark.parametrize("sampling", ["grey", "4:4:4", "4:2:2", "4:2:0"])
def test_dcmtk_reads_the_blocks_that_stay_as_before(
    sampling: str, size: tuple[int, int], quality: int, restart: int, tmp_path: Path
) -> None:
    colour = sampling != "grey"
    name = {"grey": "MONOCHROME2", "4:2:2": "YBR_FULL_422"}.get(sampling, "YBR_FULL")
    frame = texture(*size, colour=colour)
    stream = jpeg(frame, quality=quality, sampling=sampling if colour else "4:4:4", restart=restart)
    original = instance(frame[None], Kind(BASELINE, name), pixels=encapsulate([stream]))
    cleaner = PixelCleaner(finds_always(BOX), SolidInpainter(), second_look=finds_nothing())

    cleaned = cleaner.clean(original, seed=1)

    assert cleaned.dataset.file_meta.TransferSyntaxUID == BASELINE
    before, after = (_elsewhere(d, tmp_path) for d in (original, cleaned.dataset))
    keep = outside(size, [region.box for region in cleaned.regions])
    assert keep.mean() > 0.3
    assert np.array_equal(before[keep], after[keep])
    # One value, but for what the chroma around it adds at the edge.
    inner = after[BOX.slices].astype(int)
    assert (inner.max(axis=(0, 1)) - inner.min(axis=(0, 1))).max() <= 1
