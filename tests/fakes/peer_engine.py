"""An engine with everything around it: queue, ledger, log and a corridor that plays scripts."""

import json
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, Protocol

from prometheus_client import CollectorRegistry

from deid_node.observe.metrics import Metrics
from deid_node.values.retry import RetryPolicy
from deid_node.work.contracts import CorridorFactory
from deid_node.work.engine import Engine
from deid_node.work.queue import WorkQueue
from deid_node.work.workers.build import build_workforce
from deid_node.work.workers.options import EngineOptions, LocalOptions, RayOptions
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_corridor import (
    MemoryLedger,
    scripted_corridor,
)
from tests.fakes.ray_cluster import RAY_OPTIONS


class Backend(Protocol):
    """Options of one kind of worker."""

    def __call__(
        self,
        *,
        workers: int,
        time_limit_seconds: float,
        memory_limit_bytes: Literal["auto"] | int,
        memory_growth_bytes: Literal["auto"] | int,
    ) -> EngineOptions:
        """Return them."""
        ...


def _local(
    *,
    workers: int,
    time_limit_seconds: float,
    memory_limit_bytes: Literal["auto"] | int,
    memory_growth_bytes: Literal["auto"] | int,
) -> EngineOptions:
    return LocalOptions(
        kind="local",
        processes=workers,
        time_limit_seconds=time_limit_seconds,
        memory_limit_bytes=memory_limit_bytes,
        memory_growth_bytes=memory_growth_bytes,
    )


def _ray(
    *,
    workers: int,
    time_limit_seconds: float,
    memory_limit_bytes: Literal["auto"] | int,
    memory_growth_bytes: Literal["auto"] | int,
) -> EngineOptions:
    # By the environment: a test's program of its own works with the same cluster.
    told = json.loads(os.environ[RAY_OPTIONS])
    return RayOptions.model_validate(
        {
            **told,
            "actors": workers,
            "time_limit_seconds": time_limit_seconds,
            "memory_limit_bytes": memory_limit_bytes,
            "memory_growth_bytes": memory_growth_bytes,
        }
    )


BACKENDS: Final[Mapping[str, Backend]] = MappingProxyType({"local": _local, "ray": _ray})
"""Every kind of worker that the YAML can name."""


class Bench:
    """An engine over workers of one kind, with everything around it."""

    def __init__(
        self,
        folder: Path,
        backend: str,
        *,
        factory: CorridorFactory = scripted_corridor,
        workers: int = 1,
        time_limit_seconds: float = 60,
        memory_limit_bytes: Literal["auto"] | int = "auto",
        memory_growth_bytes: Literal["auto"] | int = "auto",
        shortest_service_seconds: float = 0,
    ) -> None:
        self._before = set(multiprocessing.active_children())
        self.ledger = MemoryLedger(folder)
        self.queue = WorkQueue()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry())
        options = BACKENDS[backend](
            workers=workers,
            time_limit_seconds=time_limit_seconds,
            memory_limit_bytes=memory_limit_bytes,
            memory_growth_bytes=memory_growth_bytes,
        )
        self.engine = Engine(
            build_workforce(options),
            queue=self.queue,
            ledger=self.ledger,
            corridor_factory=factory,
            log=self.log,
            metrics=self.metrics,
            replacement=RetryPolicy(0.01, 1, 0.01),
            another_start=RetryPolicy(0.01, 1, 0.01),
            shortest_service_seconds=shortest_service_seconds,
        )

    def ended(self, reason: str) -> float | None:
        """How many workers were replaced for `reason`, as the metrics tell it."""
        return self.metrics.registry.get_sample_value(
            "deid_node_workers_ended_total", {"reason": reason}
        )

    @property
    def left_behind(self) -> set[multiprocessing.process.BaseProcess]:
        return set(multiprocessing.active_children()) - self._before

    @contextmanager
    def running(self) -> Iterator[None]:
        self.engine.start()
        try:
            yield
        finally:
            self.engine.stop(finish_seconds=60)
            assert self.ledger.faults == []
            assert self.left_behind == set()
