"""What is asked at each scrape: what waits, what is left over, how long certificates are good.

These are not counted along the way: after a crash a counter would start at zero
although the instances are still there. A source that fails leaves its samples out,
for a missing sample is an alert of its own and a failed scrape would hide all the others.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deid_node.errors import ConfigurationError, DeidNodeError
from deid_node.values.certificate import Certificate
from deid_node.values.state import WAITING_STATES


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


class UnconfirmedSource(Protocol):
    """Knows what waits for a commitment; the journal does.

    Promise: the answer comes within a second, from any thread. It may raise
    `DeidNodeError`; the scrape then goes on without these samples.
    """

    def unconfirmed(self, destination: str) -> tuple[int, float]:
        """Return how many wait for the word of `destination`, and how long the oldest has."""
        ...


class UnconfirmedCollector(Collector):
    """Turns an `UnconfirmedSource` into two gauges for each name that `destinations` gives."""

    def __init__(
        self, source: UnconfirmedSource, destinations: Callable[[], Iterable[str]]
    ) -> None:
        self._source: Final = source
        self._destinations: Final = destinations

    def describe(self) -> Iterable[Metric]:
        """Return the families without samples, so that registering asks the source nothing."""
        return self._families()

    def collect(self) -> Iterable[Metric]:
        """Return the families with the samples of this moment."""
        count, age = self._families()
        with suppress(DeidNodeError):
            for destination in self._destinations():
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


class HasAssociations(Protocol):
    """Counts of associations with a destination."""

    @property
    def in_use(self) -> int:
        """How many carry an instance or are about to."""
        ...

    @property
    def idle(self) -> int:
        """How many are kept open."""
        ...

    @property
    def allowed(self) -> int:
        """How many the destination serves at once, as far as is known."""
        ...


WARNING: Final = timedelta(days=30)
"""So long before the end health says that somebody has to renew a certificate."""


ReadCertificates: TypeAlias = Callable[[], Iterable[Certificate]]
"""Reads the files anew; may raise `OSError`, `ValueError` or `ConfigurationError`."""


def _now() -> datetime:
    return datetime.now(UTC)


class CertificateCollector(Collector):
    """Tells, at each scrape, how many seconds are left."""

    def __init__(self, read: ReadCertificates, *, clock: Callable[[], datetime] = _now) -> None:
        self._read = read
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Return the family without samples, so that registering reads nothing."""
        return (self._family(),)

    def collect(self) -> Iterable[Metric]:
        """Return the family, with a sample for each file."""
        family = self._family()
        now = self._clock()
        with suppress(OSError, ValueError):
            for one in self._read():
                family.add_metric(
                    [one.part, one.setting], round((one.expires_at - now).total_seconds())
                )
        return (family,)

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "deid_node_certificate_remaining_seconds",
            "Time until the first certificate of a file expires; below 0 it has expired.",
            labels=["part", "setting"],
        )


def certificate_trouble(
    read: ReadCertificates, *, clock: Callable[[], datetime] = _now
) -> str | None:
    """Return a code when one has expired or soon will, or the files cannot be used, else None."""
    try:
        left = min((one.expires_at for one in read()), default=None)
    except (ConfigurationError, OSError, ValueError):
        return "certificate_unusable"
    if left is None or left - clock() > WARNING:
        return None
    return "certificate_expired" if left <= clock() else "certificate_expires_soon"
