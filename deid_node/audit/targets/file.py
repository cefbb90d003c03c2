"""A file as target: a JSON object a line."""

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from deid_node.audit.message import AuditMessage, Source
from deid_node.errors import AuditUnavailable

_LINE = TypeAdapter(tuple[Source, AuditMessage])


class FileTarget:
    """Adds lines to `path`, on disk when `deliver` returns; a `Target`.

    The file is opened for each batch, so that it may be rotated by renaming it.
    """

    def __init__(self, path: Path, source: Source) -> None:
        self._path = path
        self._source = source

    def deliver(self, batch: Sequence[AuditMessage]) -> None:
        """Add `batch`; a line that could not be finished is cut off again."""
        lines = b"".join(self._line(message) for message in batch)
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, mode=0o600)
            try:
                before = os.fstat(descriptor).st_size
                if os.write(descriptor, lines) < len(lines):
                    os.ftruncate(descriptor, before)
                    raise AuditUnavailable("the file takes no more")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditUnavailable(f"the file cannot be written ({type(error).__name__})") from None

    def close(self) -> None:
        """Nothing is kept open."""

    def _line(self, message: AuditMessage) -> bytes:
        return _LINE.dump_json((self._source, message)) + b"\n"
