"""The finder's network in OpenVINO, on a processor, with its reports to its maker off.

``import openvino`` imports its converter, which reports the import to the maker by way
of the package openvino_telemetry and keeps an id in the home folder, without being asked.
Here neither is imported: the node converts nothing. Import openvino from here, never by
itself.
"""

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from deid_node.errors import ConfigurationError
from deid_node.pixels.text.find.options import RUNTIME_SETTING

_NEVER_IMPORTED: Final = ("openvino_telemetry", "openvino.tools.ovc")
_HINTS: Final = MappingProxyType({"float32": "f32", "bfloat16": "bf16"})


class OpenVinoNetwork:
    """A compiled model and its one request.

    The precision is always named: left to itself, the library takes bfloat16 wherever the
    processor has it, and the boxes of two machines differ.
    """

    def __init__(
        self, model: bytes, *, precision: Literal["float32", "bfloat16"], threads: int
    ) -> None:
        core = _library().Core()
        hint = _HINTS[precision]
        if hint.upper() not in {*core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"), "F32"}:
            raise ConfigurationError(
                f"{RUNTIME_SETTING}.precision", "the processor does not know it"
            )
        settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Workers share the cores: pinned, all of them would sit on the first.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            read = core.read_model(model=model)
            compiled = core.compile_model(read, "CPU", settings)
            own = dict(read.get_rt_info().items()).get("framework", {})
        except Exception as error:  # whatever the library makes of a file that is none
            raise ConfigurationError(
                "pixels.finder.model_file", "is no model that OpenVINO can load"
            ) from error
        self._request = compiled.create_infer_request()
        self._notes = {str(key): str(value.value) for key, value in own.items()}

    @property
    def notes(self) -> Mapping[str, str]:
        """What the file says of itself."""
        return self._notes

    @property
    def batch_pixels(self) -> int:
        """One tile a call: every other count would be one more shape to prepare for."""
        return 1

    def maps(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the maps of ``(count, rows, columns, 3)``."""
        # What comes back is the library's own memory, which the next call writes over.
        return np.array(self._request.infer({"frames": frames})[0], np.float32)


def _library() -> Any:
    """Return openvino, imported without what reports."""
    blocked: dict[str, Any] = dict.fromkeys(_NEVER_IMPORTED)
    sys.modules.update({name: none for name, none in blocked.items() if name not in sys.modules})
    try:
        import openvino
    except ImportError:
        raise ConfigurationError(
            RUNTIME_SETTING, "openvino is not installed: it comes with the extra openvino"
        ) from None
    return openvino
