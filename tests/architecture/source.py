"""The source tree as the architecture tests read it: parsed, never imported."""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "deid_node"
LABORATORY = ROOT / "deid_node_lab"


@dataclass(frozen=True)
class Module:
    """One Python file of the two packages."""

    path: Path
    text: str
    """The source."""

    @property
    def name(self) -> str:
        """Path with slashes: ``observe/logs.py``, and ``deid_node_lab/training/faces.py``."""
        base = PACKAGE if self.path.is_relative_to(PACKAGE) else ROOT
        return self.path.relative_to(base).as_posix()

    @property
    def dotted(self) -> str:
        """Import name: ``deid_node.observe.logs``."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def tree(self) -> ast.Module:
        """The source, parsed."""
        return ast.parse(self.text, self.name)

    def nodes(self) -> Iterator[ast.AST]:
        """Every node of the tree."""
        return ast.walk(self.tree)

    def at(self, node: ast.AST) -> str:
        """Where `node` stands, as a test names it."""
        return f"{self.name}:{getattr(node, 'lineno', 0)}"

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every import statement with the module it names."""
        for node in self.nodes():
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node, node.module


@cache
def modules() -> tuple[Module, ...]:
    """Return every Python file of node and laboratory, sorted; each is parsed once."""
    paths = (path for package in (PACKAGE, LABORATORY) for path in sorted(package.rglob("*.py")))
    return tuple(Module(path, path.read_text(encoding="utf-8")) for path in paths)


def written(name: str, text: str) -> Module:
    """Return the module that would stand at `name`, for a rule to show what it sees."""
    return Module((ROOT if name.startswith("deid_node_lab/") else PACKAGE) / name, text)


def broken(rule: Callable[[Module], Iterable[str]]) -> list[str]:
    """Return every place of both packages where `rule` is broken.

    One test asks for a rule, and names all the places at once.
    """
    return [place for module in modules() for place in rule(module)]


def called_name(node: ast.AST) -> str | None:
    """Return the last part of the name that a call calls, or None where `node` is no such call."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            return node.func.id
        if isinstance(node.func, ast.Attribute):
            return node.func.attr
        if isinstance(node.func, ast.Subscript):
            return called_name(ast.Call(node.func.value, [], []))
    return None
