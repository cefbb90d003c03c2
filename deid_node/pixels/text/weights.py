"""A model's file: the one that a setting names, or the one that ships.

Light: nothing here imports onnxruntime, so that a configuration can be checked
on a machine without it.
"""

import hashlib
from importlib import resources
from pathlib import Path

from deid_node.errors import ConfigurationError


def model_bytes(file: Path | None, *, shipped: str, setting: str) -> bytes:
    """Return what is in `file`, or in the file `shipped` of ``deid_node.weights``.

    Raises
    ------
    ConfigurationError
        It cannot be read; the error names `setting`.
    """
    try:
        if file is not None:
            return file.read_bytes()
        return resources.files("deid_node.weights").joinpath(shipped).read_bytes()
    except OSError:
        raise ConfigurationError(setting, "cannot be read") from None


def crnn_name(model: bytes) -> str:
    """Return ``crnn-`` and the first 8 digits of the model's sha256."""
    return f"crnn-{hashlib.sha256(model).hexdigest()[:8]}"
