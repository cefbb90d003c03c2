"""A destination that sends by STOW-RS to an archive of a test."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from deid_node.forward.stow.destination import StowDestination
from deid_node.forward.stow.options import StowOptions


def stow(url: str, **more: Any) -> StowOptions:
    """Return the options of a destination at `url`."""
    return StowOptions.model_validate(
        {"kind": "stow", "url": url, "timeout_seconds": 20, "answer_seconds": 20, **more}
    )


@contextmanager
def stowing_to(url: str, *, idle_seconds: float = 3600, **more: Any) -> Iterator[StowDestination]:
    """Return a destination for the length of a ``with`` block."""
    options = stow(url, **more)
    with closing(StowDestination("archive", options, idle_seconds=idle_seconds)) as destination:
        yield destination
