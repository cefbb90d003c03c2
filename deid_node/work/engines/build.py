"""From options to an engine; nothing is started yet."""

from typing import assert_never

from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.work.contracts import CorridorFactory, Ledger
from deid_node.work.engines.base import Engine
from deid_node.work.engines.local import LocalEngine
from deid_node.work.engines.options import EngineOptions, LocalOptions
from deid_node.work.queue import WorkQueue


def build_engine(
    options: EngineOptions,
    *,
    queue: WorkQueue,
    ledger: Ledger,
    corridor_factory: CorridorFactory,
    log: EventLog,
    metrics: Metrics,
) -> Engine:
    """Return the engine that `options` describe."""
    match options:
        case LocalOptions():
            return LocalEngine(
                options,
                queue=queue,
                ledger=ledger,
                corridor_factory=corridor_factory,
                log=log,
                metrics=metrics,
            )
        case _:
            assert_never(options)
