import copy

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import UID

from deid_node.errors import (
    AnatomyCovered,
    CleaningError,
    MalformedDataset,
    MostlyText,
    ResidualText,
    Undecodable,
    UnsupportedSyntax,
)
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.derivation import BITS_CLEARED
from deid_node.pixels.fill.auto import AutoInpainter
from deid_node.pixels.fill.build import backends
from deid_node.pixels.fill.choice import CHOICE
from deid_node.pixels.fill.options import AnatomyOptions
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.values.geometry import Box
from tests.fakes.finder import ScriptedFinder, finds_always, finds_ink, finds_nothing
from tests.unit.pixeldata.instances import (
    BASELINE,
    BIG,
    EXPLICIT,
    J2K,
    JLS,
    RLE,
    Array,
    Kind,
    instance,
    noise,
    outside,
    reread,
)

TEXT = Box(20, 12, 130, 40)
AUTO = AutoInpainter(backends(), CHOICE)


def values(dataset: Dataset, keyword: str = "PixelData") -> Array:
    frames = Frames(dataset, keyword)
    return np.stack([values_of(words, frames.layout) for words in frames])


def screen(kind: Kind, *, ground: int, ink: int, frames: int = 1) -> tuple[Array, Array]:
    """Return frames with a name on a flat upper half and texture below, and the strokes."""
    strokes = np.zeros((96, 160), np.uint8)
    cv2.putText(strokes, "DOE JANE", (22, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 1, cv2.LINE_8)
    frame = np.full((96, 160), ground, dtype=kind.dtype)
    draw = np.random.default_rng(2)
    frame[56:] = draw.integers(min(ground, ink), max(ground, ink) + 1, (40, 160))
    frame[strokes > 0] = ink
    if kind.samples == 3:
        frame = np.stack([frame] * 3, axis=2)
    return np.stack([frame] * frames), strokes > 0


@pytest.mark.parametrize(
    ("kind", "ground", "ink"),
    [
        (Kind(), 0, 255),
        (Kind(EXPLICIT, "MONOCHROME1", 16, 10), 1023, 0),
        (Kind(BIG, "MONOCHROME2", 16, 16, signed=True), -1024, 3071),
        (Kind(RLE, "RGB"), 30, 250),
        (Kind(JLS, "MONOCHROME2", 16, 12), 100, 4095),
        (Kind(J2K, "YBR_RCT"), 10, 240),
        (Kind(BASELINE, "YBR_FULL_422"), 16, 235),
    ],
    ids=str,
)
def test_no_pixel_of_the_text_is_left(kind: Kind, ground: int, ink: int) -> None:
    stored, strokes = screen(kind, ground=ground, ink=ink, frames=2)

    cleaned = PixelCleaner(finds_ink(TEXT), AUTO).clean(instance(stored, kind), seed=1)

    after = values(cleaned.dataset).astype(np.int64)
    reference = values(instance(screen(kind, ground=ground, ink=ground)[0], kind))[0]
    flat = np.median(reference[5:40, 5:150], axis=(0, 1))
    spread = 2 if kind.syntax == BASELINE else 0
    assert np.abs(after[:, strokes] - flat).max() <= spread
    assert {region.fill for region in cleaned.regions} == {"solid"}
    assert [region.frame for region in cleaned.regions] == [0, 1]


def test_the_argument_is_never_written_to() -> None:
    stored, _ = screen(Kind(BASELINE), ground=0, ink=255, frames=2)
    dataset = instance(stored, Kind(BASELINE))
    dataset.LossyImageCompression = "00"
    before = copy.deepcopy(dataset)

    PixelCleaner(finds_ink(TEXT), AUTO).clean(dataset, seed=1)

    assert dataset == before
    assert dataset.file_meta == before.file_meta


@pytest.mark.parametrize("kind", [Kind(), Kind(RLE), Kind(BASELINE, "RGB")], ids=str)
def test_the_same_seed_gives_the_same_bytes(kind: Kind) -> None:
    dataset = instance(noise(kind, frames=2), kind)
    cleaner = PixelCleaner(finds_always(Box(3, 3, 12, 12)), AUTO, second_look=finds_nothing())

    one, two = (cleaner.clean(dataset, seed=9).dataset for _ in range(2))

    assert one.PixelData == two.PixelData


@pytest.mark.req("REQ-PX-02")
def test_every_frame_is_looked_at_and_only_those_with_text_are_touched() -> None:
    kind = Kind(JLS)
    stored, _ = screen(kind, ground=0, ink=255, frames=5)
    stored[[0, 1, 3, 4], 10:45] = 0
    stored[:, 95, 0] = range(5)  # equal frames are shown once
    dataset = instance(stored, kind)
    finder = finds_ink(TEXT)

    cleaned = PixelCleaner(finder, AUTO, batch_bytes=1).clean(dataset, seed=1)

    old, new = Frames(dataset, "PixelData"), Frames(cleaned.dataset, "PixelData")
    assert len(finder.shown) >= 6
    assert {region.frame for region in cleaned.regions} == {2}
    assert [old.codestream(n) == new.codestream(n) for n in range(5)] == [
        True,
        True,
        False,
        True,
        True,
    ]
    assert cleaned.frames == len(new) == 5


@pytest.mark.parametrize("batch_bytes", [1, 20_000, 10**9])
def test_batches_do_not_change_the_result(batch_bytes: int) -> None:
    kind = Kind(RLE, "MONOCHROME2", 16, 12)
    stored = noise(kind, frames=4)
    dataset = instance(stored, kind)
    cleaner = PixelCleaner(
        finds_always(Box(3, 3, 30, 20)),
        AUTO,
        second_look=finds_nothing(),
        limit=AnatomyOptions(most_share=0.5),
        batch_bytes=batch_bytes,
    )

    cleaned = cleaner.clean(dataset, seed=1)

    keep = outside((40, 56), [region.box for region in cleaned.regions])
    assert np.array_equal(values(cleaned.dataset)[:, keep], stored[:, keep])
    assert len(cleaned.regions) == 4


def test_text_that_the_second_look_finds_is_filled_too() -> None:
    stored, strokes = screen(Kind(), ground=0, ink=255)
    left, right = Box(20, 12, 70, 40), Box(66, 12, 140, 40)
    second = finds_ink(right)
    cleaner = PixelCleaner(finds_ink(left), AUTO, second_look=second)

    cleaned = cleaner.clean(instance(stored, Kind()), seed=1)

    assert (values(cleaned.dataset)[0][strokes] == 0).all()
    assert all(region.box.left <= 66 for region in cleaned.regions)


def seen_again(*, times: int) -> ScriptedFinder:
    """Return a second look that takes the middle of the fill for text for so many looks."""
    looks = iter([[Box(20, 60, 80, 70)]] * times)
    return ScriptedFinder(lambda _frame: next(looks, []))


@pytest.mark.req("REQ-PX-18")
@pytest.mark.parametrize(("times", "fill"), [(0, "telea"), (1, "smooth"), (2, "solid")])
def test_what_is_found_in_a_fill_changes_the_fill_and_not_the_mask(times: int, fill: str) -> None:
    """The streaks of a texture that grows inwards can look like letters."""
    stored, _ = screen(Kind(), ground=0, ink=255)
    cleaner = PixelCleaner(
        finds_always(Box(20, 60, 80, 70)),
        TeleaInpainter(),
        second_look=seen_again(times=times),
        limit=AnatomyOptions(beyond="solid"),
    )

    cleaned = cleaner.clean(instance(stored, Kind()), seed=1)

    (region,) = cleaned.regions
    assert region.fill == fill
    assert region.box == Box(17, 57, 83, 73)
    shades = len(np.unique(values(cleaned.dataset)[0][region.box.slices]))
    assert (shades == 1) == (fill == "solid")


@pytest.mark.req("REQ-PX-18")
def test_one_value_over_anatomy_withholds_unless_the_treatment_wants_it() -> None:
    stored, _ = screen(Kind(), ground=0, ink=255)
    cleaner = PixelCleaner(finds_always(Box(20, 60, 80, 70)), AUTO, second_look=seen_again(times=2))

    with pytest.raises(AnatomyCovered) as told:
        cleaner.clean(instance(stored, Kind()), seed=1)

    assert [region.box for region in told.value.regions] == [Box(17, 57, 83, 73)]


def test_a_streak_that_runs_out_of_the_mask_does_not_widen_it() -> None:
    """Half in the fill, half on anatomy: without the fill's texture nothing is found there."""
    looks = iter([[Box(60, 60, 120, 70)]])
    second = ScriptedFinder(lambda _frame: next(looks, []))
    stored, _ = screen(Kind(), ground=0, ink=255)
    cleaner = PixelCleaner(finds_always(Box(20, 60, 80, 70)), AUTO, second_look=second)

    cleaned = cleaner.clean(instance(stored, Kind()), seed=1)

    assert [(region.box, region.fill) for region in cleaned.regions] == [
        (Box(17, 57, 83, 73), "smooth")
    ]


@pytest.mark.req("REQ-PX-05")
def test_text_that_runs_out_of_the_mask_is_filled_once_the_fill_is_beyond_doubt() -> None:
    """The name goes on over anatomy beyond what was found of it at first."""
    stored, _ = screen(Kind(), ground=0, ink=255)
    last = Box(84, 62, 100, 70)
    stored[0][last.slices] = np.tile(np.array([0, 255], np.uint8), 64).reshape(8, 16)
    whole = Box(70, 60, 104, 72)
    second = ScriptedFinder(
        lambda frame: (
            [whole] if (frame[last.slices][..., 0] == stored[0][last.slices]).all() else []
        )
    )
    cleaner = PixelCleaner(
        finds_always(Box(20, 60, 80, 72)),
        AUTO,
        second_look=second,
        limit=AnatomyOptions(most_share=0.5, beyond="solid"),
    )

    cleaned = cleaner.clean(instance(stored, Kind()), seed=1)

    after = values(cleaned.dataset)[0]
    assert any(region.box.contains(last) for region in cleaned.regions)
    assert not (after[last.slices] == stored[0][last.slices]).all()


def test_text_in_an_even_fill_withholds_with_its_boxes() -> None:
    stored, _ = screen(Kind(), ground=0, ink=255)

    with pytest.raises(ResidualText) as told:
        PixelCleaner(finds_always(TEXT), AUTO).clean(instance(stored, Kind()), seed=1)

    assert [(region.frame, region.box) for region in told.value.regions] == [(0, TEXT)]


@pytest.mark.req("REQ-PX-05")
def test_text_that_stays_withholds_the_instance() -> None:
    cleaner = PixelCleaner(finds_always(TEXT), AUTO)
    stored, _ = screen(Kind(), ground=0, ink=255)

    with pytest.raises(ResidualText):
        cleaner.clean(instance(stored, Kind()), seed=1)


def test_an_overlay_in_unused_bits_is_cleared_and_the_values_stay() -> None:
    kind = Kind(EXPLICIT, "MONOCHROME2", 16, 12)
    stored = noise(kind, frames=2)
    hidden = stored.copy()
    hidden[:, 5:9] |= 1 << 13
    dataset = instance(hidden, kind)

    cleaned = PixelCleaner(finds_nothing(), AUTO).clean(dataset, seed=1)

    raw = np.frombuffer(cleaned.dataset.PixelData, "<u2").reshape(stored.shape)
    assert cleaned.changed
    assert cleaned.derivation == (BITS_CLEARED,)
    assert np.array_equal(raw, stored)


def test_a_repeated_sign_is_no_overlay() -> None:
    kind = Kind(EXPLICIT, "MONOCHROME2", 16, 12, signed=True)
    dataset = instance(noise(kind, frames=1), kind)

    cleaned = PixelCleaner(finds_nothing(), AUTO).clean(dataset, seed=1)

    assert not cleaned.changed


def test_one_bit_frames_that_share_a_byte_are_told_apart() -> None:
    kind = Kind(EXPLICIT, "MONOCHROME2", 1, 1)
    stored = noise(kind, frames=3, rows=9, columns=11)
    packed = np.packbits(stored.reshape(-1), bitorder="little").tobytes()
    dataset = instance(stored, kind, pixels=packed + b"\x00" * (len(packed) % 2))
    assert np.array_equal(values(dataset), stored)

    script = ScriptedFinder(lambda frame: [Box(4, 3, 5, 4)] if frame[0, 0, 0] else [])
    stored[1, 0, 0], stored[0, 0, 0], stored[2, 0, 0] = 1, 0, 0
    packed = np.packbits(stored.reshape(-1), bitorder="little").tobytes()
    dataset = instance(stored, kind, pixels=packed + b"\x00" * (len(packed) % 2))
    cleaned = PixelCleaner(script, AUTO, second_look=finds_nothing()).clean(dataset, seed=1)

    after = values(cleaned.dataset)
    keep = outside((9, 11), [region.box for region in cleaned.regions])
    assert np.array_equal(after[[0, 2]], stored[[0, 2]])
    assert np.array_equal(after[1][keep], stored[1][keep])


@pytest.mark.parametrize(
    ("keyword", "dtype"), [("FloatPixelData", "f4"), ("DoubleFloatPixelData", "f8")]
)
def test_floating_pixels_are_cleaned(keyword: str, dtype: str) -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    stored = np.random.default_rng(1).normal(0.0, 1e-3, (40, 56)).astype(dtype)
    stored[0, 0] = np.nan
    del dataset.PixelData
    setattr(dataset, keyword, stored.tobytes())
    dataset.BitsAllocated = stored.dtype.itemsize * 8
    cleaner = PixelCleaner(finds_always(Box(8, 8, 20, 16)), AUTO, second_look=finds_nothing())

    cleaned = cleaner.clean(reread(dataset), seed=1)

    after = values(cleaned.dataset, keyword)[0]
    keep = outside((40, 56), [region.box for region in cleaned.regions])
    assert np.array_equal(after[keep], stored[keep], equal_nan=True)
    assert np.abs(after[~keep]).max() < 0.01


def test_subsampled_native_colour_keeps_every_byte_outside() -> None:
    kind = Kind(EXPLICIT, "YBR_FULL_422")
    raw = np.random.default_rng(4).integers(0, 256, 40 * 56 * 2).astype(np.uint8)
    dataset = instance(noise(kind, frames=1), kind, pixels=raw.tobytes())
    cleaner = PixelCleaner(finds_always(Box(9, 8, 21, 16)), AUTO, second_look=finds_nothing())

    cleaned = cleaner.clean(dataset, seed=1)

    after = np.frombuffer(cleaned.dataset.PixelData, np.uint8).reshape(40, 56, 2)
    keep = outside((40, 56), [region.box for region in cleaned.regions])
    assert np.array_equal(after[keep], raw.reshape(40, 56, 2)[keep])
    assert cleaned.dataset.PhotometricInterpretation == "YBR_FULL_422"


def broken(**what: object) -> Dataset:
    dataset = instance(noise(Kind(), frames=2), Kind())
    for keyword, value in what.items():
        if value is None:
            del dataset[keyword]
        else:
            dataset[keyword].value = value
    return dataset


@pytest.mark.req("REQ-PX-06")
@pytest.mark.parametrize(
    ("dataset", "error"),
    [
        (broken(Rows=None), MalformedDataset),
        (broken(Rows=0), MalformedDataset),
        (broken(PhotometricInterpretation=None), MalformedDataset),
        (broken(PhotometricInterpretation="RGB"), MalformedDataset),
        (broken(PhotometricInterpretation="HSV"), Undecodable),
        (broken(BitsAllocated=12), Undecodable),
        (broken(BitsStored=0), MalformedDataset),
        (broken(BitsStored=9), MalformedDataset),
        (broken(PixelRepresentation=None), MalformedDataset),
        (broken(SamplesPerPixel=None), MalformedDataset),
        (broken(NumberOfFrames="0"), MalformedDataset),
        (broken(NumberOfFrames="3"), Undecodable),
        (broken(NumberOfFrames="1"), MalformedDataset),
        (broken(PixelData=b""), Undecodable),
        (broken(Rows=65535, Columns=65535), Undecodable),
    ],
    ids=range(15),
)
def test_frames_that_cannot_be_had_as_the_attributes_say_are_withheld(
    dataset: Dataset, error: type[CleaningError]
) -> None:
    with pytest.raises(error):
        PixelCleaner(finds_nothing(), AUTO).clean(dataset, seed=1)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.110", "1.2.3"])
def test_video_and_unknown_syntaxes_are_withheld(uid: str) -> None:
    dataset = broken()
    dataset.file_meta.TransferSyntaxUID = UID(uid)

    with pytest.raises(UnsupportedSyntax):
        PixelCleaner(finds_nothing(), AUTO).clean(dataset, seed=1)


def test_two_pixel_attributes_at_once_are_withheld() -> None:
    dataset = broken()
    dataset.FloatPixelData = b"\x00" * 4

    with pytest.raises(MalformedDataset):
        PixelCleaner(finds_nothing(), AUTO).clean(dataset, seed=1)


def test_a_colour_frame_without_planar_configuration_is_withheld() -> None:
    kind = Kind(EXPLICIT, "RGB")
    dataset = instance(noise(kind, frames=1), kind)
    del dataset.PlanarConfiguration

    with pytest.raises(MalformedDataset):
        PixelCleaner(finds_nothing(), AUTO).clean(dataset, seed=1)


def test_steps_are_those_of_the_metric() -> None:
    dataset = instance(noise(Kind(), frames=2), Kind())
    cleaner = PixelCleaner(finds_always(Box(3, 3, 20, 12)), AUTO, second_look=finds_nothing())

    steps = cleaner.clean(dataset, seed=1).steps

    assert {step.stage for step in steps} == {"decode", "find", "fill", "encode"}
    assert all(step.seconds >= 0 for step in steps)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    st.lists(
        st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(0, 14)] * 2).map(
            lambda n: Box(n[0], n[1], n[0] + n[2] + 1, n[1] + n[3] + 1)
        ),
        max_size=4,
    ),
    st.sampled_from([Kind(), Kind(RLE, "RGB"), Kind(BIG, "MONOCHROME2", 16, 12, signed=True)]),
    st.sampled_from([AUTO, SolidInpainter(), TeleaInpainter()]),
)
def test_whatever_is_found_pixels_outside_stay(
    boxes: list[Box], kind: Kind, inpainter: SolidInpainter
) -> None:
    stored = noise(kind, frames=1, rows=31, columns=47)
    cleaner = PixelCleaner(
        finds_always(*boxes),
        inpainter,
        second_look=finds_nothing(),
        limit=AnatomyOptions(most_share=1.0),
    )

    try:
        cleaned = cleaner.clean(instance(stored, kind), seed=1)
    except MostlyText:
        reject()

    keep = outside((31, 47), [region.box for region in cleaned.regions])
    assert np.array_equal(values(cleaned.dataset)[:, keep], stored[:, keep])
    assert cleaned.changed == bool(cleaned.regions)


def test_a_frame_of_which_little_would_be_left_is_withheld() -> None:
    stored, _ = screen(Kind(), ground=0, ink=255)
    finder = finds_ink(Box(0, 0, 160, 60))

    with pytest.raises(MostlyText):
        PixelCleaner(finder, AUTO).clean(instance(stored, Kind()), seed=1)
