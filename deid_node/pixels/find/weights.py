"""The files with the finder's weights: where they lie."""

import hashlib
from typing import Final

from deid_node.errors import ConfigurationError
from deid_node.pixels.find.options import CrnnOptions
from deid_node.pixels.weights import model_bytes

SHIPPED: Final = "finder.onnx"
SHIPPED_JUDGE: Final = "finder_judge.onnx"
SETTING: Final = "pixels.finder.model_file"


def read_weights(options: CrnnOptions) -> bytes:
    """Return the model that `options` name, or the one that ships.

    Raises
    ------
    ConfigurationError
        The file cannot be read.
    """
    return model_bytes(options.model_file, shipped=SHIPPED, setting=SETTING)


def read_judge(options: CrnnOptions, sha256: str) -> bytes:
    """Return the second stage of the model that `options` name, which wants that sha256.

    It lies beside the model: ``finder_judge.onnx`` beside ``finder.onnx``.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or is another one than the model was made with.
    """
    file = options.model_file
    beside = None if file is None else file.with_name(f"{file.stem}_judge{file.suffix}")
    model = model_bytes(beside, shipped=SHIPPED_JUDGE, setting=SETTING)
    if hashlib.sha256(model).hexdigest() != sha256:
        raise ConfigurationError(SETTING, "has a second stage beside it that is another's")
    return model
