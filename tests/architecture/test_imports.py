"""What may import what, and what it costs."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from importlinter.cli import lint_imports

from tests.architecture.source import ROOT, Module, broken, modules, written

HEAVY = {
    "torch": ("deid_node_lab/", "pixels/fill/"),
    "torchvision": ("deid_node_lab/",),
    "diffusers": ("deid_node_lab/", "pixels/fill/"),
    "transformers": ("deid_node_lab/", "pixels/fill/"),
    "onnxruntime": ("deid_node_lab/", "pixels/text/"),
    "openvino": ("pixels/text/",),
    "onnx": ("deid_node_lab/",),
}
"""Heavy libraries and the rooms that may import them."""

LIGHT = (
    "deid_node.cli",
    "deid_node.config",
    "deid_node.config.load",
    "deid_node.config.schema",
    "deid_node.assembly",
    "deid_node.pipeline",
    "deid_node.receive.options",
    "deid_node.observe.exporter",
)
"""What ``check`` and ``explain`` import before they know what the configuration asks for."""


def test_imports_go_down_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)

    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)

    assert status == 0, capsys.readouterr().out


def _misplaced(module: Module) -> Iterator[str]:
    for node, name in module.imports():
        rooms = HEAVY.get(name.partition(".")[0])
        if rooms and not module.name.startswith(rooms):
            yield f"{module.at(node)} imports {name}"


def test_heavy_libraries_stay_in_their_rooms() -> None:
    assert not broken(_misplaced)


@pytest.mark.parametrize(
    ("name", "source", "seen"),
    [
        ("route/a.py", "def f():\n    import torch.nn", True),
        ("pixels/fill/a.py", "import torch.nn", False),
        ("pixels/text/a.py", "from torch import nn", True),
        ("pixels/text/a.py", "import onnxruntime", False),
    ],
)
def test_the_rule_itself_sees_what_it_should(name: str, source: str, seen: bool) -> None:
    assert bool(list(_misplaced(written(name, source)))) is seen


def _loaded_by(*imports: str) -> set[str]:
    """Return the top-level names in ``sys.modules`` of a fresh Python after `imports`."""
    code = (
        f"import sys, json; before = set(sys.modules); import {', '.join(imports)};"
        "print(json.dumps(sorted({n.partition('.')[0] for n in set(sys.modules) - before})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_reading_the_configuration_loads_no_heavy_library() -> None:
    assert not _loaded_by(*LIGHT) & set(HEAVY)


def test_the_package_itself_imports_nothing() -> None:
    assert _loaded_by("deid_node") == {"deid_node"}


def test_values_and_errors_need_the_standard_library_only() -> None:
    allowed = sys.stdlib_module_names | {"deid_node"}

    assert not [
        f"{module.at(node)} imports {name}"
        for module in modules()
        if module.name.startswith("values/") or module.name == "errors.py"
        for node, name in module.imports()
        if name.partition(".")[0] not in allowed
    ]
