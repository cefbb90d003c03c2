"""A real Prometheus scrapes a real exporter and answers every query of the dashboard."""

import http.client
import json
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deid_node.observe.exporter import Exporter
from deid_node.observe.health import Health
from tests.fakes.event_log import RecordingLog
from tests.unit.docker.node import busy_metrics, happen
from tests.unit.docker.programs import DOCKER, program
from tests.unit.docker.test_dashboard import expressions, in_time

PATIENCE_SECONDS = 60


class Prometheus:
    """A Prometheus on loopback that scrapes `target` twice a second."""

    def __init__(self, folder: Path, target: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        config = folder / "prometheus.yml"
        rules = str(DOCKER / "prometheus" / "rules.yml")
        job = {"job_name": "deid_node", "static_configs": [{"targets": [target]}]}
        config.write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
                    "rule_files": [rules],
                    "scrape_configs": [job],
                }
            )
        )
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={config}",
                    f"--storage.tsdb.path={folder / 'tsdb'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}")
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = self.get("/api/v1/query", query=expression)
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def has_scraped(self, times: int) -> bool:
        try:
            counted = self.query('count_over_time(up{job="deid_node"}[5m])')
        except (ConnectionError, json.JSONDecodeError):
            return False
        return bool(counted) and int(counted[0]["value"][1]) >= times

    def wait_for_scrapes(self, times: int) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.has_scraped(times):
            assert time.monotonic() < end, "Prometheus does not scrape"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    program("prometheus")
    metrics = busy_metrics()
    exporter = Exporter("127.0.0.1", 0, metrics, Health(), log=RecordingLog())
    exporter.start()
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{exporter.port}")
    try:
        server.wait_for_scrapes(2)
        happen(metrics)
        server.wait_for_scrapes(5)
        yield server
    finally:
        server.stop()
        exporter.stop()


@pytest.mark.peer("prometheus")
def test_prometheus_reaches_the_exporter_without_complaint(prometheus: Prometheus) -> None:
    (target,) = prometheus.get("/api/v1/targets")["data"]["activeTargets"]

    assert (target["health"], target["lastError"]) == ("up", "")


@pytest.mark.peer("prometheus")
@pytest.mark.parametrize(
    "expression",
    [text for title, text in expressions() if title != "Alerts"],
    ids=[title for title, _ in expressions() if title != "Alerts"],
)
def test_every_query_of_the_dashboard_has_an_answer(
    prometheus: Prometheus, expression: str
) -> None:
    assert prometheus.query(in_time(expression))


@pytest.mark.peer("prometheus")
def test_every_alert_is_evaluated_without_an_error(prometheus: Prometheus) -> None:
    groups = prometheus.get("/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert rules
    assert {rule["health"] for rule in rules} == {"ok"}
