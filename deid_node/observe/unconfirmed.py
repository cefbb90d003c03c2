"""What archives have taken and not committed to yet, asked of the journal at each scrape."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deid_node.errors import DeidNodeError


class UnconfirmedSource(Protocol):
    """Knows what waits for a commitment; the journal does.

    Promise: the answer comes within a second, from any thread. It may raise
    `DeidNodeError`; the scrape then goes on without these samples.
    """

    def unconfirmed(self, destination: str) -> tuple[int, float]:
        """Return how many wait for the word of `destination`, and how long the oldest has."""
        ...


class UnconfirmedCollector(Collector):
    """Turns an `UnconfirmedSource` into two gauges for each of `destinations`."""

    def __init__(self, source: UnconfirmedSource, destinations: Iterable[str]) -> None:
        self._source: Final = source
        self._destinations: Final = tuple(destinations)

    def describe(self) -> Iterable[Metric]:
        """Return the families without samples, so that registering asks the source nothing."""
        return self._families()

    def collect(self) -> Iterable[Metric]:
        """Return the families with the samples of this moment."""
        count, age = self._families()
        # A failed scrape would hide all other metrics.
        with suppress(DeidNodeError):
            for destination in self._destinations:
                instances, oldest_seconds = self._source.unconfirmed(destination)
                count.add_metric([destination], instances)
                age.add_metric([destination], oldest_seconds)
        return count, age

    @staticmethod
    def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "deid_node_unconfirmed_instances",
                "Instances that an archive took and has not committed to yet.",
                labels=["destination"],
            ),
            GaugeMetricFamily(
                "deid_node_oldest_unconfirmed_seconds",
                "Time since the first of them was sent; 0 where none waits.",
                labels=["destination"],
            ),
        )
