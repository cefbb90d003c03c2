"""Names, lengths, words: how the source reads, as far as the linter does not see it."""

import ast
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import pytest

from tests.architecture.source import ROOT, Module, broken, written

LONGEST_FILE_LINES = 350
LONGEST_PAGE_OF_ERRORS_LINES = 480
"""Every error stands on one page, and each is a handful of lines with nothing to split."""
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "stuff"}
ASKERS = ("cli/", "demo/", "deid_node_lab/")

# The brackets keep this file from holding what it looks for.
FOREIGN_PATHS = re.compile("/(?:wor[k]/(?!flows)|hom[e]/[a-z]|roo[t]/[a-z])")
LEFT_OPEN = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
BINARY = {".dcm", ".png", ".jpg", ".onnx", ".npz", ".npy", ".bin", ".ttf", ".otf", ".gz"}


def _too_long(module: Module) -> Iterator[str]:
    longest = LONGEST_PAGE_OF_ERRORS_LINES if module.name == "errors.py" else LONGEST_FILE_LINES
    lines = len(module.text.splitlines())
    if lines > longest:
        yield f"{module.name}: {lines} lines"


def _vague(module: Module) -> Iterator[str]:
    if set(module.name.removesuffix(".py").replace("/", "_").split("_")) & VAGUE:
        yield module.name
    for node in module.nodes():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", node.name)}
            if words & VAGUE:
                yield f"{module.at(node)} {node.name}"


def _asking(module: Module) -> Iterator[str]:
    for node in module.nodes() if not module.name.startswith(ASKERS) else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "input":
            yield module.at(node)


def _odd_units(module: Module) -> Iterator[str]:
    for node in module.nodes():
        if isinstance(node, ast.arg) and re.search(r"_(ms|millis|secs|mins|kb|mb|gb)$", node.arg):
            yield f"{module.at(node)} {node.arg}"


def test_no_file_is_too_long() -> None:
    assert not broken(_too_long)


def test_no_file_class_or_function_has_a_vague_name() -> None:
    assert not broken(_vague)


def test_only_the_command_line_asks_at_the_terminal() -> None:
    """A node that waits for a line of its terminal waits for ever; printing is the linter's."""
    assert not broken(_asking)


def test_units_end_the_names_of_durations_and_sizes() -> None:
    """``timeout`` alone says nothing of its unit; ``_ms`` is not the unit of this house."""
    assert not broken(_odd_units)


@pytest.mark.parametrize(
    ("rule", "name", "source", "seen"),
    [
        (_too_long, "work/a.py", "\n" * LONGEST_FILE_LINES, False),
        (_too_long, "work/a.py", "\n" * (LONGEST_FILE_LINES + 1), True),
        (_too_long, "errors.py", "\n" * (LONGEST_FILE_LINES + 1), False),
        (_vague, "work/utils.py", "", True),
        (_vague, "work/a.py", "class QueueManager: ...", True),
        (_vague, "work/a.py", "def parse_helper(): ...", True),
        (_vague, "work/a.py", "def commonplace(): ...", False),
        (_asking, "work/a.py", "answer = input()", True),
        (_asking, "cli/a.py", "answer = input()", False),
        (_odd_units, "work/a.py", "def wait(pause_ms): ...", True),
        (_odd_units, "work/a.py", "def wait(*, size_mb=1): ...", True),
        (_odd_units, "work/a.py", "def wait(pause_seconds): ...", False),
    ],
)
def test_the_rules_themselves_see_what_they_should(
    rule: Callable[[Module], Iterator[str]], name: str, source: str, seen: bool
) -> None:
    assert bool(list(rule(written(name, source)))) is seen


@cache
def _tracked() -> Sequence[tuple[str, str]]:
    """Return name and text of the tracked files with text in them."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [
        (name, (ROOT / name).read_text(encoding="utf-8", errors="replace"))
        for name in done.stdout.split("\0")
        if name and (ROOT / name).suffix not in BINARY and (ROOT / name).is_file()
    ]


@pytest.mark.parametrize("pattern", [FOREIGN_PATHS, LEFT_OPEN], ids=["paths", "left open"])
def test_tracked_files_name_no_foreign_path_and_leave_nothing_open(
    pattern: re.Pattern[str],
) -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for name, text in _tracked()
        for match in pattern.finditer(text)
    ]

    assert not found
