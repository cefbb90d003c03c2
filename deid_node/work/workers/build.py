"""From options to a workforce; nothing is started yet."""

from typing import assert_never

from deid_node.work.workers.base import Workforce
from deid_node.work.workers.options import EngineOptions, LocalOptions
from deid_node.work.workers.process import LocalWorkforce


def build_workforce(options: EngineOptions, *, at_most: int | None = None) -> Workforce:
    """Return what `options` describe, of no more than `at_most` workers."""
    match options:
        case LocalOptions():
            return LocalWorkforce(options, at_most=at_most)
        case _:
            assert_never(options)
