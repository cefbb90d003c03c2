"""How long the certificates of the node are still good, told before they are not.

The dates are those of the files that were read at the start: a renewed file
counts after the next start, and so does its date.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

WARNING: Final = timedelta(days=30)
"""So long before the end health says that somebody has to renew a certificate."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A file of certificates: whose it is, which of the settings, and when its first expires."""

    part: str
    setting: str
    expires_at: datetime


def _now() -> datetime:
    return datetime.now(UTC)


class CertificateCollector(Collector):
    """Tells, at each scrape, how many seconds are left."""

    def __init__(
        self, certificates: Iterable[Certificate], *, clock: Callable[[], datetime] = _now
    ) -> None:
        self._certificates = tuple(certificates)
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        """Return the family, with a sample for each file."""
        family = GaugeMetricFamily(
            "deid_node_certificate_remaining_seconds",
            "Time until the first certificate of a file expires; below 0 it has expired.",
            labels=["part", "setting"],
        )
        now = self._clock()
        for one in self._certificates:
            family.add_metric(
                [one.part, one.setting], round((one.expires_at - now).total_seconds())
            )
        return (family,)


def certificate_trouble(
    certificates: Sequence[Certificate], *, clock: Callable[[], datetime] = _now
) -> str | None:
    """Return a code when one of them has expired or soon will, else None."""
    left = min((one.expires_at for one in certificates), default=None)
    if left is None or left - clock() > WARNING:
        return None
    return "certificate_expired" if left <= clock() else "certificate_expires_soon"
