"""Photometric x planar x bits x sign x syntax x frames: in, and out again.

Each instance is made from a known array, so that decoding can be compared with
what went in; what comes out is read by pydicom's decoders and by GDCM.
"""

import copy
import itertools

import numpy as np
import pytest
from pydicom.dataset import Dataset

from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.auto import AutoInpainter
from deid_node.pixels.fill.build import backends
from deid_node.pixels.fill.choice import CHOICE
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixeldata.instances import (
    BASELINE,
    BIG,
    DEFLATED,
    DEFLATED_FRAMES,
    EXPLICIT,
    EXTENDED,
    HTJ2K,
    IMPLICIT,
    J2K,
    J2K_LOSSY,
    JLS,
    JLS_NEAR,
    LOSSLESS,
    RLE,
    SV1,
    UNCOMPRESSED,
    Array,
    Kind,
    decoded_elsewhere,
    instance,
    noise,
    outside,
)

BOX = Box(8, 6, 30, 16)

DEPTHS = [(8, 8), (16, 10), (16, 12), (16, 14), (16, 16)]


def _grey(syntaxes: list[str], depths: list[tuple[int, int]], signs: list[bool]) -> list[Kind]:
    return [
        Kind(syntax, "MONOCHROME2", allocated, stored, signed)
        for syntax, (allocated, stored), signed in itertools.product(syntaxes, depths, signs)
    ]


def _colour(syntaxes: list[str], photometrics: list[str], planars: list[int]) -> list[Kind]:
    return [
        Kind(syntax, photometric, planar=planar)
        for syntax, photometric, planar in itertools.product(syntaxes, photometrics, planars)
    ]


NATIVE = [
    *_grey([IMPLICIT, EXPLICIT, BIG, DEFLATED, UNCOMPRESSED], DEPTHS, [False, True]),
    *_grey([EXPLICIT, BIG], [(32, 32)], [False, True]),
    *_colour([IMPLICIT, EXPLICIT, BIG, UNCOMPRESSED], ["RGB", "YBR_FULL"], [0, 1]),
    Kind(EXPLICIT, "RGB", 16, 16, planar=0),
    Kind(EXPLICIT, "RGB", 16, 12, planar=1),
    Kind(BIG, "RGB", 16, 16, planar=1),
    Kind(EXPLICIT, "MONOCHROME1", 16, 12),
    Kind(DEFLATED_FRAMES),
]
LOSSLESS_CODED = [
    *_grey([RLE, JLS, J2K, SV1, LOSSLESS], DEPTHS, [False, True]),
    *_grey([HTJ2K], [(8, 8), (16, 16)], [False]),
    *_colour([RLE], ["RGB", "YBR_FULL"], [0, 1]),
    *_colour([JLS, J2K, SV1], ["RGB", "YBR_FULL"], [0]),
    Kind(J2K, "YBR_RCT"),
    Kind(RLE, "RGB", 16, 16),
    Kind(JLS, "RGB", 16, 12),
]
BLOCKS = [
    Kind(BASELINE),
    Kind(BASELINE, "RGB"),
    Kind(BASELINE, "YBR_FULL"),
    Kind(BASELINE, "YBR_FULL_422"),
    Kind(EXTENDED, "MONOCHROME2", 16, 12),
]
LOSSY = [
    Kind(JLS_NEAR),
    Kind(JLS_NEAR, "MONOCHROME2", 16, 12, signed=True),
    Kind(J2K_LOSSY),
    Kind(J2K_LOSSY, "MONOCHROME2", 16, 16, signed=True),
    Kind(J2K_LOSSY, "YBR_ICT"),
]
# One-frame syntaxes of a family by whom a second opinion is to be had.
GDCM = {RLE: "gdcm", JLS: "gdcm", J2K: "gdcm", SV1: "gdcm", LOSSLESS: "gdcm"}


def cleaner(*boxes: Box) -> PixelCleaner:
    inpainter = AutoInpainter(backends(), CHOICE)
    return PixelCleaner(finds_always(*boxes), inpainter, second_look=finds_nothing())


def _values(dataset: Dataset) -> Array:
    frames = Frames(dataset, "PixelData")
    return np.stack([values_of(words, frames.layout) for words in frames])


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("kind", NATIVE + LOSSLESS_CODED, ids=str)
def test_what_was_stored_is_decoded(kind: Kind, frames: int) -> None:
    values = noise(kind, frames=frames)

    result = _values(instance(values, kind))

    assert result.dtype == values.dtype
    assert np.array_equal(result, values)


@pytest.mark.req("REQ-PX-04")
@pytest.mark.parametrize("kind", NATIVE + LOSSLESS_CODED, ids=str)
def test_touched_frames_keep_their_syntax_and_all_pixels_outside(kind: Kind) -> None:
    values = noise(kind, frames=3)
    dataset = instance(values, kind)
    before = copy.deepcopy(dataset)

    cleaned = cleaner(BOX).clean(dataset, seed=1)

    after = _values(cleaned.dataset)
    keep = outside(values.shape[1:3], [region.box for region in cleaned.regions])
    assert np.array_equal(after[:, keep], values[:, keep])
    assert not np.array_equal(after[:, ~keep], values[:, ~keep])
    assert (cleaned.frames, len(after), cleaned.changed) == (3, 3, True)
    kept = kind.syntax if kind.syntax != DEFLATED_FRAMES else EXPLICIT
    assert cleaned.dataset.file_meta.TransferSyntaxUID == kept
    assert cleaned.dataset.PhotometricInterpretation == kind.photometric
    assert dataset == before


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("stored", "high"), [(12, 15), (10, 13), (8, 8), (1, 15)])
@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED, RLE, UNCOMPRESSED])
def test_the_high_bit_may_be_anywhere(syntax: str, stored: int, high: int, signed: bool) -> None:
    values = noise(Kind(syntax, "MONOCHROME2", 16, stored, signed), frames=2)
    mask = ((1 << stored) - 1) << (high + 1 - stored)
    words = (values.view(np.uint16) << (high + 1 - stored) & mask).astype(np.uint16)
    dataset = instance(words.view(values.dtype), Kind(syntax, "MONOCHROME2", 16, 16, signed))
    dataset.BitsStored, dataset.HighBit = stored, high

    cleaned = cleaner(BOX).clean(dataset, seed=1)

    after = _values(cleaned.dataset)
    keep = outside(values.shape[1:3], [region.box for region in cleaned.regions])
    assert np.array_equal(_values(dataset), values)
    assert np.array_equal(after[:, keep], values[:, keep])
    assert not np.array_equal(after[:, ~keep], values[:, ~keep])
    assert cleaned.dataset.file_meta.TransferSyntaxUID == syntax


@pytest.mark.parametrize(
    "kind",
    [k for k in NATIVE + LOSSLESS_CODED if k.syntax not in {HTJ2K, DEFLATED_FRAMES}],
    ids=str,
)
def test_other_decoders_read_what_was_written(kind: Kind) -> None:
    values = noise(kind, frames=2)
    cleaned = cleaner(BOX).clean(instance(values, kind), seed=1)
    ours = _values(cleaned.dataset)

    written = cleaned.dataset
    if kind.syntax == UNCOMPRESSED:
        pytest.skip("pydicom has no decoder for encapsulated uncompressed pixels")

    plugins = [""]
    if kind.syntax in GDCM and kind.allocated <= 16 and not (kind.syntax == JLS and kind.signed):
        plugins.append(GDCM[kind.syntax])
    if kind.syntax == RLE:
        plugins = ["pydicom"]
    for plugin in plugins:
        theirs = decoded_elsewhere(written, plugin=plugin)
        assert np.array_equal(theirs.astype(np.int64), ours.astype(np.int64)), plugin


@pytest.mark.req("REQ-PX-03")
@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("kind", NATIVE + LOSSLESS_CODED + BLOCKS + LOSSY, ids=str)
def test_text_free_instances_leave_byte_for_byte(kind: Kind, frames: int) -> None:
    dataset = instance(noise(kind, frames=frames), kind)

    cleaned = PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1)

    assert cleaned.dataset.PixelData == dataset.PixelData
    assert cleaned.dataset.file_meta == dataset.file_meta
    assert (cleaned.changed, cleaned.looked_at, cleaned.frames) == (False, True, frames)


@pytest.mark.req("REQ-PX-08")
@pytest.mark.parametrize("kind", LOSSY, ids=str)
def test_lossy_frames_are_decoded_once_and_leave_lossless(kind: Kind) -> None:
    values = noise(kind, frames=2, rows=64, columns=96)
    dataset = instance(values, kind)
    before = _values(dataset)

    cleaned = cleaner(BOX).clean(dataset, seed=1)

    written = cleaned.dataset
    keep = outside(values.shape[1:3], [region.box for region in cleaned.regions])
    after = decoded_elsewhere(written)
    assert written.file_meta.TransferSyntaxUID == EXPLICIT
    assert np.array_equal(after[:, keep], before[:, keep])
    assert written.LossyImageCompression == "01"
    assert written.PhotometricInterpretation == ("RGB" if kind.samples == 3 else kind.photometric)


@pytest.mark.parametrize("kind", [k for k in BLOCKS + LOSSY if k.syntax != EXTENDED], ids=str)
def test_lossy_frames_decode_as_elsewhere(kind: Kind) -> None:
    dataset = instance(noise(kind, frames=1), kind)

    theirs = decoded_elsewhere(dataset, raw=kind.syntax != BASELINE)

    # Rounding of chroma is the only freedom that decoders of one codestream have.
    apart = np.abs(_values(dataset).astype(np.int64) - theirs.astype(np.int64))
    assert apart.max() <= (1 if kind.samples == 3 else 0)
