"""What the package imports is what it asks pip for: the tests' own libraries hide a gap."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from tests.architecture.source import LABORATORY, ROOT, Module, broken, written

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LABORATORY_PROJECT = tomllib.loads((LABORATORY / "pyproject.toml").read_text("utf-8"))["project"]
# The laboratory asks for the node, and for the rest in extras of its own.
EXTRAS = PROJECT["optional-dependencies"] | LABORATORY_PROJECT["optional-dependencies"]
EXTRAS_OF = {
    "cli": ("completion",),
    "cluster": ("ray",),
    "forward": ("dicomweb",),
    "deid_node_lab": ("train", "diffusion", "peers", "research"),
    "pixels": ("diffusion", "openvino", "provenance"),
    "receive": ("dicomweb",),
    "review": ("review",),
}
"""Rooms that may ask for more than the node itself needs; they import it where it is used."""


def _names(requirements: list[str]) -> set[str]:
    found = (re.match(r"[A-Za-z0-9_.-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name.group()).lower() for name in found if name}


def _imported(module: Module) -> set[str]:
    """Return the top-level names of other people's modules that `module` imports anywhere."""
    found = {name.partition(".")[0] for _, name in module.imports()}
    return found - sys.stdlib_module_names - {"deid_node", "deid_node_lab"}


def _not_asked_for(module: Module) -> Iterator[str]:
    room = module.name.partition("/")[0]
    # onnxruntime comes with cpu or with gpu; one of them is always there.
    extras = ("cpu", *EXTRAS_OF.get(room, ()))
    declared = _names([*PROJECT["dependencies"], *(one for name in extras for one in EXTRAS[name])])
    for name in _imported(module):
        if not _distributions(name) & declared:
            yield f"{module.name}: {name}"


@cache
def _distributions(name: str) -> frozenset[str]:
    """Return the distributions that bring the module `name`."""
    return frozenset(re.sub(r"[-_.]+", "-", one).lower() for one in _known().get(name, [name]))


@cache
def _known() -> Mapping[str, list[str]]:
    return packages_distributions()


def test_every_library_that_is_imported_is_asked_for() -> None:
    assert not broken(_not_asked_for), "not among the dependencies, nor the extras of the room"


@pytest.mark.parametrize(
    ("name", "source", "seen"),
    [
        ("spool/a.py", "import numpy, cv2, json", False),
        ("spool/a.py", "import hypothesis", True),
        ("spool/a.py", "def f():\n    from torch import nn", True),
        ("pixels/a.py", "import torch", False),
        ("pixels/a.py", "import onnx", True),
        ("deid_node_lab/a.py", "import onnx", False),
    ],
)
def test_the_rule_itself_sees_what_it_should(name: str, source: str, seen: bool) -> None:
    assert bool(list(_not_asked_for(written(name, source)))) is seen
