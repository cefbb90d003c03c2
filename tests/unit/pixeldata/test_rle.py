"""RLE Lossless taken apart: what else than planes may stand in a codestream, and what may not."""

import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate

from deid_node.dicom.syntaxes import Family
from deid_node.errors import Undecodable
from deid_node.pixeldata.decoders import decoded
from deid_node.pixeldata.encoders import ENCODERS, Task
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import layout_of
from tests.unit.pixeldata.instances import RLE, Array, Kind, instance, noise

GREY, DEEP, COLOUR = Kind(RLE), Kind(RLE, "MONOCHROME2", 32, 32), Kind(RLE, "RGB", 16, 16)


def stream(
    frame: Array, kind: Kind, *, before: bytes = b"", behind: bytes = b"", first: int = 64
) -> bytes:
    """Return `frame` coded, every segment between `before` and `behind`."""
    octets = frame.astype(frame.dtype.newbyteorder(">")).reshape(-1, kind.samples)
    planes = octets.view(np.uint8).reshape(len(octets), -1).T
    segments = [bytes(imagecodecs.packbits_encode(np.ascontiguousarray(p))) for p in planes]
    offsets, body = [], bytes(first - 64)
    for segment in segments:
        offsets.append(64 + len(body) + len(before))
        body += before + segment + behind
    offsets += [0] * (15 - len(offsets))
    return struct.pack("<16L", len(segments), *offsets) + body


@pytest.mark.parametrize("kind", [GREY, DEEP, COLOUR], ids=str)
@pytest.mark.parametrize(
    "beside",
    [{}, {"behind": b"\x00"}, {"behind": b"\x00" * 11}, {"before": b"\x00" * 6}, {"first": 70}],
    ids=str,
)
def test_zeros_beside_the_planes_are_padding(kind: Kind, beside: dict[str, object]) -> None:
    values = noise(kind, frames=1)
    coded = stream(values[0], kind, **beside)  # type: ignore[arg-type]

    words = Frames(instance(values, kind, pixels=encapsulate([coded])), "PixelData")[0]

    assert np.array_equal(words, values[0])


@pytest.mark.parametrize("kind", [GREY, COLOUR], ids=str)
@pytest.mark.parametrize("beside", [{"behind": b"\x01ab"}, {"before": b"ab"}], ids=str)
def test_anything_else_beside_them_is_refused(kind: Kind, beside: dict[str, bytes]) -> None:
    values = noise(kind, frames=1)
    coded = stream(values[0], kind, **beside)  # type: ignore[arg-type]
    frames = Frames(instance(values, kind, pixels=encapsulate([coded])), "PixelData")

    with pytest.raises(Undecodable, match="no decoder"):
        frames[0]


def test_segments_of_another_number_or_order_are_refused() -> None:
    values = noise(COLOUR, frames=1)
    layout = layout_of(instance(values, COLOUR), "PixelData")
    good = ENCODERS[RLE](Task(values[0], layout, layout, None))
    number, first, second = struct.unpack_from("<3L", good)

    for head in [(number - 1, first, second), (number, second, first), (number, 0, second)]:
        with pytest.raises(Undecodable):
            decoded(struct.pack("<3L", *head) + good[12:], Family.RLE, layout)
