"""JPEG Baseline through the cleaner: same syntax, new blocks, what a reader will have."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.auto import AutoInpainter
from deid_node.pixels.fill.build import backends
from deid_node.pixels.fill.choice import CHOICE
from deid_node.values.geometry import Box
from tests.builders.samples import BURNED_IN, packaged_files, zoo_files
from tests.fakes.finder import ScriptedFinder, finds_always, finds_ink, finds_nothing
from tests.unit.pixeldata import jpeg_reference
from tests.unit.pixeldata.instances import BASELINE, EXPLICIT, Array, Kind, instance, outside
from tests.unit.pixeldata.test_jpeg_editing import jpeg, texture

AUTO = AutoInpainter(backends(), CHOICE)
BOX = Box(24, 18, 60, 30)
SHARED = [*zoo_files(), *sorted(BURNED_IN.rglob("*.dcm"))]


def photographed(frames: list[bytes], like: Array, *, photometric: str = "YBR_FULL") -> Dataset:
    """Return an instance of JPEG Baseline frames; `like` is one of them decoded."""
    kind = Kind(BASELINE, photometric if like.ndim == 3 else "MONOCHROME2")
    stack = np.stack([like] * len(frames))
    return instance(stack, kind, pixels=encapsulate(frames, has_bot=len(frames) > 1))


def decoded(dataset: Dataset) -> Array:
    frames = Frames(dataset, "PixelData")
    return np.stack([values_of(words, frames.layout) for words in frames])


@pytest.mark.req("REQ-PX-04")
@pytest.mark.parametrize("sampling", ["grey", "4:4:4", "4:2:2", "4:2:0"])
def test_touched_frames_keep_syntax_tables_and_every_other_block(sampling: str) -> None:
    colour = sampling != "grey"
    frame = texture(90, 130, colour=colour)
    stream = jpeg(frame, sampling=sampling if colour else "4:4:4")
    dataset = photographed([stream] * 3, frame)

    cleaned = PixelCleaner(finds_always(BOX), AUTO, second_look=finds_nothing()).clean(
        dataset, seed=1
    )

    written = cleaned.dataset
    keep = outside((90, 130), [region.box for region in cleaned.regions])
    assert written.file_meta.TransferSyntaxUID == BASELINE
    assert written.PhotometricInterpretation == dataset.PhotometricInterpretation
    assert np.array_equal(decoded(written)[:, keep], decoded(dataset)[:, keep])
    before = jpeg_reference.decoded(stream)
    after = jpeg_reference.decoded(Frames(written, "PixelData").codestream(1))
    assert after.steps == before.steps
    for number, blocks in before.blocks.items():
        same = (after.blocks[number] == blocks).all(axis=2)
        assert 0.5 < same.mean() < 1


def test_frames_in_which_nothing_is_found_keep_their_codestream() -> None:
    plain, marked = np.full((64, 64), 90, np.uint8), np.full((64, 64), 90, np.uint8)
    marked[18:30, 24:60:3] = 250
    dataset = photographed([jpeg(f) for f in (plain, marked, plain)], plain)

    cleaned = PixelCleaner(finds_ink(BOX), AUTO).clean(dataset, seed=1)

    old, new = Frames(dataset, "PixelData"), Frames(cleaned.dataset, "PixelData")
    same = [old.codestream(n) == new.codestream(n) for n in range(3)]
    assert same == [True, False, True]
    assert {region.frame for region in cleaned.regions} == {1}


@pytest.mark.req("REQ-PX-05")
def test_the_second_look_sees_what_a_reader_will_have() -> None:
    frame = texture(96, 128, colour=True)
    dataset = photographed([jpeg(frame, quality=15, sampling="4:2:0")], frame)
    second = finds_nothing()

    cleaned = PixelCleaner(finds_always(BOX), AUTO, second_look=second).clean(dataset, seed=1)

    (shown,) = second.shown
    assert np.array_equal(shown, decoded(cleaned.dataset)[0])


def test_text_that_only_coding_brings_back_is_filled_again() -> None:
    frame = texture(96, 128, colour=False)
    dataset = photographed([jpeg(frame, quality=30)], frame)
    looks = iter([[Box(70, 40, 100, 52)]])
    second = ScriptedFinder(lambda _frame: next(looks, []))

    cleaned = PixelCleaner(finds_always(BOX), AUTO, second_look=second).clean(dataset, seed=1)

    assert cleaned.dataset.file_meta.TransferSyntaxUID == BASELINE
    assert any(region.box.intersects(Box(70, 40, 100, 52)) for region in cleaned.regions)
    keep = outside((96, 128), [region.box for region in cleaned.regions])
    assert np.array_equal(decoded(cleaned.dataset)[0][keep], decoded(dataset)[0][keep])


@pytest.mark.parametrize("quality", [10, 50, 95])
@pytest.mark.parametrize("ground", [0, 40, 255])
def test_no_stroke_can_be_told_from_the_ground_after_coding(ground: int, quality: int) -> None:
    frame = np.full((64, 96), ground, np.uint8)
    frame[20:28, 26:58:4] = 255 - ground
    dataset = photographed([jpeg(frame, quality=quality)], frame)

    cleaned = PixelCleaner(finds_ink(BOX), AUTO).clean(dataset, seed=1)

    after = decoded(cleaned.dataset)[0].astype(int)
    assert after[BOX.slices].max() - after[BOX.slices].min() == 0
    assert abs(after[24, 30] - after[2, 2]) <= 3


def test_what_cannot_be_edited_leaves_decoded_and_lossless() -> None:
    """A progressive codestream under the syntax of Baseline is seen in the wild."""
    frame = texture(64, 96, colour=False)
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", progressive=True)
    dataset = photographed([jpeg(frame), buffer.getvalue()], frame)
    before = decoded(dataset)

    cleaned = PixelCleaner(finds_always(BOX), AUTO, second_look=finds_nothing()).clean(
        dataset, seed=1
    )

    keep = outside((64, 96), [region.box for region in cleaned.regions])
    assert cleaned.dataset.file_meta.TransferSyntaxUID == EXPLICIT
    assert np.array_equal(decoded(cleaned.dataset)[:, keep], before[:, keep])
    assert cleaned.dataset.LossyImageCompression == "01"


def test_the_loss_stays_on_record_with_one_step() -> None:
    frame = texture(64, 96, colour=False)
    dataset = photographed([jpeg(frame)], frame)
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionRatio = "7.5"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"

    cleaned = PixelCleaner(finds_always(BOX), AUTO, second_look=finds_nothing()).clean(
        dataset, seed=1
    )

    assert cleaned.dataset.LossyImageCompression == "01"
    assert cleaned.dataset.LossyImageCompressionRatio == 7.5
    assert cleaned.dataset.LossyImageCompressionMethod == "ISO_10918_1"


def test_smallest_and_largest_value_are_those_that_are_read() -> None:
    frame = texture(64, 96, colour=False)
    dataset = photographed([jpeg(frame, quality=40)], frame)
    dataset.add_new("SmallestImagePixelValue", "US", 0)
    dataset.add_new("LargestImagePixelValue", "US", 255)

    cleaned = PixelCleaner(finds_always(BOX), AUTO, second_look=finds_nothing()).clean(
        dataset, seed=1
    )

    after = decoded(cleaned.dataset)
    assert cleaned.dataset.SmallestImagePixelValue == after.min()
    assert cleaned.dataset.LargestImagePixelValue == after.max()


def _edited_share(paths: list[object]) -> tuple[int, int]:
    from pathlib import Path

    from deid_node.dicom import part10
    from deid_node.errors import CleaningError

    seen = kept = 0
    box = Box(2, 2, 40, 14)
    cleaner = PixelCleaner(finds_always(box), AUTO, second_look=finds_nothing())
    for path in paths:
        assert isinstance(path, Path)
        try:
            dataset = part10.read(path)
            if dataset.file_meta.TransferSyntaxUID != BASELINE:
                continue
            cleaned = cleaner.clean(dataset, seed=1)
        except (CleaningError, AttributeError):
            continue
        seen += 1
        kept += cleaned.dataset.file_meta.TransferSyntaxUID == BASELINE
    return kept, seen


@pytest.mark.slow
def test_nearly_all_shipped_samples_can_be_edited() -> None:
    kept, seen = _edited_share(list(packaged_files()))

    assert seen >= 8
    assert kept >= 0.8 * seen


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="needs the shared sample files (DEID_NODE_SHARED)")
def test_nearly_all_shared_samples_can_be_edited() -> None:
    kept, seen = _edited_share(list(SHARED))

    assert seen >= 15
    assert kept >= 0.8 * seen
