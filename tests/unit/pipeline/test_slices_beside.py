"""A slice that has waited is filled by the slices beside it, and shows nothing of their text.

With the models that ship, for what is text is the matter here.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.originals import Originals
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.slices_beside import SlicesBeside
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.spool.series_options import WaitForSeriesOptions
from deid_node.values.fill import Fill
from deid_node.values.geometry import Box
from deid_node.values.order import MAX_STARTS, WorkOrder
from deid_node.values.outcome import Cleaned
from deid_node.values.series import BlobBeside, InSeries
from tests.builders.slices import INK, TEXT_BOX, a_slice, drawn, slices, volume
from tests.unit.pipeline.test_corridor import KEY, an_order

WAITS = WaitForSeriesOptions()
COUNT = 7
MIDDLE = 3
HOLE = TEXT_BOX.grown(3, rows=160, columns=160).slices
# Of what lies between the letters of 0.5 and what anatomy reaches.
INKY = INK // 2


@cache
def finder() -> Finder:
    return build_finder(CrnnOptions())


def corridor(*, waits: WaitForSeriesOptions | None = WAITS) -> Corridor:
    options = frozenset({Option.CLEAN_PIXEL_DATA})
    scrubber = build_scrubber(MetadataOptions(), options, key=KEY)
    cleaner = PixelCleaner(finder(), build_inpainter(FillPolicy.AUTO, None))
    return Corridor(
        compile_router(RouteOptions.model_validate({})),
        {"research": Treatment(cleaner, scrubber, options, waits=waits)},
        Provenance("finder", "2026c"),
    )


@dataclass(frozen=True)
class Stack:
    """The slices of a series on disk, and the order of one of them."""

    folder: Path
    blobs: Sequence[BlobBeside]

    @classmethod
    def of(cls, folder: Path, datasets: Sequence[Dataset]) -> "Stack":
        blobs = []
        for number, dataset in enumerate(datasets):
            path = folder / f"{number}.dcm"
            dataset.save_as(path, enforce_file_format=True)
            blobs.append(BlobBeside(path, hashlib.sha256(path.read_bytes()).hexdigest()))
        return cls(folder, blobs)

    def order(self, number: int = MIDDLE, **changes: Any) -> WorkOrder:
        before, after = self.blobs[:number][::-1][:3], self.blobs[number + 1 :][:3]
        series = InSeries("research", number, tuple(before), tuple(after))
        order = an_order(self.folder, self.blobs[number].blob)
        return replace(order, **{"series": series, **changes})

    def cleaned(self, by: Corridor, number: int = MIDDLE, **changes: Any) -> "Result":
        order = self.order(number, **changes)
        outcome = by.clean(order)
        assert isinstance(outcome, Cleaned), outcome
        pixels = dcmread(order.output).pixel_array
        fills = {region.fill for region in outcome.instance.report.regions}
        content = order.output.read_bytes()
        order.output.unlink()
        return Result(pixels, fills, content)


@dataclass(frozen=True)
class Result:
    pixels: NDArray[np.int16]
    fills: set[str]
    content: bytes


def alone(order: WorkOrder) -> WorkOrder:
    assert order.series is not None
    return replace(order, series=replace(order.series, before=(), after=()))


def error(result: Result, number: int = MIDDLE) -> float:
    """Return the mean square error in the hole."""
    truth = volume(COUNT)[number][HOLE].astype(float)
    return float(((result.pixels[HOLE] - truth) ** 2).mean())


def test_a_slice_is_nearer_to_the_truth_by_the_slices_beside_it(tmp_path: Path) -> None:
    stack = Stack.of(tmp_path, slices(COUNT, written=(MIDDLE,)))

    beside = stack.cleaned(corridor())
    by_itself = stack.cleaned(corridor(), series=InSeries("research", MIDDLE))

    assert Fill.NEIGHBOURS in beside.fills
    assert Fill.NEIGHBOURS not in by_itself.fills
    assert error(beside) < error(by_itself) / 2
    outside = np.ones_like(beside.pixels, dtype=bool)
    outside[TEXT_BOX.grown(8, rows=160, columns=160).slices] = False
    assert np.array_equal(beside.pixels[outside], volume(COUNT)[MIDDLE][outside])


@pytest.mark.req("REQ-PX-22")
@pytest.mark.parametrize("moved", [0, 4, 12, -10, 30], ids=lambda one: f"{one} pixels down")
def test_text_of_a_slice_beside_it_is_never_seen_on_it(tmp_path: Path, moved: int) -> None:
    datasets = slices(COUNT, written=(MIDDLE,))
    for number in (MIDDLE - 1, MIDDLE + 1, MIDDLE + 2):
        written = drawn(volume(COUNT)[number], "ROE^RICHARD 61", moved=moved)
        datasets[number] = a_slice(written, number)
    stack = Stack.of(tmp_path, datasets)

    result = stack.cleaned(corridor())

    assert result.pixels.max() < INKY
    truth = volume(COUNT)[MIDDLE]
    assert result.pixels[HOLE].max() <= truth.max() + 400


@pytest.mark.req("REQ-PX-22")
def test_the_windows_that_are_handed_over_have_no_ink_in_them(tmp_path: Path) -> None:
    moved = {MIDDLE - 1: 0, MIDDLE + 1: 5, MIDDLE + 2: -40}
    datasets = slices(COUNT, written=(MIDDLE, *moved), moved=moved)
    stack = Stack.of(tmp_path, datasets)
    cleaner = PixelCleaner(finder(), build_inpainter(FillPolicy.AUTO, None))
    order = stack.order()
    original = dcmread(order.blob)
    found = Originals(PLAIN).beside(order, original, cleaner)
    assert found is not None
    beside = SlicesBeside(found, Frames(original, "PixelData").layout)
    everything = Box(0, 0, 160, 160)

    shown = [*beside.around(0, everything, [TEXT_BOX]), beside.next_to(0, everything)]

    # The nearest before is not bare there; the one after it in the list is.
    assert len(shown) == 3
    for one in shown:
        assert one is not None
        assert one.stored.max() < INKY
    last = shown[-1]
    assert last is not None
    assert last.mask[TEXT_BOX.slices].mean() > 0.5


def _changed(**attributes: Any) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)

    return change


def _two_frames(dataset: Dataset) -> None:
    dataset.NumberOfFrames = 2
    dataset.PixelData = dataset.PixelData * 2


def _cut(dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[:100]


def _not_decodable(dataset: Dataset) -> None:
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.PixelData = encapsulate([b"no codestream at all" * 20])
    dataset["PixelData"].VR = "OB"


UNUSABLE: Mapping[str, Callable[[Dataset], None]] = {
    "another patient": _changed(PatientID="OTHER"),
    "another name": _changed(PatientName="OTHER^One"),
    "another series": _changed(SeriesInstanceUID="1.2.3"),
    "another frame of reference": _changed(FrameOfReferenceUID="1.2.3"),
    "another depth": _changed(BitsStored=12, HighBit=11),
    "another rescale": _changed(RescaleSlope=3),
    "two frames": _two_frames,
    "pixels that end too early": _cut,
    "pixels that nobody decodes": _not_decodable,
    "burned in, it says": _changed(BurnedInAnnotation="YES"),
}


@pytest.mark.req("REQ-PX-22")
@pytest.mark.parametrize("change", UNUSABLE.values(), ids=UNUSABLE)
def test_a_slice_that_cannot_be_used_is_not_there(
    tmp_path: Path, change: Callable[[Dataset], None]
) -> None:
    datasets = slices(COUNT, written=(MIDDLE,))
    for number, dataset in enumerate(datasets):
        if number != MIDDLE:
            change(dataset)
    stack = Stack.of(tmp_path, datasets)

    result = stack.cleaned(corridor())

    assert result.content == stack.cleaned(corridor(), series=alone(stack.order()).series).content


def test_a_slice_that_is_gone_damaged_or_no_dicom_is_not_there(tmp_path: Path) -> None:
    stack = Stack.of(tmp_path, slices(COUNT, written=(MIDDLE,)))
    expected = stack.cleaned(corridor(), series=alone(stack.order()).series).content
    for one in (*stack.blobs[:MIDDLE], *stack.blobs[MIDDLE + 1 :]):
        one.blob.unlink()

    gone = stack.cleaned(corridor()).content
    for one in (*stack.blobs[:MIDDLE], *stack.blobs[MIDDLE + 1 :]):
        one.blob.write_bytes(b"\0" * 4000)
    damaged = stack.cleaned(corridor()).content
    folder = BlobFiles(SpoolKey(bytes(range(32))), encrypts=True)
    for one in (*stack.blobs[:MIDDLE], *stack.blobs[MIDDLE + 1 :]):
        one.blob.unlink()
        file = folder.create(one.blob)
        file.write(b"of another key")
        file.finish()
    encrypted = stack.cleaned(corridor()).content

    assert gone == damaged == encrypted == expected


@pytest.mark.req("REQ-PX-22")
def test_the_bytes_are_the_same_whoever_cleaned_what_before(tmp_path: Path) -> None:
    stack = Stack.of(tmp_path, slices(COUNT, written=(2, 3, 5)))
    fresh = [stack.cleaned(corridor(), number).content for number in range(COUNT)]
    one = corridor()

    backwards = [stack.cleaned(one, number).content for number in reversed(range(COUNT))]
    again = [stack.cleaned(one, number).content for number in range(COUNT)]

    assert fresh == backwards[::-1] == again


def test_the_grain_of_neighbouring_slices_is_of_one_seed(tmp_path: Path) -> None:
    """Text at one place of all: nobody knows more, and still the fills go on along the stack."""
    stack = Stack.of(tmp_path, slices(COUNT, written=range(COUNT)))
    together, apart = corridor(), corridor(waits=None)

    filled = [stack.cleaned(together, number).pixels[HOLE] for number in range(COUNT)]
    single = [stack.cleaned(apart, number, series=None).pixels[HOLE] for number in range(COUNT)]

    truth = [one[HOLE] for one in volume(COUNT)]
    assert flicker(filled, truth) < flicker(single, truth)


def flicker(stack: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]]) -> float:
    """Return the difference of neighbouring slices, of the truth's."""
    own, true = (
        np.mean([np.abs(a.astype(float) - b).mean() for a, b in pairwise(one)])
        for one in (stack, truth)
    )
    return float(own / true)


def test_only_text_pays_for_the_slices_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack.of(tmp_path, slices(COUNT, written=(MIDDLE,)))
    asked: list[str] = []
    original = PixelCleaner.slice_of

    def slice_of(self: PixelCleaner, dataset: Dataset, known_as: str, **named: Any) -> Any:
        asked.append(known_as)
        return original(self, dataset, known_as, **named)

    monkeypatch.setattr(PixelCleaner, "slice_of", slice_of)
    one = corridor()

    stack.cleaned(one, 1)
    without = list(asked)
    stack.cleaned(one)

    assert without == []
    # The nearest on each side is bare: no other is opened.
    assert asked == [stack.blobs[MIDDLE - 1].sha256, stack.blobs[MIDDLE + 1].sha256]


def test_a_slice_beside_it_costs_it_two_starts_at_most(tmp_path: Path) -> None:
    stack = Stack.of(tmp_path, slices(COUNT, written=(MIDDLE,)))

    last = stack.cleaned(corridor(), attempt=MAX_STARTS)

    assert Fill.NEIGHBOURS not in last.fills
    assert Fill.NEIGHBOURS in stack.cleaned(corridor(), attempt=MAX_STARTS - 1).fills


@pytest.mark.parametrize(("waits", "treatment"), [(None, "research"), (WAITS, "project")])
def test_a_treatment_that_does_not_wait_looks_at_no_other(
    tmp_path: Path, waits: WaitForSeriesOptions | None, treatment: str
) -> None:
    stack = Stack.of(tmp_path, slices(COUNT, written=(MIDDLE,)))
    series = stack.order().series
    assert series is not None

    result = stack.cleaned(corridor(waits=waits), series=replace(series, treatment=treatment))

    plain = stack.cleaned(corridor(waits=None), series=None)
    assert result.content == plain.content
