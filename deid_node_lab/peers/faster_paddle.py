"""PP-OCRv6 tiny as the package faster-paddle brings it, models and runtime in one library.

It is the one package of the index that holds the tiny models. Its detector has no door
of its own: a box comes with what was read in it, so what its reader drops is not seen.
Pictures go in as PNG in memory. It enlarges a picture whose shorter side is below 736
pixels before it looks and shrinks one whose longer side is above 1,600.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any, Final

from deid_node.errors import InputError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.picture import png_of
from deid_node.values.geometry import Box

_PACKAGE: Final = "faster-paddle"


class FasterPaddle:
    """Looks and reads in one go.

    Raises
    ------
    InputError
        The package is not installed.
    """

    def __init__(self, *, threads: int = 1) -> None:
        try:
            # Its library holds an onnxruntime of its own: the telemetry is off before it starts.
            importlib.import_module("deid_node.pixels.text.find.runtime")
            module = importlib.import_module("faster_paddle")
        except ImportError:
            raise InputError(f"{_PACKAGE} is not installed (make peers)") from None
        # Tiny is held by the library; the medium one would be fetched.
        self._engine: Any = module.OcrEngine(model_size="tiny", threads=threads)
        self._name = f"PP-OCRv6 tiny ({_PACKAGE} {metadata.version(_PACKAGE)})"

    @property
    def name(self) -> str:
        """The models and the package's version."""
        return self._name

    def boxes(self, picture: DisplayFrame) -> Sequence[Box]:
        """Return the upright boxes of what was read."""
        rows, columns = picture.shape[:2]
        boxes = []
        for line in self._lines(picture):
            left, top = (max(0, int(n)) for n in line["topLeftCoord"])
            right, bottom = (int(n) for n in line["bottomRightCoord"])
            right, bottom = min(columns, right), min(rows, bottom)
            if left < right and top < bottom:
                boxes.append(Box(left, top, right, bottom))
        return tuple(boxes)

    def texts(self, picture: DisplayFrame) -> Sequence[str]:
        """Return the lines that were read."""
        return tuple(str(line["text"]) for line in self._lines(picture))

    def _lines(self, picture: DisplayFrame) -> Iterator[Mapping[str, Any]]:
        yield from self._engine.ocr(png_of(picture))["bounds"].values()
