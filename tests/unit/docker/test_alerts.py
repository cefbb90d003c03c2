"""The alert rules: what they ask for, and when they fire."""

from typing import Any

import pytest
import yaml

from deid_node.errors import withhold_codes
from deid_node.spool.options import SpoolOptions
from tests.unit.docker.node import busy_metrics, labels_by_series
from tests.unit.docker.programs import DOCKER, must_accept
from tests.unit.docker.promql import asked

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DOCKER / "prometheus" / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
]

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


@each_rule
def test_every_alert_asks_for_series_and_labels_that_exist(rule: dict[str, Any]) -> None:
    known = labels_by_series(busy_metrics()) | {"up": {"job", "instance"}}

    found = asked(rule["expr"])

    assert found.series
    assert found.series <= set(known)
    assert found.labels <= {"job", "instance"}.union(*(known[name] for name in found.series))


@each_rule
def test_every_alert_says_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("DeidNode")
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "action"}
    assert rule["annotations"]["action"].endswith(".")


def test_the_codes_of_the_safety_net_are_codes() -> None:
    (rule,) = (rule for rule in RULES if rule["alert"] == "DeidNodeSafetyNetUsed")
    codes = rule["expr"].partition('code=~"')[2].partition('"')[0].split("|")

    assert set(codes) <= set(withhold_codes())


def test_the_disk_alerts_know_the_default_reserve() -> None:
    reserve = SpoolOptions().reserve_bytes
    for rule in RULES:
        if "spool_free_bytes" in rule["expr"] and "<" in rule["expr"]:
            assert float(rule["expr"].rpartition("<")[2].split()[0]) == reserve


@pytest.mark.peer("promtool")
def test_prometheus_accepts_rules_and_configuration() -> None:
    must_accept("promtool", "check", "rules", "prometheus/rules.yml")
    must_accept("promtool", "check", "config", "--syntax-only", "prometheus/prometheus.yml")


@pytest.mark.peer("promtool")
def test_alerts_fire_when_they_should_and_are_silent_when_all_is_well() -> None:
    must_accept("promtool", "test", "rules", "../tests/unit/docker/alerts.yml")


def test_every_alert_has_a_scene_in_which_it_fires() -> None:
    scenes = yaml.safe_load((DOCKER.parent / "tests/unit/docker/alerts.yml").read_text())
    fired = {
        case["alertname"]
        for scene in scenes["tests"]
        for case in scene["alert_rule_test"]
        if case.get("exp_alerts")
    }

    assert fired == {rule["alert"] for rule in RULES}
