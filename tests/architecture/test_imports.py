"""What may import what, and what it costs."""

import json
import subprocess
import sys

import pytest
from importlinter.cli import lint_imports

from tests.architecture.source import ROOT, Module, modules

HEAVY = {
    "torch": ("deid_node_lab/", "pixels/fill/"),
    "torchvision": ("deid_node_lab/",),
    "diffusers": ("deid_node_lab/", "pixels/fill/"),
    "transformers": ("deid_node_lab/", "pixels/fill/"),
    "onnxruntime": ("deid_node_lab/", "pixels/text/"),
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


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_heavy_libraries_stay_in_their_rooms(module: Module) -> None:
    misplaced = [
        f"{module.at(node)} imports {name}"
        for node, name in module.imports()
        if (rooms := HEAVY.get(name.partition(".")[0])) and not module.name.startswith(rooms)
    ]

    assert not misplaced


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
    for module in modules():
        if module.name.startswith("values/") or module.name == "errors.py":
            foreign = {
                name
                for _, name in module.imports()
                if name.partition(".")[0] not in sys.stdlib_module_names | {"deid_node"}
            }
            assert not foreign, module.name


def test_the_root_logger_of_python_is_not_used() -> None:
    """Libraries write patient values there; only the room that silences them may touch it."""
    users = {
        module.name
        for module in modules()
        for _, name in module.imports()
        if name.partition(".")[0] == "logging"
    }

    assert {name for name in users if not name.startswith("deid_node_lab/")} <= {"dicom/silence.py"}
