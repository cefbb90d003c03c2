"""Bits Stored and High Bit beside codestreams of another depth."""

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from pydicom.encaps import encapsulate

from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.values.geometry import Box
from tests.fakes.finder import ScriptedFinder, finds_always, finds_nothing
from tests.unit.pixeldata.instances import (
    EXPLICIT,
    EXTENDED,
    J2K,
    J2K_LOSSY,
    JLS,
    JLS_NEAR,
    LOSSLESS,
    Array,
    Kind,
    decoded_elsewhere,
    instance,
    noise,
    outside,
)
from tests.unit.pixeldata.lossless_reference import Freedom, encoded

BOX = Box(8, 6, 30, 16)


def coded(values: Array, syntax: str, bits: int) -> bytes:
    """Return Pixel Data of codestreams with `bits` bits a sample."""
    streams = []
    for frame in values:
        plain = frame.astype(np.uint8 if bits <= 8 else np.uint16)
        if syntax == EXTENDED:
            streams.append(imagecodecs.jpeg8_encode(plain, level=95, bitspersample=12))
        elif syntax == LOSSLESS:
            streams.append(encoded(plain[..., None], bits, Freedom()))
        elif syntax in {JLS, JLS_NEAR}:
            streams.append(
                jpeg_ls.encode_pixel_data(
                    plain.tobytes(),
                    lossy_error=2 if syntax == JLS_NEAR else 0,
                    rows=frame.shape[0],
                    columns=frame.shape[1],
                    samples_per_pixel=1,
                    bits_stored=bits,
                    planar_configuration=0,
                )
            )
        else:
            streams.append(
                imagecodecs.jpeg2k_encode(
                    plain,
                    level=None if syntax == J2K else 40,
                    codecformat="j2k",
                    reversible=syntax == J2K,
                    bitspersample=bits,
                )
            )
    return encapsulate([bytes(stream) for stream in streams])


@pytest.mark.parametrize("high_bit", [11, 15])
@pytest.mark.parametrize("syntax", [EXTENDED, JLS_NEAR, J2K_LOSSY, LOSSLESS])
def test_what_is_written_is_read_as_the_codestream_was(syntax: str, high_bit: int) -> None:
    values = noise(Kind(syntax, "MONOCHROME2", 16, 12), frames=2)
    kind = Kind(syntax, "MONOCHROME2", 16, 12)
    dataset = instance(values, kind, pixels=coded(values, syntax, 12))
    dataset.HighBit = high_bit
    frames = Frames(dataset, "PixelData")
    before = np.stack([values_of(words, frames.layout) for words in frames])

    cleaned = PixelCleaner(finds_always(BOX), SolidInpainter(), second_look=finds_nothing()).clean(
        dataset, seed=1
    )

    after = Frames(cleaned.dataset, "PixelData")
    keep = outside(values.shape[1:], [region.box for region in cleaned.regions])
    for index, words in enumerate(after):
        assert np.array_equal(values_of(words, after.layout)[keep], before[index][keep])
    if syntax == EXTENDED:
        assert cleaned.dataset.file_meta.TransferSyntaxUID == EXTENDED
        assert (cleaned.dataset.BitsStored, cleaned.dataset.HighBit) == (12, high_bit)
    elif syntax != LOSSLESS:
        assert cleaned.dataset.file_meta.TransferSyntaxUID == EXPLICIT
        assert (cleaned.dataset.BitsStored, cleaned.dataset.HighBit) == (12, 11)


@pytest.mark.parametrize(("ceiling", "stored"), [(250, 8), (1000, 10)])
def test_bits_stored_grows_only_where_values_need_it(ceiling: int, stored: int) -> None:
    kind = Kind(JLS_NEAR, "MONOCHROME2", 16, 8)
    values = np.random.default_rng(2).integers(0, ceiling, (1, 40, 56)).astype(np.uint16)
    dataset = instance(values, kind, pixels=coded(values, JLS_NEAR, 10))

    cleaned = PixelCleaner(finds_always(BOX), SolidInpainter(), second_look=finds_nothing()).clean(
        dataset, seed=1
    )

    keep = outside(values.shape[1:], [region.box for region in cleaned.regions])
    theirs = decoded_elsewhere(cleaned.dataset)[0].astype(int)
    assert np.abs(theirs[keep] - values[0].astype(int)[keep]).max() <= 2
    assert (cleaned.dataset.BitsStored, cleaned.dataset.HighBit) == (stored, stored - 1)


@pytest.mark.parametrize(("syntax", "bits"), [(JLS, 10), (J2K, 10), (LOSSLESS, 10), (LOSSLESS, 8)])
def test_a_new_codestream_is_as_deep_as_the_others(syntax: str, bits: int) -> None:
    kind = Kind(syntax, "MONOCHROME2", 16, 12)
    values = np.random.default_rng(2).integers(0, 1 << bits - 1, (3, 40, 56)).astype(np.uint16)
    values[1, 0, 0], values[:, -1, -1] = (1 << bits) - 1, (1 << bits) - 1
    dataset = instance(values, kind, pixels=coded(values, syntax, bits))
    finder = ScriptedFinder(lambda frame: [BOX] if frame[0, 0, 0] == 255 else [])

    cleaned = PixelCleaner(finder, SolidInpainter(), second_look=finds_nothing()).clean(
        dataset, seed=1
    )

    after = Frames(cleaned.dataset, "PixelData")
    assert {region.frame for region in cleaned.regions} == {1}
    assert cleaned.dataset.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(after[0], values[0])
    assert np.array_equal(after[2], values[2])
    assert after[1].shape == values[1].shape


def test_a_new_lossless_jpeg_says_as_much_of_its_colour_as_the_others() -> None:
    kind = Kind(LOSSLESS, "RGB")
    values = noise(kind, frames=3)
    values[:, 0, 0] = np.array([0, 255, 0])[:, None]
    streams = [encoded(frame, 8, Freedom()) for frame in values]
    dataset = instance(values, kind, pixels=encapsulate(streams))
    finder = ScriptedFinder(lambda frame: [BOX] if frame[0, 0, 0] == 255 else [])

    cleaned = PixelCleaner(finder, SolidInpainter(), second_look=finds_nothing()).clean(
        dataset, seed=1
    )

    after = list(Frames(cleaned.dataset, "PixelData"))
    assert cleaned.dataset.file_meta.TransferSyntaxUID == LOSSLESS
    assert [np.array_equal(a, v) for a, v in zip(after, values, strict=True)] == [True, False, True]
