"""Waiting for a condition: the clock bounds the patience, it proves nothing."""

import random
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 240.0
_FIRST_PORT = 10_000
_USUAL_PORTS = 32_768
# Two processes of one run must not draw alike, whatever seeds the common one.
_DRAW = random.SystemRandom()


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
    """Return a port of the loopback that nobody listens on.

    It lies below those that the system gives to who asks for any port, and to calls: until it
    is listened on, nobody else gets it by chance.
    """
    while True:
        port = _DRAW.randrange(_FIRST_PORT, _lowest_given())
        with socket.socket() as link, suppress(OSError):
            link.bind(("127.0.0.1", port))
            return port


@cache
def _lowest_given() -> int:
    """Return the lowest port that the system gives to who asks for any."""
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(given.read_text().split()[0]) if given.exists() else _USUAL_PORTS
    # Where it gives all, there is nothing better.
    return lowest if lowest > 2 * _FIRST_PORT else _USUAL_PORTS


def listens(port: int) -> bool:
    """Return whether somebody accepts connections on a port of the loopback."""
    with socket.socket() as link:
        link.settimeout(5)
        return link.connect_ex(("127.0.0.1", port)) == 0
