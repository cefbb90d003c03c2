"""PP-OCRv6 small as the package rapidocr brings it, models included.

Its own settings hold. At its own size it enlarges a picture whose shorter side is
below 736 pixels before it looks and shrinks one whose longer side is above 2,000;
doubled, the picture is enlarged first and the second limit lifted. The package would
fetch a model that it does not hold: each file is named here, so it looks for none.
"""

import importlib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from deid_node.errors import InputError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Box

_PACKAGE: Final = "rapidocr"
_NO_LIMIT: Final = 1 << 16
_DETECTOR: Final = "PP-OCRv6_det_small.onnx"
_READER: Final = "PP-OCRv6_rec_small.onnx"
_TURNER: Final = "ch_ppocr_mobile_v2.0_cls_mobile.onnx"


class RapidOcr:
    """Looks at pictures enlarged `scale` times.

    Raises
    ------
    InputError
        The package is not installed, or does not hold the models.
    """

    def __init__(self, *, scale: int = 1, threads: int = 1) -> None:
        try:
            # The package loads onnxruntime itself: this one has switched its telemetry off before.
            importlib.import_module("deid_node.pixels.text.find.runtime")
            module = importlib.import_module(_PACKAGE)
        except ImportError:
            raise InputError(f"{_PACKAGE} is not installed (make peers)") from None
        models = Path(str(module.__file__)).parent / "models"
        chosen: dict[str, Any] = {
            "Det.model_path": models / _DETECTOR,
            "Rec.model_path": models / _READER,
            "Cls.model_path": models / _TURNER,
        }
        if not all(path.is_file() for path in chosen.values()):
            raise InputError(f"this {_PACKAGE} does not hold the models of PP-OCRv6 (make peers)")
        chosen = {key: str(path) for key, path in chosen.items()} | {
            # It says what it fails at, and might say what it reads.
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        if scale > 1:
            chosen["Global.max_side_len"] = _NO_LIMIT
        self._engine: Any = module.RapidOCR(params=chosen)
        self._scale = scale
        size = "" if scale == 1 else ", doubled" if scale == 2 else f", {scale} times"
        self._name = f"PP-OCRv6 small (rapidocr {metadata.version(_PACKAGE)}){size}"

    @property
    def name(self) -> str:
        """The models, the package's version, and the size if it is not the picture's own."""
        return self._name

    def boxes(self, picture: DisplayFrame) -> Sequence[Box]:
        """Return the boxes of the detector alone: those that the reader drops stay."""
        found = self._engine(self._shown(picture), use_det=True, use_cls=False, use_rec=False)
        rows, columns = picture.shape[:2]
        quads = () if found.boxes is None else found.boxes
        scaled = [np.asarray(quad, np.float64) / self._scale for quad in quads]
        boxes = (_upright(quad, rows=rows, columns=columns) for quad in scaled)
        return tuple(box for box in boxes if box is not None)

    def texts(self, picture: DisplayFrame) -> Sequence[str]:
        """Return the lines that were read with the certainty that the package asks for."""
        found = self._engine(self._shown(picture), use_det=True, use_cls=True, use_rec=True)
        return tuple(str(text) for text in getattr(found, "txts", None) or ())

    def _shown(self, picture: DisplayFrame) -> DisplayFrame:
        kind = cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_RGB2BGR
        shown = cv2.cvtColor(picture, kind)
        if self._scale > 1:
            method = cv2.INTER_CUBIC
            shown = cv2.resize(shown, None, fx=self._scale, fy=self._scale, interpolation=method)
        return np.asarray(shown, np.uint8)


def _upright(quad: np.ndarray, *, rows: int, columns: int) -> Box | None:
    left, top = (max(0, int(n)) for n in np.floor(quad.min(0)))
    right, bottom = (int(n) for n in np.ceil(quad.max(0)))
    right, bottom = min(columns, right), min(rows, bottom)
    return Box(left, top, right, bottom) if left < right and top < bottom else None
