"""From options to an engine; nothing is started yet."""

from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.values.identity import InstanceId
from deid_node.work.contracts import CorridorFactory, Ledger
from deid_node.work.engine import Engine
from deid_node.work.queue import WorkQueue
from deid_node.work.workers.build import build_workforce
from deid_node.work.workers.options import EngineOptions


def build_engine(
    options: EngineOptions,
    *,
    queue: WorkQueue,
    ledger: Ledger,
    corridor_factory: CorridorFactory,
    log: EventLog,
    metrics: Metrics,
    at_most: int | None = None,
    owed: set[InstanceId] | None = None,
) -> Engine:
    """Return the engine that `options` describe, of no more than `at_most` workers.

    `owed` is what engines that follow each other share.
    """
    return Engine(
        build_workforce(options, at_most=at_most),
        queue=queue,
        ledger=ledger,
        corridor_factory=corridor_factory,
        log=log,
        metrics=metrics,
        owed=owed,
    )
