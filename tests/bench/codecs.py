"""What the pixel room takes for a frame, beside the codec library alone, in one run.

A frame is decoded, shown, composed with a fill in its upper left, coded, and
decoded again to be sure, as the cleaner does with a frame that has text; nobody
looks and nothing is inpainted. The codec alone decodes it, codes it and decodes it
again. Both take turns, and the shortest of the rounds counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import imagecodecs
import jpeg_ls
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from deid_node.pixeldata.bits import values_of, words_of
from deid_node.pixeldata.compose import keep_inside
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.writers import writer_for
from deid_node.pixels.rewrite import grid_of
from deid_node.pixels.text.masks import mask_of
from deid_node.values.geometry import Box

ROWS, COLUMNS = 768, 1024
BOXES: Final = {"above": Box(32, 32, 304, 64), "below": Box(32, 688, 304, 720)}
_ROOT: Final = "1.2.840.10008.1.2"

Array = NDArray[Any]


@dataclass(frozen=True)
class Codec:
    """A syntax, and what codes and decodes a frame of it alone."""

    name: str
    syntax: str
    encode: Callable[[Array], bytes]
    decode: Callable[[bytes], Any]


def _rle_encoded(frame: Array) -> bytes:
    """Return one frame in the segments of DICOM, coded whole: faster than row by row."""
    planes = frame.reshape(ROWS, COLUMNS, -1)
    octets = planes.astype(planes.dtype.newbyteorder(">")).view(np.uint8)
    segments = [
        imagecodecs.packbits_encode(np.ascontiguousarray(octets[..., n]), axis=-1)
        for n in range(octets.shape[-1])
    ]
    even = [bytes(s) + b"\x00" * (len(s) % 2) for s in segments]
    starts = np.cumsum([64, *(len(s) for s in even[:-1])])
    head = np.zeros(16, "<u4")
    head[0], head[1 : 1 + len(even)] = len(even), starts
    return head.tobytes() + b"".join(even)


def _rle_decoded(content: bytes, dtype: str) -> Array:
    return np.frombuffer(imagecodecs.dicomrle_decode(content, np.dtype(dtype)), dtype)


def _jpeg_ls_encoded(frame: Array) -> bytes:
    return bytes(jpeg_ls.encode_array(frame, interleave_mode=2 if frame.ndim == 3 else None))


def _lossless(frame: Array) -> bytes:
    space = "RGB" if frame.ndim == 3 else None
    depth = 12 if frame.dtype == np.uint16 else 8
    return bytes(
        imagecodecs.jpeg8_encode(
            frame, colorspace=space, outcolorspace=space, lossless=True, predictor=1,
            bitspersample=depth,
        )
    )  # fmt: skip


def _lossless_decoded(content: bytes) -> Any:
    return imagecodecs.jpeg8_decode(content)


CODECS: Final = (
    Codec("native", f"{_ROOT}.1", lambda f: f.tobytes(), bytearray),
    Codec("RLE", f"{_ROOT}.5", _rle_encoded, lambda c: _rle_decoded(c, "<u1")),
    Codec("JPEG Baseline", f"{_ROOT}.4.50", lambda f: bytes(imagecodecs.jpeg8_encode(f, level=90)),
          imagecodecs.jpeg8_decode),
    Codec("JPEG Lossless SV1", f"{_ROOT}.4.70", _lossless, _lossless_decoded),
    Codec("JPEG-LS", f"{_ROOT}.4.80", _jpeg_ls_encoded, imagecodecs.jpegls_decode),
    Codec("JPEG 2000", f"{_ROOT}.4.90",
          lambda f: bytes(imagecodecs.jpeg2k_encode(f, codecformat="j2k", reversible=True)),
          imagecodecs.jpeg2k_decode),
    Codec("HTJ2K", f"{_ROOT}.4.201",
          lambda f: bytes(imagecodecs.htj2k_encode(f, reversible=True)),
          imagecodecs.jpeg2k_decode),
)  # fmt: skip


def measure_codecs(folder: Path, *, rounds: int, each: int) -> None:
    """Print megapixels a second of a frame with text, ours and the codec's alone."""
    del folder, each
    print(f"{'syntax':18} {'frame':8} {'text':6}  codec MP/s   ours MP/s   above the codec")
    for codec in CODECS:
        for kind in ("grey 8", "grey 12", "colour"):
            if codec.name == "JPEG Baseline" and kind == "grey 12":
                continue
            for where, box in BOXES.items():
                if where == "below" and codec.name != "JPEG Baseline":
                    continue
                _measure(codec, kind, where, box, rounds=max(3, rounds))


def _measure(codec: Codec, kind: str, where: str, box: Box, *, rounds: int) -> None:
    frame = _scene(kind)
    coded = codec.encode(frame)
    dataset = _instance(codec, frame, coded)
    alone, ours = [], []
    for _ in range(rounds):
        started = perf_counter()
        codec.decode(coded)
        again = codec.encode(frame)
        if codec.syntax != f"{_ROOT}.1":
            codec.decode(again)
        alone.append(perf_counter() - started)
        started = perf_counter()
        _cleaned(dataset, box)
        ours.append(perf_counter() - started)
    pixels = ROWS * COLUMNS / 1e6
    share = min(ours) / min(alone) - 1
    print(
        f"{codec.name:18} {kind:8} {where:6} {pixels / min(alone):11.1f} {pixels / min(ours):11.1f}"
        f" {share:14.0%}",
        flush=True,
    )


def _cleaned(dataset: Dataset, box: Box) -> None:
    frames = Frames(dataset, "PixelData")
    layout, grid = frames.layout, grid_of(frames)
    snapped = Box(
        box.left // grid * grid, box.top // grid * grid,
        -(-box.right // grid) * grid, -(-box.bottom // grid) * grid,
    )  # fmt: skip
    mask = mask_of([snapped], rows=layout.rows, columns=layout.columns)
    words = frames[0]
    values = values_of(words, layout)
    Display(dataset, layout).views(values, 0)
    filled = values.copy()
    filled[mask] = values[0, 0]
    writer = writer_for(frames, dataset, None)
    new = keep_inside(words, words_of(filled, layout), mask)
    if not writer.exact:
        writer.read_back(0, new, mask)
    writer.put(0, new)
    writer.write(dataset)


def _scene(kind: str) -> Array:
    """Return a frame with as much noise as a picture has."""
    draw = np.random.default_rng(1)
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    smooth = 90 + 60 * np.sin(rows / 60) * np.cos(columns / 80)
    noise = draw.normal(0, 3, (ROWS, COLUMNS))
    if kind == "grey 12":
        deep: Array = ((smooth + noise) * 16).clip(0, 4095).astype(np.uint16)
        return deep
    grey: Array = (smooth + noise).clip(0, 255).astype(np.uint8)
    return grey if kind == "grey 8" else np.stack([grey, np.roll(grey, 7, 0), 255 - grey], axis=2)


def _instance(codec: Codec, frame: Array, coded: bytes) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(codec.syntax)
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    dataset.SamplesPerPixel = 1 if frame.ndim == 2 else 3
    dataset.BitsAllocated = frame.dtype.itemsize * 8
    dataset.BitsStored = 8 if frame.dtype == np.uint8 else 12
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    if frame.ndim == 3:
        lossy = codec.name == "JPEG Baseline"
        dataset.PhotometricInterpretation = "YBR_FULL_422" if lossy else "RGB"
        dataset.PlanarConfiguration = 0
    encapsulated = codec.name != "native"
    dataset.add_new("PixelData", "OB", encapsulate([coded]) if encapsulated else coded)
    dataset["PixelData"].is_undefined_length = encapsulated
    return dataset
