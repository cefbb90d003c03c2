"""DCMTK reads what was written: a decoder that shares no code with ours."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite

from deid_node.pixels.bits import values_of
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.frames import Frames
from deid_node.pixels.inpaint.telea import TeleaInpainter
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixels.instances import JLS, RLE, SV1, Kind, instance, noise

DECODERS = {RLE: "dcmdrle", JLS: "dcmdjpls", SV1: "dcmdjpeg"}


def _decoder(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} (Debian package dcmtk) is missing")
        pytest.skip(f"needs {name} (Debian package dcmtk)")
    return found


@pytest.mark.peer("dcmtk")
@pytest.mark.parametrize(
    "kind",
    [
        Kind(RLE),
        Kind(RLE, "MONOCHROME2", 16, 12, signed=True),
        Kind(RLE, "RGB"),
        Kind(JLS),
        Kind(JLS, "MONOCHROME2", 16, 12),
        Kind(JLS, "RGB"),
        Kind(SV1),
        Kind(SV1, "MONOCHROME2", 16, 16, signed=True),
        Kind(SV1, "RGB"),
    ],
    ids=str,
)
def test_dcmtk_reads_the_same_values(kind: Kind, tmp_path: Path) -> None:
    decoder = _decoder(DECODERS[kind.syntax])
    cleaner = PixelCleaner(
        finds_always(Box(8, 6, 30, 16)), TeleaInpainter(), second_look=finds_nothing()
    )
    dataset = cleaner.clean(instance(noise(kind, frames=2), kind), seed=1).dataset
    ours = Frames(dataset, "PixelData")
    coded, plain = tmp_path / "coded.dcm", tmp_path / "plain.dcm"
    dcmwrite(coded, dataset, enforce_file_format=True)

    subprocess.run([decoder, str(coded), str(plain)], check=True, capture_output=True)

    theirs = dcmread(plain)
    assert theirs.PhotometricInterpretation == kind.photometric
    for index, words in enumerate(Frames(theirs, "PixelData")):
        assert np.array_equal(values_of(words, ours.layout), values_of(ours[index], ours.layout)), (
            index
        )
