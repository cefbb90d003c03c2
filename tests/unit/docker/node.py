"""A node's metrics after a day of everything, for the queries to find something in."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from deid_node.errors import withhold_codes
from deid_node.observe.labels import (
    AssociationResult,
    AuditResult,
    ConfiguredNames,
    WorkerEnd,
)
from deid_node.observe.metrics import Metrics
from deid_node.values.certificate import Certificate
from deid_node.values.delivery import DeliveryResult
from deid_node.values.fill import Fill
from deid_node.values.series import ClosedBy
from deid_node.values.stage import Stage
from deid_node.values.state import WAITING_STATES


class Spool:
    """A spool in which something waits in every state."""

    def waiting(self) -> Mapping[str, tuple[int, float]]:
        counts = ((3, 12.0), (4, 30.0), (2, 60.0), (1, 3600.0))
        return dict(zip(WAITING_STATES, counts, strict=True))

    def failures(self) -> Mapping[str, int]:
        return {"spool_full": 2}

    def free_bytes(self) -> int:
        return 50_000_000_000

    def stranded(self) -> Mapping[str, int]:
        return {"gone": 2}

    def set_aside(self) -> int:
        return 1

    def unconfirmed(self, _destination: str) -> tuple[int, float]:
        return 4, 90.0


def busy_metrics() -> Metrics:
    """Return metrics that know one name of each kind, and have seen it all."""
    names = ConfiguredNames(
        peers=("ct1",), rules=("everything",), destinations=("archive",), listeners=("tls",)
    )
    metrics = Metrics(CollectorRegistry(), names)
    metrics.watch_custody(Spool())
    metrics.watch_listener("tls", lambda: 3)
    metrics.watch_unconfirmed(Spool())
    metrics.watch_leftovers(Spool())
    metrics.watch_certificates(
        lambda: [Certificate("receive", "certificate_file", datetime.now(UTC) + timedelta(days=90))]
    )
    metrics.build_info(
        version="0.1.0", standard_edition="2026c", finder="crnn-1", inpainter="telea"
    )
    happen(metrics)
    return metrics


def happen(metrics: Metrics) -> None:
    """Let everything that is counted happen once."""
    metrics.instance_received("ct1", 500_000)
    metrics.instance_cleaned("everything")
    for code in withhold_codes():
        metrics.instance_withheld(code)
    for result in DeliveryResult:
        metrics.delivery("archive", result)
    for stage in Stage:
        metrics.stage(stage, 0.2)
    for fill in Fill:
        metrics.regions_found(fill)
    for closing in ClosedBy:
        metrics.series_closed(closing)
    for audit in AuditResult:
        metrics.audit(audit, 1)
    metrics.audit_waiting(1)
    for end in WorkerEnd:
        metrics.worker_ended(end)
    metrics.worker_memory(0, 700_000_000)
    metrics.desk.looked(missed=True)
    for association in AssociationResult:
        metrics.association(association)


def labels_by_series(metrics: Metrics) -> dict[str, set[str]]:
    """Return the labels of every series name that the exposition has."""
    labels: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels
