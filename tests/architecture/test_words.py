"""Names, docstrings, lengths: how the source reads."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, Module, modules

LONGEST_FILE_LINES = 350
LONGEST_PAGE_OF_ERRORS_LINES = 420
"""Every error stands on one page, and each is a handful of lines with nothing to split."""
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "stuff"}
PRINTERS = ("cli.py", "cli/", "demo.py", "demo/", "deid_node_lab/")

# The brackets keep this file from holding what it looks for.
FOREIGN_PATHS = re.compile("/(?:wor[k]/(?!flows)|hom[e]/[a-z]|roo[t]/[a-z])")
LEFT_OPEN = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
BINARY = {".dcm", ".png", ".jpg", ".onnx", ".npz", ".npy", ".bin", ".ttf", ".otf", ".gz"}

each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)


def _public(
    body: list[ast.stmt],
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield the public functions and classes of a body, methods of public classes too."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if not node.name.startswith("_") and not _is_overload(node):
                yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node
            yield from _public(node.body)


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(one) in {"overload", "typing.overload"} for one in node.decorator_list)


@each_module
def test_every_module_and_everything_public_has_a_docstring(module: Module) -> None:
    without = [module.at(node) for node in _public(module.tree.body) if not ast.get_docstring(node)]

    assert ast.get_docstring(module.tree), "the module says nothing of itself"
    assert not without


@each_module
def test_no_file_is_too_long(module: Module) -> None:
    longest = LONGEST_PAGE_OF_ERRORS_LINES if module.name == "errors.py" else LONGEST_FILE_LINES
    assert len(module.text.splitlines()) <= longest


@each_module
def test_no_file_class_or_function_has_a_vague_name(module: Module) -> None:
    parts = set(module.name.removesuffix(".py").replace("/", "_").split("_"))
    assert not parts & VAGUE

    for node in module.nodes():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", node.name)}
            assert not words & VAGUE, module.at(node)


@each_module
def test_only_the_command_line_prints(module: Module) -> None:
    printed = [
        module.at(node)
        for node in module.nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "pprint", "input"}
    ]

    assert not printed or module.name.startswith(PRINTERS), printed


@each_module
def test_units_end_the_names_of_durations_and_sizes(module: Module) -> None:
    """``timeout`` alone says nothing of its unit; ``_ms`` is not the unit of this house."""
    arguments = [
        f"{module.at(node)} {node.arg}" for node in module.nodes() if isinstance(node, ast.arg)
    ]

    assert not [one for one in arguments if re.search(r"_(ms|millis|secs|mins|kb|mb|gb)$", one)]


def _tracked() -> list[str]:
    """Return the tracked files with text in them."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [
        name
        for name in done.stdout.split("\0")
        if name and (ROOT / name).suffix not in BINARY and (ROOT / name).is_file()
    ]


@pytest.mark.parametrize("pattern", [FOREIGN_PATHS, LEFT_OPEN], ids=["paths", "left open"])
def test_tracked_files_name_no_foreign_path_and_leave_nothing_open(
    pattern: re.Pattern[str],
) -> None:
    found = [
        f"{name}:{number}: {match.group()}"
        for name in _tracked()
        for number, line in enumerate(
            (ROOT / name).read_text(encoding="utf-8", errors="replace").splitlines(), 1
        )
        if (match := pattern.search(line))
    ]

    assert not found
