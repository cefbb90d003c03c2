"""The compose files: what is open, what is secret, what is pinned."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from deid_node.observe.options import HttpOptions
from tests.unit.docker.programs import DOCKER, must_accept, program

COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NODE_YAML: dict[str, Any] = yaml.safe_load((DOCKER / "node.yaml").read_text())

each_service = pytest.mark.parametrize("service", SERVICES)


@each_service
def test_every_image_has_a_full_version(service: str) -> None:
    _, _, tag = SERVICES[service]["image"].partition(":")

    assert re.match(r"v?\d+\.\d+\.\d+(-[a-z]+)?$", tag)


@each_service
def test_only_the_dicom_port_is_open_to_the_network(service: str) -> None:
    ports = SERVICES[service].get("ports", [])
    if service == "node":
        assert ports == ["${DICOM_PORT:-11112}:11112"]
    else:
        assert all(port.startswith("127.0.0.1:") for port in ports)


@each_service
def test_nothing_gains_privileges_and_logs_are_bounded(service: str) -> None:
    assert "no-new-privileges:true" in SERVICES[service]["security_opt"]
    assert SERVICES[service]["logging"]["options"]["max-size"]


def test_the_node_writes_to_its_spool_and_tmp_only() -> None:
    node = SERVICES["node"]

    assert node["read_only"] is True
    assert node["cap_drop"] == ["ALL"]
    writable = [volume for volume in node["volumes"] if not volume.endswith(":ro")]
    assert writable == ["spool:/var/lib/deid-node/spool"]
    assert NODE_YAML["spool"]["dir"] == "/var/lib/deid-node/spool"


def test_secrets_are_files_outside_the_repository() -> None:
    assert "secrets/" in (DOCKER / ".gitignore").read_text().splitlines()
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("./secrets/")
    for service in SERVICES.values():
        assert not [
            name
            for name, value in service.get("environment", {}).items()
            if re.search(r"PASSWORD|SECRET|KEY|TOKEN", name) and not value.startswith("/run/")
        ]


def test_every_secret_is_used_and_every_used_secret_is_declared() -> None:
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}

    assert used == set(COMPOSE["secrets"])


def test_the_node_reads_its_key_from_the_secret() -> None:
    assert NODE_YAML["metadata"]["pseudonym_key_file"] == "/run/secrets/pseudonym_key"


def test_node_and_archive_speak_of_the_same_archive() -> None:
    archive = NODE_YAML["forward"]["destinations"]["archive"]
    orthanc = SERVICES["orthanc"]["environment"]

    assert archive["ae_title"] == orthanc["ORTHANC__DICOM_AET"]
    assert str(archive["port"]) == orthanc["ORTHANC__DICOM_PORT"]
    assert archive["host"] == "${ARCHIVE_HOST}"
    assert SERVICES["node"]["environment"]["ARCHIVE_HOST"] in SERVICES


def test_prometheus_scrapes_the_node_where_it_serves_its_metrics() -> None:
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
    jobs = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]
    }

    assert jobs["deid_node"] == [f"node:{NODE_YAML['observe']['http']['port']}"]
    assert NODE_YAML["observe"]["http"]["port"] == HttpOptions().port
    assert set(SERVICES["prometheus"]["networks"]) & set(SERVICES["node"]["networks"])


def test_mounted_files_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (DOCKER / source).exists()


def test_the_gpu_file_changes_the_target_and_asks_for_a_device() -> None:
    node = yaml.safe_load((DOCKER / "compose.gpu.yaml").read_text())["services"]["node"]

    assert node["build"] == {"target": "gpu"}
    devices = node["deploy"]["resources"]["reservations"]["devices"]
    assert devices[0]["capabilities"] == ["gpu"]


@pytest.mark.parametrize("name", ["compose.yaml", "compose.gpu.yaml", "compose.cluster.yaml"])
@pytest.mark.peer("compose_spec")
def test_the_files_keep_to_the_compose_specification(name: str) -> None:
    compose_spec = pytest.importorskip("compose_spec", reason="compose_spec is not installed here")
    text = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", (DOCKER / name).read_text())

    # Merged here: the reader of the specification knows no `<<`, which docker compose does.
    merged = yaml.safe_dump(yaml.safe_load(text), sort_keys=False)
    compose_spec.PyCompose.from_yaml(merged).validate()


@pytest.mark.peer("docker compose")
def test_docker_compose_accepts_the_files() -> None:
    version = [program("docker"), "compose", "version"]
    if subprocess.run(version, capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed here")

    must_accept("docker", "compose", "-f", "compose.yaml", "-f", "compose.gpu.yaml", "config", "-q")
