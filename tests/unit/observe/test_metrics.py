"""The metrics: names and labels of the contract, values, closed sets."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from deid_node.errors import SpoolUnavailable, withhold_codes
from deid_node.observe.labels import AssociationResult, ConfiguredNames
from deid_node.observe.metrics import BUCKETS_SECONDS, Metrics
from deid_node.values.certificate import Certificate
from deid_node.values.delivery import DeliveryResult
from deid_node.values.fill import Fill
from deid_node.values.stage import Stage
from deid_node.values.state import InstanceState

CONTRACT = {
    "deid_node_instances_received_total": {"door", "peer"},
    "deid_node_instances_cleaned_total": {"rule"},
    "deid_node_instances_marked_total": {"rule"},
    "deid_node_instances_withheld_total": {"code"},
    "deid_node_deliveries_total": {"destination", "result"},
    "deid_node_destination_associations": {"destination", "state"},
    "deid_node_open_associations": {"listener"},
    "deid_node_reloads_total": {"result"},
    "deid_node_series_closed_total": {"reason"},
    "deid_node_waiting_instances": {"state"},
    "deid_node_oldest_waiting_seconds": {"state"},
    "deid_node_stage_duration_seconds": {"stage"},
    "deid_node_regions_found_total": {"fill"},
    "deid_node_associations_total": {"door", "result"},
    "deid_node_refusals_total": {"door", "code"},
    "deid_node_committed_instances_total": {"result"},
    "deid_node_archive_commitments_total": {"destination", "result"},
    "deid_node_spool_failures_total": {"code"},
    "deid_node_unconfirmed_instances": {"destination"},
    "deid_node_oldest_unconfirmed_seconds": {"destination"},
    "deid_node_certificate_remaining_seconds": {"part", "setting"},
    "deid_node_audit_messages_total": {"result"},
    "deid_node_audit_waiting_messages": set(),
    "deid_node_workers_ended_total": {"reason"},
    "deid_node_review_decisions_total": {"decision"},
    "deid_node_sampled_looks_total": set(),
    "deid_node_sampled_misses_total": set(),
    "deid_node_worker_memory_bytes": {"worker"},
    "deid_node_received_bytes_total": set(),
    "deid_node_spool_free_bytes": set(),
    "deid_node_build_info": {"version", "standard_edition", "finder", "inpainter"},
}
"""Section 5 of the contract, written out, and what was added to it."""


class Source:
    """A spool with fixed answers; `fault` is raised instead where one is given."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault

    def waiting(self) -> Mapping[str, tuple[int, float]]:
        if self.fault is not None:
            raise self.fault
        return {InstanceState.RECEIVED: (3, 12.5), InstanceState.WITHHELD: (1, 99.0)}

    def failures(self) -> Mapping[str, int]:
        return {"spool_full": 2}

    def free_bytes(self) -> int:
        if self.fault is not None:
            raise self.fault
        return 5_000

    def unconfirmed(self, destination: str) -> tuple[int, float]:
        if self.fault is not None:
            raise self.fault
        return (4, 90.0) if destination == "archive" else (0, 0.0)


@pytest.fixture
def metrics() -> Metrics:
    names = ConfiguredNames(peers=("ct1",), rules=("everything",), destinations=("archive",))
    return Metrics(CollectorRegistry(), names)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_what_is_unconfirmed_is_told_of_every_destination(metrics: Metrics) -> None:
    metrics.watch_unconfirmed(Source())

    assert value(metrics, "deid_node_unconfirmed_instances", destination="archive") == 4
    assert value(metrics, "deid_node_oldest_unconfirmed_seconds", destination="archive") == 90


def test_a_journal_that_cannot_be_read_hides_no_other_metric(metrics: Metrics) -> None:
    metrics.watch_unconfirmed(Source(SpoolUnavailable("the journal is closed")))

    assert value(metrics, "deid_node_unconfirmed_instances", destination="archive") is None
    assert value(metrics, "deid_node_instances_received_total", door="dimse", peer="ct1") == 0


def test_the_metrics_are_those_of_the_contract_with_its_labels(metrics: Metrics) -> None:
    metrics.watch_custody(Source())
    metrics.watch_unconfirmed(Source())
    metrics.watch_listener("tls", lambda: 1)
    metrics.worker_memory(0, 1)
    metrics.watch_certificates(lambda: [Certificate("receive", "ca_file", datetime.now(UTC))])
    metrics.build_info(version="0.1.0", standard_edition="2026c", finder="a", inpainter="b")
    metrics.stage("find", 1.0)

    labels = {}
    for family in metrics.registry.collect():
        if family.name.startswith("deid_node_"):
            name = family.name + ("_total" if family.type == "counter" else "")
            samples = [s for s in family.samples if not s.name.endswith("_created")]
            labels[name] = {key for sample in samples for key in sample.labels} - {"le"}

    assert labels == CONTRACT


def test_names_end_in_a_unit_or_say_what_they_count(metrics: Metrics) -> None:
    metrics.watch_custody(Source())
    for family in metrics.registry.collect():
        if family.name.startswith("deid_node_") and family.type != "counter":
            assert re.search(r"_(seconds|bytes|info|instances|messages|associations)$", family.name)


def test_every_metric_says_what_it_is_in_one_sentence(metrics: Metrics) -> None:
    for family in metrics.registry.collect():
        assert family.documentation.endswith(".")


def test_a_received_instance_counts_with_its_bytes(metrics: Metrics) -> None:
    metrics.instance_received("ct1", 1000)
    metrics.instance_received("ct1", 24)

    assert value(metrics, "deid_node_instances_received_total", door="dimse", peer="ct1") == 2
    assert value(metrics, "deid_node_received_bytes_total") == 1024


def test_the_other_counters_count(metrics: Metrics) -> None:
    metrics.instance_cleaned("everything")
    metrics.instance_withheld("residual_text")
    metrics.delivery("archive", DeliveryResult.RETRY)
    metrics.delivery("archive", "retry")
    metrics.regions_found(Fill.TELEA, 4)
    metrics.association(AssociationResult.REFUSED)
    metrics.refusal("tls_expired")
    metrics.committed("confirmed", 3)

    assert value(metrics, "deid_node_committed_instances_total", result="confirmed") == 3
    assert value(metrics, "deid_node_refusals_total", door="dimse", code="tls_expired") == 1
    assert value(metrics, "deid_node_instances_cleaned_total", rule="everything") == 1
    assert value(metrics, "deid_node_instances_withheld_total", code="residual_text") == 1
    assert value(
        metrics, "deid_node_deliveries_total", destination="archive", result="retry"
    ) == pytest.approx(2)
    assert value(metrics, "deid_node_regions_found_total", fill="telea") == 4
    assert value(metrics, "deid_node_associations_total", door="dimse", result="refused") == 1


def test_a_stage_is_measured_in_seconds(metrics: Metrics) -> None:
    metrics.stage(Stage.FIND, 0.3)

    name = "deid_node_stage_duration_seconds"
    assert value(metrics, f"{name}_sum", stage="find") == 0.3
    assert value(metrics, f"{name}_bucket", stage="find", le="0.25") == 0
    assert value(metrics, f"{name}_bucket", stage="find", le="0.5") == 1


def test_the_buckets_reach_from_a_millisecond_to_five_minutes() -> None:
    assert (BUCKETS_SECONDS[0], BUCKETS_SECONDS[-1]) == (0.001, 300.0)
    assert list(BUCKETS_SECONDS) == sorted(set(BUCKETS_SECONDS))


def test_a_label_outside_its_closed_set_becomes_other(metrics: Metrics) -> None:
    metrics.instance_received("CANARY^JANE", 1)
    metrics.instance_cleaned("CANARY^JANE")
    metrics.instance_withheld("CANARY^JANE")
    metrics.delivery("CANARY^JANE", "CANARY^JANE")
    metrics.stage("CANARY^JANE", 1.0)
    metrics.regions_found("CANARY^JANE")
    metrics.association("CANARY^JANE")
    metrics.refusal("CANARY^JANE")

    used = {
        text
        for family in metrics.registry.collect()
        for sample in family.samples
        for text in sample.labels.values()
    }
    assert "CANARY^JANE" not in used
    assert value(metrics, "deid_node_instances_received_total", door="dimse", peer="other") == 1
    assert value(metrics, "deid_node_deliveries_total", destination="other", result="other") == 1


def test_counters_of_closed_sets_stand_at_zero_before_the_first_event(metrics: Metrics) -> None:
    """A series that appears with the value 1 shows no increase in Prometheus."""
    for peer in ("any", "ct1"):
        assert value(metrics, "deid_node_instances_received_total", door="dimse", peer=peer) == 0
    for code in withhold_codes():
        assert value(metrics, "deid_node_instances_withheld_total", code=code) == 0
    for result in DeliveryResult:
        labels = {"destination": "archive", "result": str(result)}
        assert value(metrics, "deid_node_deliveries_total", **labels) == 0


def test_what_waits_is_read_at_the_scrape(metrics: Metrics) -> None:
    metrics.watch_custody(Source())

    assert value(metrics, "deid_node_waiting_instances", state="received") == 3
    assert value(metrics, "deid_node_oldest_waiting_seconds", state="received") == 12.5
    assert value(metrics, "deid_node_waiting_instances", state="withheld") == 1
    assert value(metrics, "deid_node_spool_free_bytes") == 5_000


def test_a_state_in_which_nothing_waits_is_told_as_zero(metrics: Metrics) -> None:
    metrics.watch_custody(Source())

    assert value(metrics, "deid_node_waiting_instances", state="clean") == 0
    assert value(metrics, "deid_node_oldest_waiting_seconds", state="clean") == 0


@pytest.mark.parametrize("fault", [SpoolUnavailable("journal"), OSError("gone")])
def test_a_spool_that_fails_hides_its_own_samples_only(metrics: Metrics, fault: Exception) -> None:
    metrics.watch_custody(Source(fault))

    assert value(metrics, "deid_node_waiting_instances", state="received") is None
    assert value(metrics, "deid_node_spool_free_bytes") is None
    assert value(metrics, "deid_node_received_bytes_total") == 0


def test_the_build_is_told_by_labels(metrics: Metrics) -> None:
    build = {"version": "0.1.0", "standard_edition": "2026c", "finder": "crnn", "inpainter": "tel"}

    metrics.build_info(**build)

    assert value(metrics, "deid_node_build_info", **build) == 1


def test_two_nodes_in_one_process_do_not_share_a_count() -> None:
    first, second = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())

    first.instance_received("any", 1)

    assert value(second, "deid_node_instances_received_total", door="dimse", peer="any") == 0


def test_names_of_another_configuration_begin_at_zero_and_those_of_before_go_on() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, ConfiguredNames(peers=("ct1",), rules=("one",)))
    metrics.instance_received("ct1", 5)

    metrics.learn(ConfiguredNames(peers=("mr",), rules=("two",), destinations=("archive",)))
    metrics.instance_cleaned("two")

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"deid_node_{name}", labels)

    assert value("instances_received_total", door="dimse", peer="ct1") == 1
    assert value("instances_received_total", door="dimse", peer="mr") == 0
    assert value("instances_cleaned_total", rule="two") == 1
    assert value("instances_cleaned_total", rule="other") is None
    assert value("deliveries_total", destination="archive", result="delivered") == 0


def test_only_what_runs_now_is_told_as_running() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for finder in ("crnn-1", "crnn-2"):
        metrics.build_info(
            version="0.1.0", standard_edition="2026c", finder=finder, inpainter="telea"
        )

    (family,) = (one for one in registry.collect() if one.name == "deid_node_build_info")
    assert [sample.labels["finder"] for sample in family.samples] == ["crnn-2"]
