"""The dashboard asks for what the node tells, all of it, and for nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.docker.node import busy_metrics, labels_by_series
from tests.unit.docker.programs import DOCKER, must_accept
from tests.unit.docker.promql import asked

GRAFANA = DOCKER / "grafana"
FROM_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "severity"}}
TARGET_LABELS = {"job", "instance"}

DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "deid_node.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]


def expressions() -> Iterator[tuple[str, str]]:
    """Yield the title and the expression of every query."""
    for panel in PANELS:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


each_expression = pytest.mark.parametrize(
    "expression", [text for _, text in expressions()], ids=[title for title, _ in expressions()]
)


@each_expression
def test_every_query_asks_for_series_and_labels_that_exist(expression: str) -> None:
    known = labels_by_series(busy_metrics()) | FROM_PROMETHEUS

    found = asked(expression)

    assert found.series
    assert found.series <= set(known)
    assert found.labels <= TARGET_LABELS.union(*(known[name] for name in found.series))


def test_every_metric_of_the_node_is_on_the_dashboard() -> None:
    shown = {name for _, text in expressions() for name in asked(text).series}
    families = {
        family.name
        for family in busy_metrics().registry.collect()
        if family.name.startswith("deid_node_")
    }

    assert not {family for family in families if not any(n.startswith(family) for n in shown)}


@each_expression
def test_counters_are_asked_for_their_rate(expression: str) -> None:
    """The plain value of a counter falls to zero with each restart."""
    plain = expression.replace(" ", "")
    for name in asked(expression).series:
        if name.endswith(("_total", "_bucket", "_sum")):
            assert f"rate({name}" in plain or f"increase({name}" in plain


def test_the_rows_follow_the_journey() -> None:
    rows = [panel["title"] for panel in PANELS if panel["type"] == "row"]

    assert rows == [
        "Now",
        "Traffic in",
        "Cleaning",
        "Withheld",
        "Deliveries",
        "Queue and disk",
        "Latencies",
        "Process",
        "Audit",
        "What nobody looks after",
    ]


def test_panels_have_a_title_a_description_and_a_place_of_their_own() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        own = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert panel["title"]
        assert panel["type"] == "row" or panel["description"].endswith(".")
        assert not own & cells
        assert at["x"] + at["w"] <= 24
        cells |= own
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_every_query_goes_to_the_chosen_data_source_and_node() -> None:
    for panel in PANELS:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"
            assert 'instance=~"$instance"' in target["expr"]


def test_the_provisioned_paths_are_those_that_compose_mounts() -> None:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    mounts = dict(
        volume.split(":")[:2]
        for volume in compose["services"]["grafana"]["volumes"]
        if volume.startswith("./")
    )
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/deid_node.yaml").read_text())
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())

    assert provider["providers"][0]["options"]["path"] == mounts["./grafana/dashboards"]
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    assert source["datasources"][0]["url"] == "http://prometheus:9090"


@pytest.mark.peer("promtool")
def test_prometheus_can_parse_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"dashboard:query_{number}", "expr": in_time(text)}
        for number, (_, text) in enumerate(expressions())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    must_accept("promtool", "check", "rules", str(file))


def in_time(expression: str, rate_interval: str = "1m") -> str:
    """Return `expression` with the variables of the dashboard filled in."""
    return expression.replace("$__rate_interval", rate_interval).replace("$instance", ".*")
