"""Lossless JPEG as the standard allows it, not only as the usual encoders write it."""

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate

from deid_node.errors import Undecodable
from deid_node.pixeldata.frames import Frames
from tests.unit.pixeldata.instances import LOSSLESS, Kind, instance
from tests.unit.pixeldata.lossless_reference import Freedom, encoded


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize(
    "freedom",
    [
        {"tables": (0, 0, 0)},
        {"tables": (0, 1, 1)},
        {"tables": (1, 0, 0)},
        {"tables": (2, 1, 0)},
        {"interleaved": False},
        {"interleaved": False, "tables": (1, 0, 2), "restart_rows": 4},
        {"restart_rows": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize(("bits", "photometric"), [(8, "RGB"), (8, "YBR_FULL"), (16, "RGB")])
def test_colour_is_read_as_it_was_written(
    freedom: dict[str, object], predictor: int, bits: int, photometric: str
) -> None:
    kind = Kind(LOSSLESS, photometric, bits, bits)
    draw = np.random.default_rng(predictor)
    frame = draw.integers(0, 1 << bits, (11, 13, 3)).astype(kind.dtype)
    stream = encoded(frame, bits, Freedom(predictor=predictor, **freedom))  # type: ignore[arg-type]

    frames = Frames(instance(frame[None], kind, pixels=encapsulate([stream])), "PixelData")

    assert np.array_equal(frames[0], frame)


def test_a_stream_that_names_the_wrong_table_is_refused() -> None:
    """libjpeg-turbo 3.1 writes YCbCr so; half of the decoders show the picture, half noise."""
    draw = np.random.default_rng(1)
    frame = draw.integers(0, 256, (26, 14, 3)).astype(np.uint8)
    stream = bytes(
        imagecodecs.jpeg8_encode(
            frame, lossless=True, predictor=1, colorspace="YCBCR", outcolorspace="YCBCR"
        )
    )
    kind = Kind(LOSSLESS, "YBR_FULL")
    frames = Frames(instance(frame[None], kind, pixels=encapsulate([stream])), "PixelData")

    with pytest.raises(Undecodable, match="no decoder"):
        frames[0]
