"""Whatever the weights: boxes are cut, turned and judged as they should be."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="the train extra is not installed")

import onnx
import torch

from deid_node.errors import ConfigurationError
from deid_node.pixels.text.read.base import UNKNOWN, Reading
from deid_node.pixels.text.read.crnn import CrnnReader
from deid_node.pixels.text.read.options import CrnnReaderOptions
from deid_node.values.geometry import Box
from deid_node_lab.models.export_reader import export_reader
from deid_node_lab.models.reader import ReaderNet, ReaderShape

ALPHABET = ("a", "b", UNKNOWN)
SMALL = ReaderShape(letters=len(ALPHABET), half=4, quarter=4, eighth=4, column=4, recurrent=2)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("reader") / "reader.onnx"
    torch.manual_seed(3)
    export_reader(ReaderNet(SMALL), target, alphabet=ALPHABET, min_confidence=0.875)
    return target


@pytest.fixture
def reader(file: Path) -> CrnnReader:
    return CrnnReader(CrnnReaderOptions(model_file=file, device="cpu"))


def test_the_file_brings_its_own_threshold_and_name(reader: CrnnReader) -> None:
    assert reader.min_confidence == 0.875
    assert reader.name.startswith("crnn-")


def test_the_exported_file_equals_the_network(tmp_path: Path) -> None:
    torch.manual_seed(5)
    net = ReaderNet(SMALL).eval()
    export_reader(net, tmp_path / "reader.onnx", alphabet=ALPHABET, min_confidence=0.9)
    session = CrnnReader(CrnnReaderOptions(model_file=tmp_path / "reader.onnx"))._session

    for count, width in ((1, 16), (3, 100), (2, 640)):
        lines = torch.randn((count, 1, 32, width))
        wanted = net(lines).softmax(-1).detach().numpy()

        (given,) = session.run(None, {"lines": lines.numpy()})

        assert np.abs(given - wanted).max() < 1e-5


def test_an_alphabet_of_another_length_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 letters for a network of 3"):
        export_reader(ReaderNet(SMALL), tmp_path / "reader.onnx", alphabet="ab", min_confidence=0.9)


def test_an_alphabet_of_another_length_refuses_to_start(file: Path, tmp_path: Path) -> None:
    model = onnx.load(str(file))
    own = {one.key: one.value for one in model.metadata_props}
    onnx.helper.set_model_props(model, own | {"alphabet": "ab"})
    onnx.save(model, str(tmp_path / "other.onnx"))

    with pytest.raises(ConfigurationError, match="no reader of this make"):
        CrnnReader(CrnnReaderOptions(model_file=tmp_path / "other.onnx"))


Answers = Callable[[NDArray[np.uint8]], Reading]


def with_answers(reader: CrnnReader, monkeypatch: pytest.MonkeyPatch, answers: Answers) -> None:
    monkeypatch.setattr(reader, "_level", answers)


@pytest.mark.parametrize("turns", [1, 3])
def test_of_the_ways_to_turn_a_tall_box_the_most_confident_is_read(
    reader: CrnnReader, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    upright = np.tile(np.arange(40, dtype=np.uint8), (10, 1))

    def answer(crop: NDArray[np.uint8]) -> Reading:
        return Reading("ab", 0.9) if np.array_equal(crop, upright) else Reading("a", 0.6)

    with_answers(reader, monkeypatch, answer)

    assert reader.read(np.rot90(upright, turns), [Box(0, 0, 10, 40)]) == (Reading("ab", 0.9),)


def test_known_letters_go_before_more_certain_unknown_ones(
    reader: CrnnReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(crop: NDArray[np.uint8]) -> Reading:
        return Reading("a", 0.6) if crop.shape[0] > crop.shape[1] else Reading(UNKNOWN, 0.99)

    with_answers(reader, monkeypatch, answer)

    assert reader.read(np.zeros((40, 10), np.uint8), [Box(0, 0, 10, 40)]) == (Reading("a", 0.6),)


def test_a_level_box_is_read_once(reader: CrnnReader, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    def answer(crop: NDArray[np.uint8]) -> Reading:
        asked.append(crop.shape)
        return Reading("", 0.0)

    with_answers(reader, monkeypatch, answer)

    reader.read(np.zeros((40, 100), np.uint8), [Box(0, 0, 100, 40), Box(0, 0, 30, 40)])

    assert asked == [(40, 100), (40, 30)]
