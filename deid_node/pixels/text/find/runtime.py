"""onnxruntime with its telemetry off, and sessions as the house opens them.

The official builds look up a host of their maker and keep a device id in the
home folder unless this variable is set before the library is imported. Import
onnxruntime from here, never by itself.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from typing import Any

import onnxruntime

from deid_node.errors import ConfigurationError

__all__ = ["onnxruntime", "open_session", "sees_cuda"]


def sees_cuda() -> bool:
    """Return whether onnxruntime has a CUDA device to run on."""
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def open_session(model: bytes, *, device: str, threads: int, room: str) -> Any:
    """Return a session of `model` that gives the same answers every time.

    Parameters
    ----------
    model
        Content of an ONNX file.
    device
        ``auto``, ``cpu`` or ``cuda``.
    threads
        Processor threads of one call.
    room
        The setting whose ``device`` and ``model_file`` an error names.

    Raises
    ------
    ConfigurationError
        The device is not there, or onnxruntime cannot load the model.
    """
    on_cuda = device != "cpu" and sees_cuda()
    if device == "cuda" and not on_cuda:
        raise ConfigurationError(f"{room}.device", "onnxruntime sees no CUDA device")
    wanted = ["CPUExecutionProvider"]
    if on_cuda:
        wanted.insert(0, "CUDAExecutionProvider")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    # Workers share the cores: a thread that waits by spinning takes them from another.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.use_deterministic_compute = True
    settings.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, settings, providers=wanted)
    except Exception as error:  # onnxruntime raises classes of its own for each fault
        raise ConfigurationError(
            f"{room}.model_file", "is no model that onnxruntime can load"
        ) from error
