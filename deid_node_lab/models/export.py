"""Writes a trained finder as the ONNX file that the corridor runs.

The thresholds travel inside the file. Taking 8-bit pixels and giving certainties
is part of the file too, so that the corridor holds no arithmetic of the model.
"""

import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from deid_node_lab.models.finder import MAP_STRIDE, STRIDE, FinderNet

MAKE = "deid_node finder 2"
"""The same words as in `deid_node.pixels.text.find.crnn`, which refuses any other."""

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
    min_score, edge_score
        See `deid_node.pixels.text.find.maps.boxes_of_maps`.
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
    onnx.helper.set_model_props(model, own)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
