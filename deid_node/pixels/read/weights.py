"""The file with the reader's weights: where it lies and what it is called.

Light: nothing here imports onnxruntime, so that a configuration can be checked
on a machine without it.
"""

import hashlib
from importlib import resources
from typing import Final

from deid_node.errors import ConfigurationError
from deid_node.pixels.read.options import CrnnReaderOptions

SHIPPED: Final = "reader.onnx"
SETTING: Final = "pixels.reader.model_file"


def read_weights(options: CrnnReaderOptions) -> bytes:
    """Return the model that `options` name, or the one that ships.

    Raises
    ------
    ConfigurationError
        The file cannot be read.
    """
    try:
        if options.model_file is not None:
            return options.model_file.read_bytes()
        return resources.files("deid_node.weights").joinpath(SHIPPED).read_bytes()
    except OSError:
        raise ConfigurationError(SETTING, "cannot be read") from None


def name_of(model: bytes) -> str:
    """Return ``crnn-`` and the first 8 digits of the file's sha256."""
    return f"crnn-{hashlib.sha256(model).hexdigest()[:8]}"
