"""Sealed or not sent: only the corridor's end makes what can be delivered."""

import ast

import pytest

from tests.architecture.source import ROOT, Module, called_name, modules

SEALED = {"CleanInstance", "Companion"}
SEALERS = {"pipeline.py", "spool/journal.py"}
"""The seal itself, and the journal that rebuilds what was sealed."""


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_only_the_seal_and_the_journal_make_a_clean_instance(module: Module) -> None:
    made = [module.at(node) for node in module.nodes() if called_name(node) in SEALED]

    assert not made or module.name in SEALERS, made


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_no_one_alters_a_value_behind_its_back(module: Module) -> None:
    """``object.__setattr__`` and ``copy.replace`` would open a seal without naming the type."""
    opened = [
        module.at(node)
        for node in module.nodes()
        if isinstance(node, ast.Attribute) and node.attr == "__setattr__"
    ]

    assert not opened


def test_the_seal_is_where_the_plan_says() -> None:
    makers = {
        module.name
        for module in modules()
        if any(called_name(node) == "CleanInstance" for node in module.nodes())
    }

    assert makers == SEALERS


def test_tests_make_clean_instances_in_builders_only() -> None:
    """A test that seals by itself could hide a corridor that does not."""
    makers = set()
    for path in (ROOT / "tests").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(called_name(node) == "CleanInstance" for node in ast.walk(tree)):
            makers.add(path.relative_to(ROOT / "tests").parts[0])

    assert makers <= {"builders"}
