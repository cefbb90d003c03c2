"""The file with the reader's weights: where it lies."""

from typing import Final

from deid_node.pixels.text.read.options import CrnnReaderOptions
from deid_node.pixels.text.weights import model_bytes

SHIPPED: Final = "reader.onnx"
SETTING: Final = "pixels.reader.model_file"


def read_weights(options: CrnnReaderOptions) -> bytes:
    """Return the model that `options` name, or the one that ships.

    Raises
    ------
    ConfigurationError
        The file cannot be read.
    """
    return model_bytes(options.model_file, shipped=SHIPPED, setting=SETTING)
