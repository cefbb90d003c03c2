"""A TLS context whose files may be renewed while it is in use.

Certificates live shorter than nodes. Each new connection is wrapped by what is on
disk at that moment; connections that stand are not touched. Where the new files
cannot be used, the old ones stay in use: whoever renews a certificate and its key
writes one after the other.
"""

import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from deid_node.errors import ConfigurationError

Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]


class RenewingContext(ssl.SSLContext):
    """A context that steps aside for a newer one when its files change; any thread may use it."""

    def follow(self, files: Sequence[Path], build: Callable[[], ssl.SSLContext]) -> None:
        """Make `build` the source of newer contexts, asked when one of `files` has changed.

        `build` may raise `ConfigurationError`.
        """
        self._files = tuple(files)
        self._build = build
        self._changing = threading.Lock()
        self._newest: ssl.SSLContext | None = None
        self._stamp = _stamp(self._files)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """Wrap a socket by the newest files that can be used."""
        newest = self._renewed()
        if newest is None:
            return super().wrap_socket(*arguments, **options)
        return newest.wrap_socket(*arguments, **options)

    def _renewed(self) -> ssl.SSLContext | None:
        """Return the context that took our place; None where ours are the newest files."""
        with self._changing:
            stamp = _stamp(self._files)
            if stamp != self._stamp:
                # Also where they cannot be used: the next change asks again.
                self._stamp = stamp
                with suppress(ConfigurationError):
                    self._newest = self._build()
            return self._newest


def renewing(
    build: Callable[[type[ssl.SSLContext]], ssl.SSLContext], files: Sequence[Path | None]
) -> ssl.SSLContext:
    """Return the context that `build` makes, renewed when one of `files` changes.

    `build` is given the class to make; it raises `ConfigurationError`, the first time
    out of here.
    """
    present = [file for file in files if file is not None]
    context = build(RenewingContext)
    if not isinstance(context, RenewingContext):
        raise TypeError("a context of another class")
    context.follow(present, lambda: build(ssl.SSLContext))
    return context


def _stamp(files: Sequence[Path]) -> Stamp:
    return tuple(_stamp_of(file) for file in files)


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
