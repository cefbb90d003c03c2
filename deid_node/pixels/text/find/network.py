"""What runs the finder's network: one promise over every runtime."""

from collections.abc import Mapping
from typing import Protocol, assert_never

import numpy as np
from numpy.typing import NDArray

from deid_node.errors import ConfigurationError
from deid_node.pixels.text.find.options import (
    RUNTIME_SETTING,
    CrnnOptions,
    FastestRuntimeOptions,
    OnnxRuntimeOptions,
    OpenVinoOptions,
)


class Network(Protocol):
    """A file of weights, loaded."""

    @property
    def notes(self) -> Mapping[str, str]:
        """What the file says of itself."""
        ...

    @property
    def batch_pixels(self) -> int:
        """Pixels of one call at most, if more than one tile is to share it."""
        ...

    def maps(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the maps of ``(count, rows, columns, 3)``, the same on every call."""
        ...


def open_network(model: bytes, options: CrnnOptions, *, threads: int) -> Network:
    """Return the network in `model`, on the runtime that `options` name.

    Raises
    ------
    ConfigurationError
        The runtime or the device is not there, or it cannot load the model.
    """
    match options.runtime:
        case OnnxRuntimeOptions():
            from deid_node.pixels.text.find.onnx_network import OnnxNetwork

            return OnnxNetwork(model, device=options.device, threads=threads)
        case OpenVinoOptions(precision=precision):
            from deid_node.pixels.text.find.openvino_network import OpenVinoNetwork

            return OpenVinoNetwork(model, precision=precision, threads=threads)
        case FastestRuntimeOptions():
            return _fastest(model, options, threads=threads)
        case _:
            assert_never(options.runtime)


def _fastest(model: bytes, options: CrnnOptions, *, threads: int) -> Network:
    from deid_node.pixels.text.find.runtime import sees_cuda

    plain = options.model_copy(update={"runtime": OnnxRuntimeOptions()})
    if options.device == "cuda" or (options.device == "auto" and sees_cuda()):
        return open_network(model, plain, threads=threads)
    short = OpenVinoOptions(kind="openvino", precision="bfloat16")
    try:
        return open_network(model, options.model_copy(update={"runtime": short}), threads=threads)
    except ConfigurationError as error:
        # Not installed, or not on this processor; a file that is no model is one everywhere.
        if not error.path.startswith(RUNTIME_SETTING):
            raise
        return open_network(model, plain, threads=threads)
