"""The files that a caller names, and the report that a caller asks for."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deid_node.errors import InputError


def files_below(path: Path) -> Sequence[Path]:
    """Return `path` itself, or every file below it in the order of their names.

    A DICOMDIR is the index of its folder, not an instance: it is left out.
    Raises `InputError` when there is nothing at `path`.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path} does not exist")
    files = sorted(p for p in path.rglob("*") if p.is_file() and p.name.upper() != "DICOMDIR")
    if not files:
        raise InputError(f"{path} holds no files")
    return files


@contextmanager
def report_to(path: Path | None) -> Iterator[Callable[[str], None]]:
    """Give a function that adds a line to the report; it does nothing without `path`."""
    if path is None:
        yield lambda _line: None
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    with file:
        yield lambda line: print(line, file=file, flush=True)
