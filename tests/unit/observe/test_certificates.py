"""How long certificates are still good, as metrics and health tell it."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from deid_node.observe.collectors import CertificateCollector, certificate_trouble
from deid_node.values.certificate import Certificate

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def lasting(days: float, part: str = "receive") -> Certificate:
    return Certificate(part, "certificate_file", NOW + timedelta(days=days))


@pytest.mark.req("REQ-OB-06")
def test_the_time_left_is_told_for_each_file() -> None:
    registry = CollectorRegistry()
    registry.register(
        CertificateCollector(
            lambda: [lasting(10), lasting(-1, "forward_archive")], clock=lambda: NOW
        )
    )

    name, labels = "deid_node_certificate_remaining_seconds", {"setting": "certificate_file"}
    left = registry.get_sample_value(name, {**labels, "part": "receive"})
    over = registry.get_sample_value(name, {**labels, "part": "forward_archive"})

    assert (left, over) == (10 * 86400, -86400)


@pytest.mark.req("REQ-OB-06")
@pytest.mark.parametrize(
    ("days", "trouble"),
    [
        ((), None),
        ((90, 31), None),
        ((90, 29), "certificate_expires_soon"),
        ((0,), "certificate_expired"),
        ((29, -1), "certificate_expired"),
    ],
)
def test_health_tells_a_month_before(days: tuple[int, ...], trouble: str | None) -> None:
    found = [lasting(one) for one in days]

    assert certificate_trouble(lambda: found, clock=lambda: NOW) == trouble


def test_health_tells_of_files_that_cannot_be_read() -> None:
    def read() -> list[Certificate]:
        raise FileNotFoundError

    assert certificate_trouble(read) == "certificate_unusable"
    assert [family.samples for family in CertificateCollector(read).collect()] == [[]]
