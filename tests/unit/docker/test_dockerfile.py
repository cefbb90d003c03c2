"""The Dockerfile: who runs, what is in it, how it stops."""

import json
import re
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry

from deid_node import __version__
from deid_node.observe.exporter import Exporter
from deid_node.observe.health import Health, Lifecycle
from deid_node.observe.metrics import Metrics
from deid_node.observe.options import HttpOptions
from tests.fakes.event_log import RecordingLog
from tests.unit.docker.programs import DOCKER, ROOT, must_accept

TEXT = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
STAGES = re.split(r"^(?=FROM )", TEXT, flags=re.MULTILINE)[1:]


def stage(name: str) -> str:
    """Return the instructions of a stage and of those it is built from."""
    (text,) = (text for text in STAGES if re.search(rf"^FROM \S+ AS {name}$", text, re.MULTILINE))
    parent = text.split()[1]
    return ("" if parent.startswith("$") else stage(parent)) + text


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_both_targets_run_as_a_user_without_rights(target: str) -> None:
    assert re.findall(r"^USER (.*)$", stage(target), re.MULTILINE)[-1] == "10001:10001"


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_both_targets_ask_no_network_and_stop_in_order(target: str) -> None:
    text = stage(target)

    assert "HF_HUB_OFFLINE=1" in text
    assert "ORT_DISABLE_TELEMETRY=1" in text
    assert "STOPSIGNAL SIGTERM" in text
    assert 'ENTRYPOINT ["deid-node"]' in text
    assert 'VOLUME ["/var/lib/deid-node/spool"]' in text


def test_a_machine_of_a_cluster_has_no_volume_and_runs_without_rights() -> None:
    """Docker and Kubernetes keep an image's volume on a disk of the host, asked or not."""
    text = stage("cluster")

    assert "VOLUME" not in text
    assert "HEALTHCHECK NONE" in text
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "10001:10001"


@pytest.mark.parametrize(
    ("target", "extra"),
    [("cpu", "[cpu,dicomweb,provenance,review]"), ("gpu", "[gpu,dicomweb,provenance,review]")],
)
def test_each_target_has_its_own_runtime(target: str, extra: str) -> None:
    source = re.search(r"COPY --from=(\S+)", stage(target).rpartition("FROM ")[2])

    assert source is not None
    assert extra in stage(source[1])
    assert "constraints.txt" in stage(source[1])


def test_without_a_target_the_image_is_the_one_that_runs_anywhere() -> None:
    assert STAGES[-1].startswith("FROM runtime AS cpu")


def test_the_health_check_asks_the_port_that_the_node_serves() -> None:
    assert f"http://127.0.0.1:{HttpOptions().port}/health/ready" in TEXT


@pytest.mark.parametrize(("lifecycle", "status"), [(Lifecycle.RUNNING, 0), (Lifecycle.STARTING, 1)])
def test_the_health_check_says_what_the_node_says(lifecycle: Lifecycle, status: int) -> None:
    check = re.search(r"^HEALTHCHECK .*?CMD (\[.*?\])$", TEXT, re.MULTILINE | re.DOTALL)
    assert check is not None
    _, flag, code = json.loads(check[1])
    health = Health()
    health.enter(lifecycle)
    exporter = Exporter("127.0.0.1", 0, Metrics(CollectorRegistry()), health, log=RecordingLog())
    exporter.start()

    asked = code.replace(f":{HttpOptions().port}/", f":{exporter.port}/")
    done = subprocess.run([sys.executable, flag, asked], capture_output=True, check=False)
    exporter.stop()

    assert done.returncode == status


def test_labels_carry_the_version_of_the_package() -> None:
    assert f"ARG VERSION={__version__}" in TEXT
    assert f"image: deid-node:{__version__}-cpu" in (DOCKER / "compose.yaml").read_text()
    assert f"image: deid-node:{__version__}-gpu" in (DOCKER / "compose.gpu.yaml").read_text()


def test_the_base_image_is_pinned() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.11\.\d+-slim-bookworm$", TEXT, re.MULTILINE)


def test_what_is_copied_passes_the_dockerignore_and_nothing_else_does() -> None:
    copied = {
        name.strip("./")
        for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", TEXT, re.MULTILINE)
        for name in sources.split()
    }
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}

    assert "*" in lines
    assert copied == let_in


@pytest.mark.peer("hadolint")
def test_hadolint_finds_nothing() -> None:
    assert not must_accept("hadolint", "Dockerfile")


def test_the_image_has_nothing_of_the_laboratory() -> None:
    """What trains and measures the models is a distribution of its own, and stays at home."""
    copied = re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.MULTILINE)
    let_in = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)

    assert copied
    assert not [one for one in [*copied, *let_in] if "deid_node_lab" in one or one == "."]
    assert not re.search(r"\[[^\]]*\b(lab|train|peers)\b", TEXT)
