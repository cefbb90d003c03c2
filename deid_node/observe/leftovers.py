"""What nobody looks after, asked of the spool at each scrape and at each look at the health."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deid_node.errors import DeidNodeError


class LeftoverSource(Protocol):
    """Knows what nobody looks after; the spool does.

    Promise: the answers come within a second, from any thread. They may raise
    `DeidNodeError` or `OSError`; the scrape then goes on without these samples.
    """

    def stranded(self) -> Mapping[str, int]:
        """Return how many deliveries wait for each destination that is not configured."""
        ...

    def set_aside(self) -> int:
        """Return how many files of the spool belong to no instance."""
        ...


class LeftoverCollector(Collector):
    """Turns a `LeftoverSource` into two gauges."""

    def __init__(self, source: LeftoverSource) -> None:
        self._source: Final = source

    def describe(self) -> Iterable[Metric]:
        """Return the families without samples, so that registering asks the source nothing."""
        return self._families()

    def collect(self) -> Iterable[Metric]:
        """Return the families with the samples of this moment."""
        stranded, aside = self._families()
        # A failed scrape would hide all other metrics.
        with suppress(DeidNodeError, OSError):
            stranded.add_metric([], sum(self._source.stranded().values()))
        with suppress(DeidNodeError, OSError):
            aside.add_metric([], self._source.set_aside())
        return stranded, aside

    @staticmethod
    def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "deid_node_stranded_instances",
                "Instances due at a destination that the configuration does not name.",
            ),
            GaugeMetricFamily(
                "deid_node_files_set_aside",
                "Files found in the spool that belong to no instance.",
            ),
        )


def stranded_trouble(source: LeftoverSource) -> str | None:
    """Return the code of health while instances wait for a destination that is not there."""
    return "destination_not_configured" if source.stranded() else None


def aside_trouble(source: LeftoverSource) -> str | None:
    """Return the code of health while files lie aside."""
    return "files_set_aside" if source.set_aside() else None
