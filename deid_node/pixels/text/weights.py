"""The files with the weights of finder and reader: what a setting names, or what ships.

Light: nothing here imports onnxruntime, so that a configuration can be checked
on a machine without it.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from deid_node.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The file `shipped` of ``deid_node.weights``, instead of which `setting` may name another."""

    shipped: str
    setting: str

    def read(self, file: Path | None) -> bytes:
        """Return what is in `file`, or in the file that ships where there is none.

        Raises
        ------
        ConfigurationError
            It cannot be read; the error names the setting.
        """
        try:
            if file is not None:
                return file.read_bytes()
            return resources.files("deid_node.weights").joinpath(self.shipped).read_bytes()
        except OSError:
            raise ConfigurationError(self.setting, "cannot be read") from None


FINDER: Final = WeightsFile("finder.onnx", "pixels.finder.model_file")
READER: Final = WeightsFile("reader.onnx", "pixels.reader.model_file")


def crnn_name(model: bytes) -> str:
    """Return ``crnn-`` and the first 8 digits of the model's sha256."""
    return f"crnn-{hashlib.sha256(model).hexdigest()[:8]}"
