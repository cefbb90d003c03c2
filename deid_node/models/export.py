"""Writes a trained finder as the ONNX file that the corridor runs.

The thresholds travel inside the file. Taking 8-bit pixels and giving certainties
is part of the file too, so that the corridor holds no arithmetic of the model.
"""

import hashlib
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from deid_node.models.finder import MAP_STRIDE, STRIDE, FinderNet
from deid_node.models.judge import JudgeNet
from deid_node.pixels.find.context import FACTS, FAR_SHAPE, NEAR_SHAPE

MAKE = "deid_node finder 2"
"""The same words as in `deid_node.pixels.find.crnn`, which refuses any other."""

_OPSET = 17


class _Runtime(nn.Module):
    """The network from 8-bit frames to certainties."""

    def __init__(self, net: FinderNet) -> None:
        super().__init__()
        self._net = net

    def forward(self, frames: Tensor) -> Tensor:
        return torch.sigmoid(self._net(frames.permute(0, 3, 1, 2).float()))


def export_finder(
    net: FinderNet,
    target: Path,
    *,
    min_score: float,
    edge_score: float,
    propose_score: float | None = None,
    judge_sha256: str | None = None,
) -> None:
    """Write `net` to `target`.

    The file takes ``frames``, uint8 ``(count, rows, columns, 3)`` with rows and columns
    in multiples of 16, and gives ``maps``, float32 ``(count, 2, rows / 2, columns / 2)``:
    core and region, between 0 and 1. Count, rows and columns are free.

    Parameters
    ----------
    net
        The network; it is put into evaluation mode.
    target
        Written over if it exists.
    min_score
        Least certainty of a box that is found, after the judge if there is one.
    edge_score
        See `deid_node.pixels.find.maps.boxes_of_maps`.
    propose_score
        Least peak of the region map that is shown to the judge.
    judge_sha256
        Of the second stage's file, which lies beside; see `export_judge`.
    """
    free = {0: "count", 1: "rows", 2: "columns"}
    maps = {0: "count", 2: "map_rows", 3: "map_columns"}
    with warnings.catch_warnings():
        # The exporter warns that it is the older of two and that LSTM batches are free.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Runtime(net).eval(),
            (torch.zeros((1, 6 * STRIDE, 7 * STRIDE, 3), dtype=torch.uint8),),
            str(target),
            input_names=["frames"],
            output_names=["maps"],
            dynamic_axes={"frames": free, "maps": maps},
            opset_version=_OPSET,
            dynamo=False,
        )
    model = onnx.load(str(target))
    own = {
        "make": MAKE,
        "map_stride": str(MAP_STRIDE),
        "min_score": f"{min_score:.4f}",
        "edge_score": f"{edge_score:.4f}",
    }
    if judge_sha256 is not None:
        own |= {"propose_score": f"{propose_score:.4f}", "judge_sha256": judge_sha256}
    onnx.helper.set_model_props(model, own)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


class _JudgeRuntime(nn.Module):
    """The judge from 8-bit cuts to certainties."""

    def __init__(self, net: JudgeNet) -> None:
        super().__init__()
        self._net = net

    def forward(self, near: Tensor, far: Tensor, facts: Tensor) -> Tensor:
        cuts = (cut.permute(0, 3, 1, 2).float() for cut in (near, far))
        return torch.sigmoid(self._net(*cuts, facts))


def export_judge(net: JudgeNet, target: Path) -> str:
    """Write the second stage to `target` and return the sha256 of the file.

    The file takes ``near`` and ``far``, uint8 cuts ``(count, rows, columns, 4)`` of the
    shapes of `deid_node.pixels.find.context`, and ``facts``, float32 ``(count, 4)``; it
    gives ``scores``, float32 ``(count,)``, between 0 and 1.
    """
    names = ("near", "far", "facts")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _JudgeRuntime(net).eval(),
            (
                torch.zeros((2, *NEAR_SHAPE, 4), dtype=torch.uint8),
                torch.zeros((2, *FAR_SHAPE, 4), dtype=torch.uint8),
                torch.zeros((2, FACTS)),
            ),
            str(target),
            input_names=list(names),
            output_names=["scores"],
            dynamic_axes={name: {0: "count"} for name in (*names, "scores")},
            opset_version=_OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(onnx.load(str(target)))
    return hashlib.sha256(target.read_bytes()).hexdigest()
