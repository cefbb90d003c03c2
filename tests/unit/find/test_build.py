"""A finder is built from options, or the fault is named."""

from pathlib import Path

import onnx
import pytest
from pydantic import ValidationError

from deid_node.errors import ConfigurationError
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions


def foreign_model(target: Path) -> Path:
    value = onnx.helper.make_tensor_value_info
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "foreign",
        [value("x", kind, [1])],
        [value("y", kind, [1])],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), str(target))
    return target


def test_a_missing_model_file_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        build_finder(CrnnOptions(model_file=tmp_path / "none.onnx"))

    assert refusal.value.path == "pixels.finder.model_file"
    assert "none.onnx" not in str(refusal.value)


def test_a_folder_as_model_file_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        build_finder(CrnnOptions(model_file=tmp_path))


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(4096)])
def test_a_corrupt_model_file_refuses_to_start(tmp_path: Path, content: bytes) -> None:
    corrupt = tmp_path / "model.onnx"
    corrupt.write_bytes(content)

    with pytest.raises(ConfigurationError):
        build_finder(CrnnOptions(model_file=corrupt))


def test_a_model_of_another_make_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no finder of this make"):
        build_finder(CrnnOptions(model_file=foreign_model(tmp_path / "foreign.onnx")))


@pytest.mark.parametrize(
    "wrong", [{"min_score": 0.0}, {"min_score": 1.5}, {"kind": "east"}, {"x": 1}]
)
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CrnnOptions.model_validate(wrong)


def test_a_higher_min_score_never_finds_more() -> None:
    import cv2
    import numpy as np

    frame = np.zeros((96, 256), np.uint8)
    cv2.putText(frame, "SMITH^JOHN", (10, 50), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1, cv2.LINE_AA)

    few = build_finder(CrnnOptions(min_score=0.9999999)).find([frame])[0]
    many = build_finder(CrnnOptions(min_score=0.05)).find([frame])[0]

    assert len(few) <= len(many)
    assert many
