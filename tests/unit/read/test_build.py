"""A reader is built from options, or the fault is named."""

from pathlib import Path

import onnx
import pytest
from pydantic import ValidationError

from deid_node.errors import ConfigurationError
from deid_node.pixels.text.read.build import build_reader
from deid_node.pixels.text.read.options import CrnnReaderOptions
from deid_node.pixels.text.weights import FINDER


def test_a_missing_model_file_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        build_reader(CrnnReaderOptions(model_file=tmp_path / "none.onnx"))

    assert refusal.value.path == "pixels.reader.model_file"
    assert "none.onnx" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(4096)])
def test_a_corrupt_model_file_refuses_to_start(tmp_path: Path, content: bytes) -> None:
    corrupt = tmp_path / "model.onnx"
    corrupt.write_bytes(content)

    with pytest.raises(ConfigurationError) as refusal:
        build_reader(CrnnReaderOptions(model_file=corrupt))

    assert refusal.value.path == "pixels.reader.model_file"


def test_a_finder_is_no_reader(tmp_path: Path) -> None:
    finder = tmp_path / "finder.onnx"
    finder.write_bytes(FINDER.read(None))

    with pytest.raises(ConfigurationError, match="no reader of this make"):
        build_reader(CrnnReaderOptions(model_file=finder))


def test_a_model_without_its_alphabet_refuses_to_start(tmp_path: Path) -> None:
    shipped = onnx.load_from_string(FINDER.read(None))
    onnx.helper.set_model_props(shipped, {"make": "deid_node reader 1"})
    bare = tmp_path / "bare.onnx"
    onnx.save(shipped, str(bare))

    with pytest.raises(ConfigurationError, match="no reader of this make"):
        build_reader(CrnnReaderOptions(model_file=bare))


@pytest.mark.parametrize(
    "wrong", [{"min_confidence": 0.0}, {"min_confidence": 1.0}, {"kind": "ocr"}, {"x": 1}]
)
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CrnnReaderOptions.model_validate(wrong)


def test_the_option_s_confidence_goes_before_the_file_s() -> None:
    assert build_reader(CrnnReaderOptions(min_confidence=0.25)).min_confidence == 0.25
