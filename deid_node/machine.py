"""What the machine must offer for a setting to work: names, ports, folders, private files."""

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


def listening_on(host: str, port: int, *, backlog: int, setting: str) -> socket.socket:
    """Return a socket that listens for TCP connections; port 0 takes any free one.

    Raises
    ------
    ConfigurationError
        The address is none of this machine's, or the port cannot be had; `setting` is the
        section whose ``host`` and ``port`` it names.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        raise ConfigurationError(f"{setting}.host", "no such address") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(backlog)
    except OSError as error:
        listening.close()
        reason = f"cannot listen there: {error.strerror}"
        raise ConfigurationError(f"{setting}.port", reason) from None
    return listening


def takes_connections(host: str, port: int, timeout_seconds: float) -> bool:
    """Return whether something takes a TCP connection there."""
    try:
        with socket.create_connection((host, port), timeout_seconds):
            return True
    except OSError:
        return False


def require_writable(folder: Path, *, path: str) -> None:
    """Raise `ConfigurationError` when `folder` can neither be written to nor created."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise ConfigurationError(path, "the folder cannot be written to")


def read_private(path: Path, *, setting: str) -> bytes:
    """Return the content of a file that only its owner can read.

    Raises
    ------
    ConfigurationError
        It is missing or unreadable, or its group or others can read it; `setting` is the
        YAML path that names the file.
    """
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(setting, f"{path} cannot be read") from error
    if mode & 0o077:
        raise ConfigurationError(setting, f"{path} is open to others; use chmod 600")
    return content
