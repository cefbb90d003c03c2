"""The node talks to nobody but its peers and destinations: no library may call home.

The official builds of onnxruntime send telemetry over HTTPS unless
``ORT_DISABLE_TELEMETRY=1`` is set before the library starts (its Privacy.md).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, Module, broken, written

SWITCH = "ORT_DISABLE_TELEMETRY"
LOAD_THE_FINDER = """
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
build_finder(CrnnOptions())
"""


def _speaks(module: Module) -> Iterator[str]:
    imports = [node for node, name in module.imports() if name.partition(".")[0] == "onnxruntime"]
    for first in sorted(imports, key=lambda node: node.lineno)[:1]:
        if SWITCH not in "\n".join(module.text.splitlines()[: first.lineno - 1]):
            yield module.at(first)


def test_who_imports_onnxruntime_switches_its_telemetry_off_first() -> None:
    assert not broken(_speaks)


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        (f"os.environ['{SWITCH}'] = '1'\nimport onnxruntime", False),
        (f"import onnxruntime\nos.environ['{SWITCH}'] = '1'", True),
        ("def f():\n    from onnxruntime import InferenceSession", True),
    ],
)
def test_the_rule_itself_sees_what_it_should(source: str, seen: bool) -> None:
    assert bool(list(_speaks(written("pixels/text/a.py", source)))) is seen


def test_loading_the_finder_leaves_no_trace_in_the_home_folder(tmp_path: Path) -> None:
    """The telemetry keeps a device id and a queue there; without it, the folder stays empty."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    environment = {key: value for key, value in os.environ.items() if key != SWITCH}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    done = subprocess.run(
        [sys.executable, "-c", LOAD_THE_FINDER],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert not [path.name for path in tmp_path.rglob("*") if path.is_file()]
