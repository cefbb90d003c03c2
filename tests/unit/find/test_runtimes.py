"""Every runtime gives the boxes of onnxruntime: exactly, or within a stated tolerance."""

import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from deid_node.errors import ConfigurationError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.display import Display
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.crnn import CrnnFinder
from deid_node.pixels.text.find.openvino_network import OpenVinoNetwork
from deid_node.pixels.text.find.options import CrnnOptions, FastestRuntimeOptions, OpenVinoOptions
from deid_node.pixels.text.masks import mask_of
from deid_node.pixels.text.weights import FINDER
from deid_node.values.geometry import Found

SCORE_TOLERANCE = 1e-5
"""Of float32: sums are added in another order, so the last bits of a score differ."""

MAP_TOLERANCE = 0.05
"""Of bfloat16, which keeps 8 bits of each product: how far a map may be off anywhere."""

LEAST_AGREEMENT = 0.95
"""Of bfloat16: intersection over union of all that is masked on a frame."""

FILES = (
    "CT_small.dcm", "MR_small.dcm", "examples_rgb_color.dcm", "examples_palette.dcm",
    "693_J2KR.dcm",
)  # fmt: skip

needs_openvino = pytest.mark.skipif(
    find_spec("openvino") is None, reason="openvino is not installed here"
)


@pytest.fixture(scope="module")
def reference() -> CrnnFinder:
    return CrnnFinder(CrnnOptions(device="cpu"))


@pytest.fixture(scope="module")
def exact() -> CrnnFinder:
    return CrnnFinder(CrnnOptions(device="cpu", runtime=OpenVinoOptions(kind="openvino")))


@pytest.fixture(scope="module")
def short() -> CrnnFinder:
    runtime = OpenVinoOptions(kind="openvino", precision="bfloat16")
    try:
        return CrnnFinder(CrnnOptions(device="cpu", runtime=runtime))
    except ConfigurationError as error:
        pytest.skip(str(error))


def of_file(name: str) -> tuple[DisplayFrame, ...]:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip("the file is not among those that pydicom brings")
    assert isinstance(path, str)
    dataset: Dataset = dcmread(path)
    keyword = pixel_keyword(dataset)
    assert keyword is not None
    frames = Frames(dataset, keyword)
    display = Display(dataset, frames.layout, big_endian=frames.syntax.big_endian)
    return display.views(values_of(frames[0], frames.layout), 0)


def drawn(seed: int) -> DisplayFrame:
    """Return grain with lines of text and shapes on it, in a size of its own."""
    chance = np.random.default_rng(seed)
    rows, columns = (int(n) for n in chance.integers(90, 400, 2))
    frame = chance.normal(60, 12, (rows, columns, 3)).clip(0, 255).astype(np.uint8)
    frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), 1.0), np.uint8)
    for number in range(6):
        place = tuple(int(n) for n in chance.uniform(0, 0.8, 2) * (columns, rows))
        level = (int(chance.integers(150, 256)),) * 3
        if number % 2:
            cv2.circle(frame, place, int(chance.integers(3, 30)), level, 1, cv2.LINE_AA)
        else:
            size = float(chance.uniform(0.3, 1.2))
            cv2.putText(frame, f"DOE 19{number}4", place, 0, size, level, 1, cv2.LINE_AA)
    return frame


def frames_of_all() -> Iterator[DisplayFrame]:
    for name in FILES:
        yield from of_file(name)
    yield from (drawn(seed) for seed in range(6))


def masked(found: Sequence[Found], frame: DisplayFrame) -> np.ndarray:
    rows, columns = frame.shape[:2]
    return mask_of((one.box for one in found), rows=rows, columns=columns)


def boxes(finder: Finder, frame: DisplayFrame) -> list[Found]:
    return list(finder.find([frame])[0])


@needs_openvino
def test_openvino_gives_the_very_boxes_of_onnxruntime(
    reference: CrnnFinder, exact: CrnnFinder
) -> None:
    seen = 0
    for frame in frames_of_all():
        expected, got = boxes(reference, frame), boxes(exact, frame)

        assert [one.box for one in got] == [one.box for one in expected]
        assert [one.score for one in got] == pytest.approx(
            [one.score for one in expected], abs=SCORE_TOLERANCE
        )
        seen += len(expected)
    assert seen > 30


@needs_openvino
def test_openvino_in_bfloat16_masks_what_onnxruntime_masks(
    reference: CrnnFinder, short: CrnnFinder
) -> None:
    seen = 0
    for frame in frames_of_all():
        (expected,), (got,) = reference.maps([frame]), short.maps([frame])
        np.testing.assert_allclose(got.mean(), expected.mean(), atol=MAP_TOLERANCE / 10)
        ours, theirs = (masked(boxes(one, frame), frame) for one in (reference, short))

        if ours.any() or theirs.any():
            assert (ours & theirs).sum() / (ours | theirs).sum() >= LEAST_AGREEMENT
            seen += 1
    assert seen > 5


@needs_openvino
def test_auto_takes_bfloat16_where_the_processor_knows_it(short: CrnnFinder) -> None:
    fastest = CrnnFinder(CrnnOptions(device="cpu", runtime=FastestRuntimeOptions(kind="auto")))
    frame = drawn(3)

    np.testing.assert_array_equal(fastest.maps([frame])[0], short.maps([frame])[0])


def test_auto_takes_onnxruntime_where_nothing_faster_is_installed(
    reference: CrnnFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    fastest = CrnnFinder(CrnnOptions(device="cpu", runtime=FastestRuntimeOptions(kind="auto")))
    frame = drawn(3)

    np.testing.assert_array_equal(fastest.maps([frame])[0], reference.maps([frame])[0])


def test_auto_does_not_hide_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "finder.onnx"
    path.write_bytes(b"not a model")

    with pytest.raises(ConfigurationError) as refusal:
        CrnnFinder(CrnnOptions(model_file=path, runtime=FastestRuntimeOptions(kind="auto")))

    assert refusal.value.path == "pixels.finder.model_file"


@needs_openvino
def test_a_call_does_not_write_over_the_maps_of_the_call_before(exact: CrnnFinder) -> None:
    first, second = drawn(1), drawn(2)[:96, :96]

    kept = exact.maps([first])[0]
    before = kept.copy()
    exact.maps([second])
    exact.maps([first[::-1]])

    np.testing.assert_array_equal(kept, before)


@needs_openvino
def test_the_precision_is_the_one_that_was_asked_for_whatever_the_processor_likes() -> None:
    network = OpenVinoNetwork(FINDER.read(None), precision="float32", threads=1)

    compiled = network._request.get_compiled_model()

    assert str(compiled.get_property("INFERENCE_PRECISION_HINT")) == "<Type: 'float32'>"
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1


def test_without_openvino_the_node_refuses_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)

    with pytest.raises(ConfigurationError, match="extra openvino") as refusal:
        build_finder(CrnnOptions(runtime=OpenVinoOptions(kind="openvino")))

    assert refusal.value.path == "pixels.finder.runtime"


def test_openvino_and_cuda_are_no_choice() -> None:
    with pytest.raises(ValidationError, match="OpenVINO runs on the processor"):
        CrnnOptions(device="cuda", runtime=OpenVinoOptions(kind="openvino"))


@needs_openvino
@pytest.mark.parametrize("content", [b"", b"not a model", bytes(4096)])
def test_a_file_that_openvino_cannot_load_refuses_to_start(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="no model that OpenVINO can load"):
        OpenVinoNetwork(content, precision="float32", threads=1)
