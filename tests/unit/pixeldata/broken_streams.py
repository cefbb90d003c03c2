"""Decode many broken codestreams of one family: ``python -m ... FAMILY COUNT``.

A program of its own, so that a decoder that crashes fails a test and not the run.
It prints how many codestreams were decoded and how many refused.
"""

import contextlib
import sys

import imagecodecs
import jpeg_ls
import numpy as np

from deid_node.dicom.syntaxes import Family
from deid_node.errors import Undecodable
from deid_node.pixeldata.decoders import decoded
from deid_node.pixeldata.layout import Layout
from tests.unit.pixeldata.instances import RLE, Kind, codestream

ROWS, COLUMNS = 48, 64


def layout(bits: int, samples: int) -> Layout:
    name = "RGB" if samples == 3 else "MONOCHROME2"
    return Layout("PixelData", ROWS, COLUMNS, samples, bits, bits, bits - 1, False, name, 0, 1)


def sound_streams(family: Family) -> list[tuple[bytes, Layout]]:
    grey = (np.add.outer(np.arange(ROWS), np.arange(COLUMNS)) * 2 % 256).astype(np.uint8)
    deep = grey.astype(np.uint16) * 13
    rgb = np.ascontiguousarray(np.stack([grey, grey[::-1], grey], axis=2))
    plain = jpeg_ls.encode_pixel_data(
        grey.tobytes(), rows=ROWS, columns=COLUMNS, samples_per_pixel=1, bits_stored=8
    )
    table: dict[Family, list[tuple[bytes | bytearray, int, int]]] = {
        Family.RLE: [(codestream(grey, Kind(RLE)), 8, 1)],
        Family.JPEG: [
            (imagecodecs.jpeg8_encode(grey), 8, 1),
            (imagecodecs.jpeg8_encode(rgb), 8, 3),
            (imagecodecs.jpeg8_encode(deep & 4095, bitspersample=12), 16, 1),
        ],
        Family.JPEG_LOSSLESS: [
            (imagecodecs.jpeg8_encode(grey, lossless=True, predictor=1), 8, 1),
            (imagecodecs.jpeg8_encode(deep, lossless=True, predictor=4, bitspersample=16), 16, 1),
            (imagecodecs.jpeg8_encode(rgb, lossless=True, predictor=1, colorspace="RGB"), 8, 3),
        ],
        Family.JPEG_LS: [(plain, 8, 1)],
        Family.JPEG_2000: [
            (imagecodecs.jpeg2k_encode(grey, codecformat="j2k", reversible=True), 8, 1),
            (imagecodecs.jpeg2k_encode(rgb, codecformat="j2k", reversible=True), 8, 3),
        ],
        Family.HTJ2K: [(imagecodecs.htj2k_encode(grey, reversible=True), 8, 1)],
    }
    return [(bytes(stream), layout(bits, samples)) for stream, bits, samples in table[family]]


def broken(sound: bytes, draw: np.random.Generator) -> bytes:
    """Return `sound` with some bytes changed, put in or cut off."""
    stream = bytearray(sound)
    for _ in range(draw.integers(1, 6)):
        place = int(draw.integers(len(stream)))
        match int(draw.integers(3)):
            case 0:
                stream[place] = int(draw.integers(256))
            case 1:
                stream = stream[: max(8, place)]
            case _:
                stream[place:place] = draw.integers(0, 256, 5).astype(np.uint8).tobytes()
    return bytes(stream)


def main(family: Family, count: int) -> None:
    draw = np.random.default_rng(20)
    sound = sound_streams(family)
    taken = 0
    for number in range(count):
        stream, kind = sound[number % len(sound)]
        with contextlib.suppress(Undecodable):
            decoded(broken(stream, draw), family, kind)
            taken += 1
    sys.stdout.write(f"{taken} decoded, {count - taken} refused\n")


if __name__ == "__main__":
    main(Family(sys.argv[1]), int(sys.argv[2]))
