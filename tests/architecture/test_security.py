"""The threat model names tests that exist."""

import ast
import re

from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_what_is_said_to_be_held_by_a_test_is_held_by_one() -> None:
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", PAGE)
    assert len(named) > 20

    for path, function in named:
        assert (ROOT / path).is_file(), path
        if function:
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert function in names, f"{path}::{function}"


def test_every_row_says_what_holds_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    tables = "\n".join(PAGE.split("## Who could try", 1)[1:])
    judged = [row for row in rows if row in tables and "---" not in row and "Held by" not in row]

    assert judged
    for row in judged:
        assert re.search(r"`tests/|\| none[^|]*\|$", row), row
