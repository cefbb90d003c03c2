"""No module state: everything arrives by constructor, so two nodes fit into one process."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Module, broken, called_name, written

MUTABLE_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = {
    "list", "dict", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter",
    "ChainMap", "WeakValueDictionary", "WeakKeyDictionary", "Lock", "RLock", "Condition",
    "Event", "Queue", "SimpleQueue", "local", "ContextVar", "CollectorRegistry",
}  # fmt: skip
BLOCKS = (ast.If, ast.Try, ast.With, ast.For)
SPOKEN_FOR = {"__all__", "__slots__", "__match_args__"}


def _bodies(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of the module and of its classes: what runs at import."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, (ast.ClassDef, *BLOCKS)) and not _is_model(statement):
            waiting.extend(statement.body)


def _is_model(statement: ast.stmt) -> bool:
    """Return whether pydantic makes the class: it copies a default for each instance."""
    return isinstance(statement, ast.ClassDef) and any(
        ast.unparse(base) == "BaseModel" for base in statement.bases
    )


def _assigned(statement: ast.stmt) -> tuple[set[str], ast.expr] | None:
    if isinstance(statement, ast.Assign):
        names = {target.id for target in statement.targets if isinstance(target, ast.Name)}
        return names, statement.value
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
        return {target.id} if isinstance(target, ast.Name) else set(), statement.value
    return None


def _is_mutable(value: ast.expr) -> bool:
    return isinstance(value, MUTABLE_LITERALS) or called_name(value) in MUTABLE_CALLS


def _made_at_import(module: Module) -> Iterator[str]:
    for statement in _bodies(module.tree):
        assigned = _assigned(statement)
        if assigned and not assigned[0] & SPOKEN_FOR and _is_mutable(assigned[1]):
            yield module.at(statement)


def test_nothing_that_can_change_is_made_at_import() -> None:
    """That no function writes to its module is the linter's to see (PLW0603)."""
    assert not broken(_made_at_import), "use a tuple, a frozenset, MappingProxyType, or pass it in"


@pytest.mark.parametrize(
    ("source", "mutable"),
    [
        ("CACHE = {}", True),
        ("CACHE: Final[dict[str, int]] = dict()", True),
        ("SEEN = defaultdict(list)", True),
        ("LOCK = threading.Lock()", True),
        ("QUEUE = queue.Queue[int]()", True),
        ("class A:\n    seen = []", True),
        ("if True:\n    SEEN = set()", True),
        ("TABLE = MappingProxyType({'a': 1})", False),
        ("NAMES = ('a', 'b')", False),
        ("class A(BaseModel):\n    names: Mapping[str, int] = {}", False),
        ("NAMES = frozenset({'a'})", False),
        ("def f():\n    seen = []", False),
        ("__all__ = ['f']", False),
    ],
)
def test_the_rule_itself_sees_what_it_should(source: str, mutable: bool) -> None:
    assert bool(list(_made_at_import(written("work/a.py", source)))) is mutable
