"""The list of old and new identifiers, for a site that must find its patients again.

Off unless the configuration enables it: then this file, and no other place of
the node, keeps original Patient IDs and UIDs for good. Whoever has it can name
every patient. Several worker processes write to it at once.
"""

import csv
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from deid_node.errors import ConfigurationError, CrosswalkUnavailable, InputError

FILE_PATH = "metadata.crosswalk.file"
COLUMNS = ("id_old", "id_new")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pairs (
    kind TEXT NOT NULL,
    id_old TEXT NOT NULL,
    id_new TEXT NOT NULL,
    PRIMARY KEY (kind, id_old, id_new)
) WITHOUT ROWID
"""


class Kind(StrEnum):
    """What an identifier names."""

    PATIENT_ID = "patient_id"
    UID = "uid"


Pair = tuple[Kind, str, str]
"""Kind, old identifier, new identifier."""


class Crosswalk:
    """Writes pairs into one file of mode 0600, made at the first pair.

    Promise: what `record` was given is on disk when it returns; a pair that
    stands there already is not written twice.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def record(self, pairs: Iterable[Pair]) -> None:
        """Add `pairs`; those whose new identifier is the old one are left out.

        Raises
        ------
        CrosswalkUnavailable
            The file cannot be written: an instance that nobody could find again
            must not leave.
        """
        rows = [(kind, old, new) for kind, old, new in pairs if old != new]
        try:
            if self._connection is None:
                self._connection = _opened(self._path)
            with self._connection:
                self._connection.executemany("INSERT OR IGNORE INTO pairs VALUES (?, ?, ?)", rows)
        except (OSError, sqlite3.Error, ConfigurationError):
            raise CrosswalkUnavailable from None


def require_private(path: Path, *, setting: str = FILE_PATH) -> None:
    """Return if the list can lie at `path`, which `setting` names, open to nobody else.

    Raises
    ------
    ConfigurationError
        There is no such folder, or a file is there that others can read.
    """
    try:
        mode = path.stat().st_mode if path.exists() else 0o600
    except OSError:
        raise ConfigurationError(setting, f"{path} cannot be looked at") from None
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigurationError(setting, "the folder cannot be written to")
    if mode & 0o077:
        raise ConfigurationError(setting, f"{path} is open to others; use chmod 600")


def export(path: Path, output: Path, *, only: Kind | None = None) -> int:
    """Write the pairs at `path` as CSV to the new file `output`; return how many.

    Parameters
    ----------
    path
        The list that `Crosswalk` writes.
    output
        Columns ``id_old,id_new``, sorted; mode 0600. It must not exist.
    only
        Only identifiers of this kind.

    Raises
    ------
    InputError
        There is no list yet, it cannot be read, or `output` is there already or
        cannot be written.
    """
    if not path.is_file():
        raise InputError("nothing has been written to the crosswalk yet")
    try:
        rows = list(_rows(path, only))
    except sqlite3.Error:
        raise InputError(f"{path} cannot be read as a crosswalk") from None
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}") from None
    return len(rows)


def _rows(path: Path, only: Kind | None) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        query = "SELECT DISTINCT id_old, id_new FROM pairs WHERE kind IN (?, ?) ORDER BY 1, 2"
        kinds = (only, only) if only is not None else tuple(Kind)
        yield from connection.execute(query, kinds)


def _opened(path: Path) -> sqlite3.Connection:
    require_private(path)
    # SQLite gives its side files the mode of the list.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
