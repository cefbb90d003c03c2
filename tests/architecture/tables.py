"""The tables of the operator's handbook, as the code says they should read."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from deid_node.errors import BlobDamaged, CleaningError, DeidNodeError, withhold_codes
from deid_node.observe.events import Event
from deid_node.observe.fields import FIELDS
from deid_node.observe.metrics import Metrics
from tests.architecture.source import ROOT


class _Nothing:
    """A spool of which only the names of its metrics matter."""

    def waiting(self) -> Mapping[str, tuple[int, float]]:
        return {}

    def free_bytes(self) -> int:
        return 0

    def failures(self) -> Mapping[str, int]:
        return {}

    def stranded(self) -> Mapping[str, int]:
        return {}

    def set_aside(self) -> int:
        return 0

    def unconfirmed(self, destination: str) -> tuple[int, float]:
        return 0, 0.0


LABELS = {
    "deid_node_instances_received_total": "door, peer",
    "deid_node_instances_cleaned_total": "rule",
    "deid_node_instances_marked_total": "rule",
    "deid_node_instances_withheld_total": "code",
    "deid_node_series_closed_total": "reason",
    "deid_node_deliveries_total": "destination, result",
    "deid_node_destination_associations": "destination, state",
    "deid_node_open_associations": "listener",
    "deid_node_reloads_total": "result",
    "deid_node_waiting_instances": "state",
    "deid_node_oldest_waiting_seconds": "state",
    "deid_node_stage_duration_seconds": "stage",
    "deid_node_regions_found_total": "fill",
    "deid_node_associations_total": "door, result",
    "deid_node_refusals_total": "door, code",
    "deid_node_committed_instances_total": "result",
    "deid_node_archive_commitments_total": "destination, result",
    "deid_node_spool_failures_total": "code",
    "deid_node_unconfirmed_instances": "destination",
    "deid_node_oldest_unconfirmed_seconds": "destination",
    "deid_node_certificate_remaining_seconds": "part, setting",
    "deid_node_audit_messages_total": "result",
    "deid_node_workers_ended_total": "reason",
    "deid_node_review_decisions_total": "decision",
    "deid_node_worker_memory_bytes": "worker",
    "deid_node_build_info": "version, standard_edition, finder, inpainter",
}
"""Labels as the contract has them; the test of the metrics holds the code to the same."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def metrics() -> str:
    """Return the table of our own metrics, sorted by name."""
    told = Metrics(CollectorRegistry())
    told.watch_custody(_Nothing())
    told.watch_unconfirmed(_Nothing())
    told.watch_leftovers(_Nothing())
    told.watch_certificates(list)
    names = sorted(
        (family.name + ("_total" if family.type == "counter" else ""), family)
        for family in told.registry.collect()
        if family.name.startswith("deid_node_")
    )
    return table(
        ["Metric", "Type", "Labels", "What it says"],
        (
            [f"`{name}`", family.type, LABELS.get(name, ""), family.documentation]
            for name, family in names
        ),
    )


def events() -> str:
    """Return the table of events, in the order of the catalogue."""
    return table(["Event", "What it says"], ([f"`{event}`", event.meaning] for event in Event))


def fields() -> str:
    """Return the table of log fields."""
    return table(
        ["Field", "Kind", "What it says"],
        (
            [f"`{key}`", field.kind.replace("_", " "), field.meaning]
            for key, field in FIELDS.items()
        ),
    )


def codes() -> str:
    """Return the table of the codes with which an instance can be withheld."""
    withholding: list[type[DeidNodeError]] = [*CleaningError.__subclasses__(), BlobDamaged]
    errors = {error.code: error for error in withholding}
    return table(
        ["Code", "What it says"],
        (
            [f"`{code}`", inspect.cleandoc(errors[code].__doc__ or "").splitlines()[0]]
            for code in withhold_codes()
        ),
    )


def alerts() -> str:
    """Return the table of alert rules."""
    text = (ROOT / "docker" / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    rules: list[dict[str, Any]] = [
        rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]
    ]
    return table(
        ["Alert", "Severity", "Means", "First thing to do"],
        (
            [
                f"`{rule['alert']}`",
                rule["labels"]["severity"],
                _plain(rule["annotations"]["summary"]),
                _plain(rule["annotations"]["action"]),
            ]
            for rule in rules
        ),
    )


def _plain(text: str) -> str:
    """Return an annotation with its placeholders as a reader understands them."""
    for label, words in (
        ("destination", "(destination)"),
        ("code", "(code)"),
        ("peer", "(peer)"),
        ("door", "(door)"),
        ("part", "(part)"),
        ("reason", "(reason)"),
    ):
        text = text.replace("{{ $labels." + label + " }}", words)
    return text


TABLES = (metrics, events, fields, codes, alerts)
