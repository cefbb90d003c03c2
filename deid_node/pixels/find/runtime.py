"""onnxruntime with its telemetry off.

The official builds look up a host of their maker and keep a device id in the
home folder unless this variable is set before the library is imported. Import
onnxruntime from here, never by itself.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
