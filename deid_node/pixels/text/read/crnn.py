"""The reader that ships: a light CRNN with CTC in an ONNX file, run by onnxruntime.

The file carries its alphabet and its own threshold, so that another model brings
its own. Lines run one by one: in a batch, the length of one line would decide what
stands beside another.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deid_node.errors import ConfigurationError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.text.find.runtime import open_session
from deid_node.pixels.text.read.base import UNKNOWN, Reading
from deid_node.pixels.text.read.crops import line_of
from deid_node.pixels.text.read.letters import reading_of
from deid_node.pixels.text.read.options import CrnnReaderOptions
from deid_node.pixels.text.weights import READER, crnn_name
from deid_node.values.geometry import Box

MAKE = "deid_node reader 1"
"""Written into the file by the export: what it takes and gives is part of the name."""

_TURNED_PROPORTION = 1.5  # height to width of a box from which its line may stand on end


class CrnnReader:
    """Cuts each box from the frame and reads it as one line."""

    def __init__(self, options: CrnnReaderOptions, *, threads: int = 1) -> None:
        model = READER.read(options.model_file)
        self._name = crnn_name(model)
        self._session = open_session(
            model, device=options.device, threads=threads, room="pixels.reader"
        )
        own = self._session.get_modelmeta().custom_metadata_map
        self._alphabet = tuple(own.get("alphabet", ""))
        classes = self._session.get_outputs()[0].shape[-1]
        if own.get("make") != MAKE or classes != 1 + len(self._alphabet):
            raise ConfigurationError(READER.setting, "is no reader of this make")
        self._min_confidence = options.min_confidence or float(own["min_confidence"])

    @property
    def name(self) -> str:
        """``crnn-`` and the first 8 digits of the file's sha256."""
        return self._name

    @property
    def min_confidence(self) -> float:
        """Confidence from which a reading may be relied on: the option's, else the file's."""
        return self._min_confidence

    def read(self, frame: DisplayFrame, boxes: Sequence[Box]) -> Sequence[Reading]:
        """Return what stands in each of `boxes`."""
        if frame.dtype != np.uint8 or not (
            frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)
        ):
            raise ValueError(f"not a display frame: {frame.shape} {frame.dtype}")
        rows, columns = frame.shape[:2]
        if any(box.right > columns or box.bottom > rows for box in boxes):
            raise ValueError(f"a box reaches out of the frame: {frame.shape}")
        return tuple(self._line(frame[box.slices]) for box in boxes)

    def certainties(self, crop: DisplayFrame) -> NDArray[np.float32]:
        """Return what the network sees along `crop`, ``(steps, 1 + letters)``."""
        seen = line_of(crop)[None, None]
        return np.asarray(self._session.run(None, {"lines": seen})[0][0], np.float32)

    def _line(self, crop: DisplayFrame) -> Reading:
        level = self._level(crop)
        if crop.shape[0] < _TURNED_PROPORTION * crop.shape[1]:
            return level
        turns = (level, self._level(np.rot90(crop)), self._level(np.rot90(crop, 3)))
        return max(
            turns, key=lambda one: (bool(one.text) and UNKNOWN not in one.text, one.confidence)
        )

    def _level(self, crop: DisplayFrame) -> Reading:
        return reading_of(self.certainties(np.ascontiguousarray(crop)), self._alphabet)
