"""Every worker of a run collects the same tests: no name of one hangs on the moment or on chance.

pytest-xdist refuses a run whose workers collected different names, and two workers never
collect in the same second.
"""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, called_name

CLOCKS = {"monotonic", "now", "perf_counter", "time", "time_ns", "today", "utcnow"}
DICE = {"generate_uid", "token_bytes", "token_hex", "token_urlsafe", "urandom", "uuid1", "uuid4"}
PLACES = {"getpid", "mkdtemp", "mkstemp"}
CHANGES = CLOCKS | DICE | PLACES
"""Functions that answer otherwise in every process."""


def _changing(source: str) -> Iterator[int]:
    """Yield the lines where a decorator, or a value of the module, asks for what changes."""
    tree = ast.parse(source)
    early: list[ast.AST] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        if node.value
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            early.extend(node.decorator_list)
    for value in early:
        for node in ast.walk(value):
            if isinstance(node, ast.Call) and called_name(node) in CHANGES:
                yield node.lineno


def _tests() -> list[Path]:
    return sorted((ROOT / "tests").rglob("test_*.py"))


def test_no_test_is_named_by_the_moment_of_its_collection() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{line}"
        for path in _tests()
        for line in _changing(path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.xdist_group("of_one")
def test_what_belongs_to_a_group_says_so_to_the_workers(request: pytest.FixtureRequest) -> None:
    """Or every house that a group shares is built by each worker, and nobody hears of it."""
    if "PYTEST_XDIST_WORKER" not in os.environ or not request.config.getoption("loadgroup"):
        pytest.skip("only where workers share the tests by their groups")

    assert request.node.nodeid.endswith("@of_one")


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("@parametrize('claims', [{'exp': int(time()) - 1}])\ndef test(): ...", [1]),
        ("@fixture(params=[uuid4()])\ndef test(): ...", [1]),
        ("MOMENT = datetime.now(UTC)", [1]),
        ("@parametrize('late', [-3600])\ndef test():\n    token(time() + late)", []),
    ],
)
def test_it_sees_what_it_forbids(source: str, lines: list[int]) -> None:
    assert list(_changing(source)) == lines
