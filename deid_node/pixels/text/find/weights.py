"""The file with the finder's weights: where it lies."""

from typing import Final

from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.weights import model_bytes

SHIPPED: Final = "finder.onnx"
SETTING: Final = "pixels.finder.model_file"


def read_weights(options: CrnnOptions) -> bytes:
    """Return the model that `options` name, or the one that ships.

    Raises
    ------
    ConfigurationError
        The file cannot be read.
    """
    return model_bytes(options.model_file, shipped=SHIPPED, setting=SETTING)
