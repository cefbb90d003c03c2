"""What waits in the spool, asked of the spool at each scrape.

These are not counted along the way: after a crash a counter would start at zero
although the instances are still there.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deid_node.errors import DeidNodeError
from deid_node.values.state import InstanceState


class WaitingSource(Protocol):
    """Knows what is in custody; the spool is one.

    Promise: the answers come within a second, from any thread. The first two may raise
    `DeidNodeError` or `OSError`; the scrape then goes on without these samples.
    """

    def waiting(self) -> Mapping[str, tuple[int, float]]:
        """Return, by state, how many instances wait and how many seconds the oldest has."""
        ...

    def free_bytes(self) -> int:
        """Return the free space on the spool's disk."""
        ...

    def failures(self) -> Mapping[str, int]:
        """Return how many writes and reads have failed since the start, by the error's code."""
        ...


WAITING_STATES: Final = (InstanceState.RECEIVED, InstanceState.CLEAN, InstanceState.WITHHELD)
"""The states in which an instance waits for something: a worker, a destination, a person."""


class CustodyCollector(Collector):
    """Turns a `WaitingSource` into the gauges of instances, age and free space."""

    def __init__(self, source: WaitingSource) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        """Return the families without samples, so that registering asks the source nothing."""
        return self._families()

    def collect(self) -> Iterable[Metric]:
        """Return the families with the samples of this moment."""
        count, age, free, failed = self._families()
        # A missing sample is an alert of its own; a failed scrape would hide all the others.
        with suppress(DeidNodeError, OSError):
            waiting = self._source.waiting()
            for state in WAITING_STATES:
                instances, oldest_seconds = waiting.get(state, (0, 0.0))
                count.add_metric([state], instances)
                age.add_metric([state], oldest_seconds)
        with suppress(DeidNodeError, OSError):
            free.add_metric([], self._source.free_bytes())
        for code, failures in self._source.failures().items():
            failed.add_metric([code], failures)
        return count, age, free, failed

    def _families(
        self,
    ) -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily, CounterMetricFamily]:
        return (
            GaugeMetricFamily(
                "deid_node_waiting_instances",
                "Instances in custody, by the state in which they wait.",
                labels=["state"],
            ),
            GaugeMetricFamily(
                "deid_node_oldest_waiting_seconds",
                "Age of the oldest instance in that state; 0 where none waits.",
                labels=["state"],
            ),
            GaugeMetricFamily(
                "deid_node_spool_free_bytes",
                "Free space on the disk of the spool.",
            ),
            CounterMetricFamily(
                "deid_node_spool_failures_total",
                "Writes and reads of the spool that failed, by the error's code.",
                labels=["code"],
            ),
        )
