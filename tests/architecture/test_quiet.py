"""The node talks to nobody but its peers and destinations: no library may call home.

The official builds of onnxruntime send telemetry over HTTPS unless
``ORT_DISABLE_TELEMETRY=1`` is set before the library starts (its Privacy.md). Importing
openvino reports the import, unless the package openvino_telemetry cannot be imported.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, Module, broken, written

SWITCH = "ORT_DISABLE_TELEMETRY"
LOAD_THE_FINDER = """
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
build_finder(CrnnOptions())
"""
REPORTS = "openvino_telemetry"
LOAD_IT_IN_OPENVINO = """
import socket, sys
def refuse(*_told, **_more):
    raise SystemExit("somebody opens a socket")
socket.socket = socket.create_connection = socket.getaddrinfo = refuse
import numpy as np
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions, OpenVinoOptions
finder = build_finder(CrnnOptions(device="cpu", runtime=OpenVinoOptions(kind="openvino")))
finder.find([np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)])
assert "openvino" in sys.modules
loud = ("openvino_telemetry", "openvino.tools.ovc")
assert not [name for name, module in sys.modules.items() if module and name.startswith(loud)]
"""


def _speaks(module: Module) -> Iterator[str]:
    for library, hush in (("onnxruntime", SWITCH), ("openvino", REPORTS)):
        imports = [node for node, name in module.imports() if name.partition(".")[0] == library]
        for first in sorted(imports, key=lambda node: node.lineno)[:1]:
            if hush not in "\n".join(module.text.splitlines()[: first.lineno - 1]):
                yield module.at(first)


def test_who_imports_a_library_that_reports_hushes_it_first() -> None:
    assert not broken(_speaks)


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        (f"os.environ['{SWITCH}'] = '1'\nimport onnxruntime", False),
        (f"import onnxruntime\nos.environ['{SWITCH}'] = '1'", True),
        ("def f():\n    from onnxruntime import InferenceSession", True),
        (f"sys.modules['{REPORTS}'] = None\nimport openvino", False),
        ("def f():\n    import openvino", True),
    ],
)
def test_the_rule_itself_sees_what_it_should(source: str, seen: bool) -> None:
    assert bool(list(_speaks(written("pixels/text/a.py", source)))) is seen


@pytest.mark.parametrize(
    ("library", "program"),
    [("onnxruntime", LOAD_THE_FINDER), ("openvino", LOAD_IT_IN_OPENVINO)],
    ids=["onnxruntime", "openvino"],
)
def test_loading_the_finder_leaves_no_trace_in_the_home_folder(
    tmp_path: Path, library: str, program: str
) -> None:
    """The telemetry keeps an id and a queue there; without it, the folder stays empty."""
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed here")
    environment = {key: value for key, value in os.environ.items() if key != SWITCH}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert not [path.name for path in tmp_path.rglob("*") if path.is_file()]
