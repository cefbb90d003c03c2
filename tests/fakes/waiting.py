"""Waiting for a condition: the clock bounds the patience, it proves nothing."""

import socket
from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 240.0


def eventually(
    look: Callable[[], T], *, what: str, patience_seconds: float = PATIENCE_SECONDS
) -> T:
    """Return what `look` returns as soon as that is true."""
    until = monotonic() + patience_seconds
    while not (seen := look()):
        assert monotonic() < until, f"{what}: not within {patience_seconds:.0f} s"
        sleep(0.05)
    return seen


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as link:
        link.bind(("127.0.0.1", 0))
        return int(link.getsockname()[1])


def listens(port: int) -> bool:
    """Return whether somebody accepts connections on a port of the loopback."""
    with socket.socket() as link:
        link.settimeout(5)
        return link.connect_ex(("127.0.0.1", port)) == 0
