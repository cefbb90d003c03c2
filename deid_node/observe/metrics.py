"""Every metric of the node, on a registry of its own.

The children of all closed label sets are made at birth, so that a counter stands
at 0 before its first event: Prometheus sees no increase in a series that
appears with the value 1.
"""

from collections.abc import Callable
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from deid_node.errors import withhold_codes
from deid_node.observe.collectors import (
    CertificateCollector,
    CustodyCollector,
    HasAssociations,
    LeftoverCollector,
    LeftoverSource,
    ReadCertificates,
    UnconfirmedCollector,
    UnconfirmedSource,
    WaitingSource,
)
from deid_node.observe.desk_metrics import DeskMetrics
from deid_node.observe.labels import (
    AssociationResult,
    AuditResult,
    ClosedSet,
    CommitmentResult,
    ConfiguredNames,
    DestinationAssociations,
    DoorKind,
    InquiryResult,
    ReloadResult,
    WorkerEnd,
)
from deid_node.values.delivery import DeliveryResult
from deid_node.values.fill import Fill
from deid_node.values.refusal import RefusalCode, TlsFault
from deid_node.values.series import ClosedBy
from deid_node.values.stage import Stage

ANY_PEER: Final = "any"
"""The name of every sender where the configuration lists no peers."""

BUCKETS_SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip


class Metrics:
    """Counts what happens; any thread may call it.

    `names` are the configured peers, rules, destinations and listeners: the only
    values that their labels take beside ``other``.
    """

    def __init__(self, registry: CollectorRegistry, names: ConfiguredNames | None = None) -> None:
        names = names or ConfiguredNames()
        self.registry: Final = registry
        ProcessCollector(registry=registry)
        self._peers, self._rules = ClosedSet((ANY_PEER, *names.peers)), ClosedSet(names.rules)
        self._codes = ClosedSet(withhold_codes())
        self._destinations = ClosedSet(names.destinations)
        self._listeners = ClosedSet(names.listeners)
        self._reload_results, self._audit_results = ClosedSet(ReloadResult), ClosedSet(AuditResult)
        self._results, self._stages = ClosedSet(DeliveryResult), ClosedSet(Stage)
        self._fills, self._association_results = ClosedSet(Fill), ClosedSet(AssociationResult)
        self._commitment_results = ClosedSet(CommitmentResult)
        self._inquiry_results = ClosedSet(InquiryResult)
        self._refusal_codes = ClosedSet((*RefusalCode, *TlsFault))
        self._worker_ends, self._closings = ClosedSet(WorkerEnd), ClosedSet(ClosedBy)

        self._received = Counter(
            "deid_node_instances_received_total",
            "Instances taken into custody; Success was answered.",
            ["door", "peer"],
            registry=registry,
        )
        self._received_bytes = Counter(
            "deid_node_received_bytes_total",
            "Bytes of the instances taken into custody.",
            registry=registry,
        )
        self._cleaned = Counter(
            "deid_node_instances_cleaned_total",
            "Instances sealed and due for delivery.",
            ["rule"],
            registry=registry,
        )
        self._marked = Counter(
            "deid_node_instances_marked_total",
            "Instances sealed with a Segmentation of what was filled in them.",
            ["rule"],
            registry=registry,
        )
        self._withheld = Counter(
            "deid_node_instances_withheld_total",
            "Instances kept whole for a person, by the reason's code.",
            ["code"],
            registry=registry,
        )
        self._series = Counter(
            "deid_node_series_closed_total",
            "Series that are waited for no longer, by what closed them.",
            ["reason"],
            registry=registry,
        )
        self._deliveries = Counter(
            "deid_node_deliveries_total",
            "Attempts to deliver an instance, by what came of them.",
            ["destination", "result"],
            registry=registry,
        )
        self._destination_associations = Gauge(
            "deid_node_destination_associations",
            "Associations with a destination: in use, idle, and how many it serves at once.",
            ["destination", "state"],
            registry=registry,
        )
        self._stage_seconds = Histogram(
            "deid_node_stage_duration_seconds",
            "Time that one instance took in one stage.",
            ["stage"],
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self._regions = Counter(
            "deid_node_regions_found_total",
            "Regions of text that were found and filled, by the fill.",
            ["fill"],
            registry=registry,
        )
        self._associations = Counter(
            "deid_node_associations_total",
            "Associations, or requests of HTTP, that peers asked for, by what became of them.",
            ["door", "result"],
            registry=registry,
        )
        self._open_associations = Gauge(
            "deid_node_open_associations",
            "Associations that are served, by the port where there are several.",
            ["listener"],
            registry=registry,
        )
        self._commitments = Counter(
            "deid_node_committed_instances_total",
            "Instances that senders asked a storage commitment for, by what they were told.",
            ["result"],
            registry=registry,
        )
        self._inquiries = Counter(
            "deid_node_archive_commitments_total",
            "Instances that an archive was asked to commit to, by what it said.",
            ["destination", "result"],
            registry=registry,
        )
        self._refusals = Counter(
            "deid_node_refusals_total",
            "Associations, requests and connections turned away, by the reason's code.",
            ["door", "code"],
            registry=registry,
        )
        self._audit = Counter(
            "deid_node_audit_messages_total",
            "Audit messages, by what became of them; a dropped one is lost.",
            ["result"],
            registry=registry,
        )
        self._audit_waiting = Gauge(
            "deid_node_audit_waiting_messages",
            "Audit messages on disk that their repository has not taken yet.",
            registry=registry,
        )
        self._workers_ended = Counter(
            "deid_node_workers_ended_total",
            "Worker processes that had to be replaced, by the reason.",
            ["reason"],
            registry=registry,
        )
        self._worker_memory = Gauge(
            "deid_node_worker_memory_bytes",
            "Memory that a worker process held after its last instance, pages of files left out.",
            ["worker"],
            registry=registry,
        )
        self._reloads = Counter(
            "deid_node_reloads_total",
            "Configurations that were to take over while the node runs, by what became of it.",
            ["result"],
            registry=registry,
        )
        self.desk: Final = DeskMetrics(registry)
        self._build = Gauge(
            "deid_node_build_info",
            "Always 1; the labels say which version and models run.",
            ["version", "standard_edition", "finder", "inpainter"],
            registry=registry,
        )
        self._start_at_zero()

    def _start_at_zero(self) -> None:
        """Make every child of the closed sets, so that each counter exists from the start."""
        single = (
            *((self._cleaned, self._rules), (self._reloads, self._reload_results)),
            *((self._marked, self._rules), (self._withheld, self._codes)),
            *((self._regions, self._fills), (self._commitments, self._commitment_results)),
            *((self._stage_seconds, self._stages), (self._audit, self._audit_results)),
            *((self._workers_ended, self._worker_ends), (self._series, self._closings)),
        )
        for metric, closed in single:
            for value in closed.values:
                metric.labels(value)
        at_doors = (
            *((self._received, self._peers), (self._associations, self._association_results)),
            (self._refusals, self._refusal_codes),
        )
        for metric, closed in at_doors:
            for door, value in product(DoorKind, closed.values):
                metric.labels(door, value)
        for destination in self._destinations.values:
            for result in self._results.values:
                self._deliveries.labels(destination, result)
            for answer in self._inquiry_results.values:
                self._inquiries.labels(destination, answer)
            for state in DestinationAssociations:
                self._destination_associations.labels(destination, state)

    def learn(self, names: ConfiguredNames) -> None:
        """Let labels take the names of another configuration, too; those of before stay."""
        self._peers.learn(names.peers)
        self._rules.learn(names.rules)
        self._destinations.learn(names.destinations)
        self._start_at_zero()

    def watch_custody(self, source: WaitingSource) -> None:
        """Tell what waits in `source` and its free space, read anew at each scrape."""
        self.registry.register(CustodyCollector(source))

    def watch_destination(self, destination: str, read: Callable[[], HasAssociations]) -> None:
        """Tell how many associations there are with `destination`, read anew at each scrape."""
        name = self._destinations.value(destination)
        states: tuple[tuple[DestinationAssociations, Callable[[], float]], ...] = (
            (DestinationAssociations.IN_USE, lambda: read().in_use),
            (DestinationAssociations.IDLE, lambda: read().idle),
            (DestinationAssociations.ALLOWED, lambda: read().allowed),
        )
        for state, count in states:
            self._destination_associations.labels(name, state).set_function(count)

    def watch_listener(self, listener: str, read: Callable[[], float]) -> None:
        """Tell how many associations are open at `listener`, asked anew at each scrape."""
        name = self._listeners.value(listener)
        self._open_associations.labels(name).set_function(read)

    def watch_unconfirmed(self, source: UnconfirmedSource) -> None:
        """Tell what `source` knows of each destination's commitments, read anew at each scrape."""
        self.registry.register(UnconfirmedCollector(source, lambda: self._destinations.values))

    def watch_leftovers(self, source: LeftoverSource) -> None:
        """Tell what `source` knows that nobody looks after, read anew at each scrape."""
        self.registry.register(LeftoverCollector(source))

    def watch_certificates(self, read: ReadCertificates) -> None:
        """Tell how long each certificate that `read` finds is still good, read at each scrape."""
        self.registry.register(CertificateCollector(read))

    def instance_received(self, peer: str, size: int, *, door: DoorKind = DoorKind.DIMSE) -> None:
        """Count an instance of `size` bytes that was taken into custody from `peer`."""
        self._received.labels(door, self._peers.value(peer)).inc()
        self._received_bytes.inc(size)

    def instance_cleaned(self, rule: str) -> None:
        """Count an instance that was sealed under `rule`."""
        self._cleaned.labels(self._rules.value(rule)).inc()

    def instance_marked(self, rule: str) -> None:
        """Count an instance that was sealed under `rule` with a Segmentation beside it."""
        self._marked.labels(self._rules.value(rule)).inc()

    def instance_withheld(self, code: str) -> None:
        """Count an instance that waits for a person because of `code`."""
        self._withheld.labels(self._codes.value(code)).inc()

    def series_closed(self, reason: ClosedBy | str) -> None:
        """Count a series that is waited for no longer because of `reason`."""
        self._series.labels(self._closings.value(reason)).inc()

    def delivery(self, destination: str, result: DeliveryResult | str) -> None:
        """Count one attempt to deliver one instance to `destination`."""
        self._deliveries.labels(
            self._destinations.value(destination), self._results.value(result)
        ).inc()

    def stage(self, stage: Stage | str, seconds: float) -> None:
        """Count one instance that spent `seconds` in `stage`."""
        self._stage_seconds.labels(self._stages.value(stage)).observe(seconds)

    def regions_found(self, fill: Fill | str, count: int = 1) -> None:
        """Count `count` regions that were filled by `fill`."""
        self._regions.labels(self._fills.value(fill)).inc(count)

    def association(self, result: str, *, door: DoorKind = DoorKind.DIMSE) -> None:
        """Count an association, or a request of HTTP, by what became of it."""
        self._associations.labels(door, self._association_results.value(result)).inc()

    def refusal(self, code: str, *, door: DoorKind = DoorKind.DIMSE) -> None:
        """Count a caller that was turned away because of `code`."""
        self._refusals.labels(door, self._refusal_codes.value(code)).inc()

    def committed(self, result: CommitmentResult | str, count: int) -> None:
        """Count `count` instances of which a sender was told `result`."""
        self._commitments.labels(self._commitment_results.value(result)).inc(count)

    def inquired(self, destination: str, result: InquiryResult | str, count: int) -> None:
        """Count `count` instances by what the archive `destination` said of its commitment."""
        self._inquiries.labels(
            self._destinations.value(destination), self._inquiry_results.value(result)
        ).inc(count)

    def audit(self, result: AuditResult | str, count: int) -> None:
        """Count `count` audit messages by what became of them."""
        self._audit.labels(self._audit_results.value(result)).inc(count)

    def audit_waiting(self, count: int) -> None:
        """Tell that `count` audit messages wait on disk."""
        self._audit_waiting.set(count)

    def worker_ended(self, reason: WorkerEnd | str) -> None:
        """Count a worker process that had to be replaced for `reason`."""
        self._workers_ended.labels(self._worker_ends.value(reason)).inc()

    def worker_memory(self, worker: int, held_bytes: int) -> None:
        """Tell that worker number `worker` holds `held_bytes` of memory."""
        self._worker_memory.labels(str(worker)).set(held_bytes)

    def reloaded(self, result: ReloadResult | str) -> None:
        """Count a configuration that was to take over, by what became of it."""
        self._reloads.labels(self._reload_results.value(result)).inc()

    def build_info(
        self, *, version: str, standard_edition: str, finder: str, inpainter: str
    ) -> None:
        """Say what runs now."""
        self._build.clear()
        self._build.labels(version, standard_edition, finder, inpainter).set(1)
