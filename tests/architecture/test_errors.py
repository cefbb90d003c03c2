"""The tree of errors in the docstring is the tree of errors in the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from deid_node import errors
from deid_node.errors import DeidNodeError
from tests.architecture.source import Module, broken, written


def _drawn() -> dict[str, str | None]:
    """Return the classes of the drawn tree, each with its parent."""
    parents: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"(?P<lead>[\s|`-]*)(?P<name>[A-Z]\w+)(?:\s{2,}\S.*)?$", line)
        if match and ("-- " in match["lead"] or match["name"] == "DeidNodeError"):
            depth = len(match["lead"])
            path = [(d, n) for d, n in path if d < depth]
            parents[match["name"]] = path[-1][1] if path else None
            path.append((depth, match["name"]))
    return parents


def _tree(root: type[DeidNodeError] = DeidNodeError) -> list[type[DeidNodeError]]:
    ours = [one for one in root.__subclasses__() if one.__module__ == errors.__name__]
    return [root, *(deeper for one in ours for deeper in _tree(one))]


def test_the_drawn_tree_is_the_tree_of_classes() -> None:
    real = {
        one.__name__: None if one is DeidNodeError else one.__bases__[0].__name__ for one in _tree()
    }

    assert _drawn() == real


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [vars(one)["code"] for one in _tree()]

    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


@cache
def _names() -> frozenset[str]:
    return frozenset(one.__name__ for one in _tree())


def _elsewhere(module: Module) -> Iterator[str]:
    names = _names()
    for node in module.nodes() if module.name != "errors.py" else ():
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            if bases & names:
                yield module.at(node)


def test_no_error_of_the_house_is_defined_elsewhere() -> None:
    assert not broken(_elsewhere)


@pytest.mark.parametrize(
    ("name", "source", "seen"),
    [
        ("spool/a.py", "class Full(SpoolFull): ...", True),
        ("spool/a.py", "class Odd(errors.CleaningError): ...", True),
        ("spool/a.py", "class Odd(ValueError): ...", False),
        ("errors.py", "class Odd(CleaningError): ...", False),
    ],
)
def test_the_rule_itself_sees_what_it_should(name: str, source: str, seen: bool) -> None:
    assert bool(list(_elsewhere(written(name, source)))) is seen
