"""What the machine must offer for a setting to work: names that resolve, folders to write to."""

import os
import socket
from pathlib import Path

from deid_node.errors import ConfigurationError


def require_resolvable(host: str, *, path: str) -> None:
    """Raise `ConfigurationError` when no address is known for `host`."""
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        raise ConfigurationError(path, "no address is known for this name") from None


def require_writable(folder: Path, *, path: str) -> None:
    """Raise `ConfigurationError` when `folder` can neither be written to nor created."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise ConfigurationError(path, "the folder cannot be written to")
