"""What the linter holds it holds for every file, and in the node without an exception.

``make test`` runs no linter, and the rules that stand in its configuration are rules of the
house as those of this folder are.
"""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.architecture.source import ROOT

WITHOUT_EXCEPTION = "D100,D101,D102,D103,D104,D106,PLW0602,PLW0603,TID251,TID252"
"""Docstrings, no writing to a module, no foreign root logger, no relative import."""
PRINTING = "T20"


def _found(*arguments: str, text: str | None = None) -> Sequence[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--quiet", *arguments],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout.splitlines()


def test_the_linter_finds_nothing() -> None:
    assert not _found(".", "--output-format=concise")


def test_its_rules_of_the_house_are_not_switched_off_by_a_comment() -> None:
    strict = ("--ignore-noqa", "--output-format=concise", "--select")

    assert not _found(*strict, WITHOUT_EXCEPTION, "deid_node", "deid_node_lab")
    assert not _found(*strict, PRINTING, "deid_node")


@pytest.mark.parametrize(
    ("name", "source", "rule"),
    [
        ("deid_node/spool/a.py", "A = 1\n", "D100"),
        ("deid_node/spool/a.py", '"""A."""\n\n\ndef f() -> None:\n    pass\n', "D103"),
        ("deid_node/spool/a.py", '"""A."""\n\n\nclass A:\n    pass\n', "D101"),
        ("deid_node/cli/a.py", '"""A."""\n\nprint(1)\n', "T201"),
        ("deid_node/spool/a.py", '"""A."""\n\nimport logging\n', "TID251"),
        ("deid_node/spool/a.py", '"""A."""\n\nfrom logging import info\n', "TID251"),
        ("deid_node/spool/a.py", '"""A."""\n\nfrom . import queue\n', "TID252"),
        (
            "deid_node/spool/a.py",
            '"""A."""\n\nB = 1\n\n\ndef _f() -> None:\n    global B\n    B = 2\n',
            "PLW0603",
        ),
        (
            "deid_node/spool/a.py",
            '"""A."""\n\ntry:\n    A = 1\nexcept Exception:\n    A = 2\n',
            "BLE001",
        ),
    ],
)
def test_the_linter_sees_what_it_should(name: str, source: str, rule: str) -> None:
    found = _found("--output-format=concise", "--stdin-filename", name, "-", text=source)

    assert any(f" {rule} " in line for line in found), found


def test_the_room_that_silences_libraries_may_import_their_logger() -> None:
    source = '"""A."""\n\nimport logging\n\nlogging.disable()\n'

    assert not [
        line
        for line in _found(
            "--output-format=concise", "--stdin-filename", "deid_node/dicom/silence.py", "-",
            text=source,
        )
        if "TID251" in line
    ]  # fmt: skip
