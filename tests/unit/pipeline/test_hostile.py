"""Files made to hurt: each is withheld with its code, at once and in little memory."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from deid_node.dicom import part10
from deid_node.dicom.silence import silenced
from deid_node.values.outcome import Withheld
from tests.bench.table import memory_megabytes
from tests.unit.pipeline.test_corridor import a_corridor, an_order

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.7"
SECONDS = 20
"""On a machine that does other things too; alone, each takes less than one."""
MEGABYTES = 96

GREY = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
ITEM = b"\xfe\xff\x00\xe0"


def an_image(**changed: object) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = SOP_CLASS, "1.2.3.4.5.6.7"
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.2.3.4.5.6.8"
    dataset.PatientName, dataset.PatientID, dataset.Modality = "Doe^Jane", "4711", "OT"
    dataset.Rows = dataset.Columns = 64
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    for keyword, value in changed.items():
        setattr(dataset, keyword, value)
    return dataset


def a_file(dataset: Dataset, pixels: bytes, syntax: str, *, length: int | None = None) -> bytes:
    """Return a file with `pixels` last; their `length` is what is told of it, None: undefined."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, implicit_vr=False, little_endian=True)
    told = 0xFFFFFFFF if length is None else length
    element = b"\xe0\x7f\x10\x00OB\x00\x00" + struct.pack("<L", told) + pixels
    if length is None:
        element += b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    content = buffer.getvalue() + element
    header = part10.spool_header(
        sop_class_uid=SOP_CLASS, sop_instance_uid="1.2.3.4.5.6.7", transfer_syntax=syntax
    )
    if syntax == DeflatedExplicitVRLittleEndian:
        deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
        content = deflater.compress(content) + deflater.flush()
    return header + content


def huge(syntax: str, codestream: bytes) -> bytes:
    dataset = an_image(Rows=65535, Columns=65535)
    return a_file(dataset, encapsulate([codestream]), syntax)


def resized(codestream: bytes, marker: bytes, behind: int, form: str) -> bytes:
    """Return `codestream` cut behind its header, which claims 65,535 x 65,535."""
    stream = bytearray(codestream)
    place = stream.index(marker) + behind
    stream[place : place + struct.calcsize(form)] = struct.pack(form, 65535, 65535)
    return bytes(stream[: place + 40]) + b"\xff\xd9"


def bomb() -> bytes:
    size = 1 << 29
    return a_file(an_image(), bytes(size), DeflatedExplicitVRLittleEndian, length=size)


def cine(frames: int, *fragments: bytes, table: bytes = b"") -> bytes:
    pixels = ITEM + struct.pack("<L", len(table)) + table
    pixels += b"".join(ITEM + struct.pack("<L", len(one)) + one for one in fragments)
    return a_file(an_image(NumberOfFrames=frames), pixels, JPEGBaseline8Bit)


def even(codestream: bytes) -> bytes:
    return codestream + b"\x00" * (len(codestream) % 2)


JPEG = even(bytes(imagecodecs.jpeg8_encode(GREY)))
LOSSLESS = bytes(imagecodecs.jpeg8_encode(GREY, lossless=True, predictor=1))
JPEG_LS = bytes(imagecodecs.jpegls_encode(GREY))
JPEG_2000 = bytes(imagecodecs.jpeg2k_encode(GREY, codecformat="j2k", reversible=True))
HTJ2K = bytes(imagecodecs.htj2k_encode(GREY, reversible=True))
RLE_HEADER = struct.pack("<16L", 1, 64, *[0] * 14)

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "65535 x 65535, native, ten bytes": (
        lambda: a_file(
            an_image(Rows=65535, Columns=65535), bytes(10), ExplicitVRLittleEndian, length=10
        ),
        "undecodable",
    ),
    "65535 x 65535, RLE": (lambda: huge(RLELossless, RLE_HEADER + bytes(10)), "undecodable"),
    "65535 x 65535, JPEG": (
        lambda: huge(JPEGBaseline8Bit, resized(JPEG, b"\xff\xc0", 5, ">HH")), "undecodable",
    ),
    "65535 x 65535, JPEG Lossless": (
        lambda: huge(JPEGLosslessSV1, resized(LOSSLESS, b"\xff\xc3", 5, ">HH")), "undecodable",
    ),
    "65535 x 65535, JPEG-LS": (
        lambda: huge(JPEGLSLossless, resized(JPEG_LS, b"\xff\xf7", 5, ">HH")), "undecodable",
    ),
    "65535 x 65535, JPEG 2000": (
        lambda: huge(JPEG2000Lossless, resized(JPEG_2000, b"\xff\x51", 6, ">LL")), "undecodable",
    ),
    "65535 x 65535, HTJ2K": (
        lambda: huge(HTJ2KLossless, resized(HTJ2K, b"\xff\x51", 6, ">LL")), "undecodable",
    ),
    "a deflated bomb": (bomb, "malformed_dataset"),
    "a billion frames, ten bytes": (
        lambda: a_file(
            an_image(NumberOfFrames=2**31 - 1), bytes(10), ExplicitVRLittleEndian, length=10
        ),
        "undecodable",
    ),
    "a billion frames, one fragment": (lambda: cine(2**31 - 1, JPEG), "undecodable"),
    "pixels shorter than they say": (
        lambda: a_file(an_image(), bytes(4096), ExplicitVRLittleEndian, length=2**32 - 4),
        "malformed_dataset",
    ),
    "a fragment longer than the file": (
        lambda: a_file(
            an_image(), ITEM + bytes(4) + ITEM + struct.pack("<L", 2**31) + JPEG, JPEGBaseline8Bit
        ),
        "undecodable",
    ),
    "fewer fragments than frames": (lambda: cine(3, JPEG, JPEG), "undecodable"),
    "more frames than they say": (lambda: cine(2, JPEG, JPEG, JPEG), "malformed_dataset"),
    "an empty offset table, frames that cannot be told apart": (
        lambda: cine(2, JPEG, JPEG[:40], bytes(2)), "undecodable",
    ),
    "an offset table that points nowhere": (
        lambda: cine(2, JPEG, JPEG, table=struct.pack("<2L", 0, 12)), "undecodable",
    ),
    "an offset table for other frames": (
        lambda: cine(2, JPEG, JPEG, table=struct.pack("<3L", 0, 8, 16)), "malformed_dataset",
    ),
    "a JPEG of another size": (
        lambda: cine(1, even(bytes(imagecodecs.jpeg8_encode(GREY[:, :56])))), "undecodable",
    ),
    "a JPEG in colour that says grey": (
        lambda: cine(1, even(bytes(imagecodecs.jpeg8_encode(np.stack([GREY] * 3, axis=2))))),
        "undecodable",
    ),
    "a second frame of another size": (
        lambda: cine(2, JPEG, even(bytes(imagecodecs.jpeg8_encode(GREY[:32])))), "undecodable",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class End:
    """How an instance ended, in what time, and how far memory rose."""

    code: str
    seconds: float
    megabytes: float
    is_left: bool


def ended(folder: Path, path: Path) -> End:
    """Run the corridor over `path`."""
    corridor, order = a_corridor(), an_order(folder, path)
    before = memory_megabytes(os.getpid())[1]
    started = process_time()
    with silenced():
        outcome = corridor.clean(order)
    seconds = process_time() - started
    risen = memory_megabytes(os.getpid())[1] - before
    code = outcome.code if isinstance(outcome, Withheld) else "cleaned"
    return End(code, seconds, risen, order.output.exists())


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, End]:
    found = {}
    # Another process, so that neither its height of memory nor a crash is that of the tests.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
        for name, (made, _) in HOSTILE.items():
            folder = tmp_path_factory.mktemp("hostile")
            path = folder / "hostile.dcm"
            path.write_bytes(made())
            found[name] = worker.submit(ended, folder, path).result(timeout=120)
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_hurt_is_withheld_at_once(name: str, ends: dict[str, End]) -> None:
    end = ends[name]

    assert end.code == HOSTILE[name][1]
    assert end.seconds < SECONDS
    assert end.megabytes < MEGABYTES
    assert not end.is_left
