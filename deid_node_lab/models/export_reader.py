"""Writes a trained reader as the ONNX file that the corridor runs.

The alphabet and the threshold travel inside the file: a network whose classes are
counted by another alphabet would read fluently, and wrongly.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from deid_node_lab.models.reader import HEIGHT, STRIDE, ReaderNet

MAKE = "deid_node reader 1"
"""The same words as in `deid_node.pixels.text.read.crnn`, which refuses any other."""

_OPSET = 17


class _Runtime(nn.Module):
    """The network from lines to certainties."""

    def __init__(self, net: ReaderNet) -> None:
        super().__init__()
        self._net = net

    def forward(self, lines: Tensor) -> Tensor:
        return torch.softmax(self._net(lines), dim=-1)


def export_reader(
    net: ReaderNet, target: Path, *, alphabet: Sequence[str], min_confidence: float
) -> None:
    """Write `net` to `target`.

    The file takes ``lines``, float32 ``(count, 1, 32, width)`` as
    `deid_node.pixels.text.read.crops.line_of` makes them, and gives ``certainties``, float32
    ``(count, width / 2, 1 + letters)``, of which each row adds up to 1: first that of no
    letter, then one a letter of the alphabet. Count and width are free, the width in
    multiples of 4.

    Parameters
    ----------
    net
        The network; it is put into evaluation mode.
    target
        Written over if it exists.
    alphabet
        The letters in the order of the network's classes.
    min_confidence
        Confidence from which a reading may be relied on.

    Raises
    ------
    ValueError
        The alphabet has not as many letters as the network.
    """
    if len(alphabet) != net.shape.letters or any(len(letter) != 1 for letter in alphabet):
        raise ValueError(f"{len(alphabet)} letters for a network of {net.shape.letters}")
    with warnings.catch_warnings():
        # The exporter warns that it is the older of two and that LSTM batches are free.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Runtime(net).eval(),
            (torch.zeros((1, 1, HEIGHT, 16 * STRIDE)),),
            str(target),
            input_names=["lines"],
            output_names=["certainties"],
            dynamic_axes={
                "lines": {0: "count", 3: "width"},
                "certainties": {0: "count", 1: "steps"},
            },
            opset_version=_OPSET,
            dynamo=False,
        )
    model = onnx.load(str(target))
    own = {
        "make": MAKE,
        "alphabet": "".join(alphabet),
        "min_confidence": f"{min_confidence:.4f}",
    }
    onnx.helper.set_model_props(model, own)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
