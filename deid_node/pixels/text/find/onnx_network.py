"""The finder's network in onnxruntime, on a processor or on CUDA."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.text.find.runtime import open_session

# A processor is busy with one tile of this size; an accelerator wants several large ones.
_BATCH_PIXELS_CPU: Final = 256 * 256 * 4
_BATCH_PIXELS_CUDA: Final = 8 * 1024 * 1024


class OnnxNetwork:
    """A session of onnxruntime."""

    def __init__(self, model: bytes, *, device: str, threads: int) -> None:
        self._session = open_session(model, device=device, threads=threads, room="pixels.finder")
        on_cuda = "CUDAExecutionProvider" in self._session.get_providers()
        self._batch_pixels = _BATCH_PIXELS_CUDA if on_cuda else _BATCH_PIXELS_CPU
        self._notes: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map

    @property
    def notes(self) -> Mapping[str, str]:
        """What the file says of itself."""
        return self._notes

    @property
    def batch_pixels(self) -> int:
        """As many as hold 512 x 512 pixels on a processor, eight whole tiles on CUDA."""
        return self._batch_pixels

    def maps(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the maps of ``(count, rows, columns, 3)``."""
        return np.asarray(self._session.run(None, {"frames": frames})[0], np.float32)
