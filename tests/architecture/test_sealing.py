"""Sealed or not sent: only the corridor's end makes what can be delivered."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, Module, broken, called_name, modules, written

SEALED = {"CleanInstance", "Companion"}
SEALERS = {"pipeline.py", "spool/rows.py"}
"""The seal itself, and the journal that rebuilds what was sealed."""


def _sealed(module: Module) -> Iterator[str]:
    if module.name not in SEALERS:
        yield from (module.at(node) for node in module.nodes() if called_name(node) in SEALED)


def _opened(module: Module) -> Iterator[str]:
    for node in module.nodes():
        if isinstance(node, ast.Attribute) and node.attr == "__setattr__":
            yield module.at(node)


def test_only_the_seal_and_the_journal_make_a_clean_instance() -> None:
    assert not broken(_sealed)


def test_no_one_alters_a_value_behind_its_back() -> None:
    """``object.__setattr__`` would open a seal without naming the type."""
    assert not broken(_opened)


@pytest.mark.parametrize(
    ("name", "source", "seen"),
    [
        ("forward/a.py", "CleanInstance(instance)", True),
        ("forward/a.py", "values.CleanInstance(instance)", True),
        ("forward/a.py", "Companion(blob)", True),
        ("forward/a.py", "def f(given: CleanInstance) -> None: ...", False),
        ("pipeline.py", "CleanInstance(instance)", False),
        ("forward/a.py", "object.__setattr__(clean, 'blob', other)", True),
    ],
)
def test_the_rules_themselves_see_what_they_should(name: str, source: str, seen: bool) -> None:
    module = written(name, source)

    assert bool([*_sealed(module), *_opened(module)]) is seen


def test_the_seal_is_where_the_plan_says() -> None:
    makers = {
        module.name
        for module in modules()
        if any(called_name(node) == "CleanInstance" for node in module.nodes())
    }

    assert makers == SEALERS


def test_withheld_is_spelled_in_one_place() -> None:
    """``Withheld.because`` is the one way: so its code and its words are those of an error."""
    makers = {
        module.name
        for module in modules()
        if any(called_name(node) == "Withheld" for node in module.nodes())
    }

    assert makers == {"values/outcome.py"}


def test_tests_make_clean_instances_in_builders_only() -> None:
    """A test that seals by itself could hide a corridor that does not."""
    makers = set()
    for path in (ROOT / "tests").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(called_name(node) == "CleanInstance" for node in ast.walk(tree)):
            makers.add(path.relative_to(ROOT / "tests").parts[0])

    assert makers <= {"builders"}
