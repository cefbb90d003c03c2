"""How long the certificates of the node are still good, told before they are not.

The dates are those of the files as they are on disk, read at each scrape.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deid_node.errors import ConfigurationError

WARNING: Final = timedelta(days=30)
"""So long before the end health says that somebody has to renew a certificate."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A file of certificates: whose it is, which of the settings, and when its first expires."""

    part: str
    setting: str
    expires_at: datetime


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
        # A missing sample is an alert of its own; a failed scrape would hide all the others.
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
