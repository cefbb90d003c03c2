"""The example for Kubernetes: the same guarantees, read from the manifest."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from deid_node.cluster.protections import unprotected
from deid_node.lines.channel import called_context
from deid_node.lines.options import LineTlsOptions
from deid_node.work.workers.options import RayOptions
from tests.fakes.certificates import Authority
from tests.unit.docker.programs import DOCKER

PARTS: list[dict[str, Any]] = list(yaml.safe_load_all((DOCKER / "kuberay.yaml").read_text()))
BY_KIND = {part["kind"]: part for part in PARTS}
CLUSTER = BY_KIND["RayCluster"]["spec"]
FOREMAN_PORT = RayOptions.model_fields["port"].default


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "head", CLUSTER["headGroupSpec"]["template"]["spec"]
    for group in CLUSTER["workerGroupSpecs"]:
        yield group["groupName"], group["template"]["spec"]


PODS = dict(pods())
each_pod = pytest.mark.parametrize("pod", PODS.values(), ids=list(PODS))


def test_the_manifest_is_of_the_operators_own_kind() -> None:
    assert BY_KIND["RayCluster"]["apiVersion"] == "ray.io/v1"
    assert CLUSTER["rayVersion"] in (DOCKER.parent / "constraints.txt").read_text()
    assert {part["metadata"].get("namespace", "deid-cluster") for part in PARTS} == {"deid-cluster"}


@each_pod
def test_every_pod_has_what_the_foreman_looks_for(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    environment = {one["name"]: one.get("value", "") for one in container["env"]}

    assert unprotected(environment) is None


@each_pod
def test_no_pod_has_rights_a_disk_or_an_account(pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in (*pod["containers"], *pod["initContainers"]):
        confined = container["securityContext"]
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}
    written = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
    assert [one["medium"] for one in written] == ["Memory"] * 3
    assert {key for volume in pod["volumes"] for key in volume} == {
        "name", "configMap", "secret", "emptyDir",
    }  # fmt: skip


@each_pod
def test_the_authoritys_key_is_seen_by_the_first_step_alone(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]

    assert "authority" not in {mount["name"] for mount in container["volumeMounts"]}


@each_pod
def test_every_pod_is_asked_where_it_answers_and_not_where_a_dashboard_would(
    pod: dict[str, Any],
) -> None:
    """A container without probes of its own gets the operator's: they ask Ray's dashboard."""
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    started = container["args"][0]

    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = ports[container[probe]["tcpSocket"]["port"]]
        assert (asked == FOREMAN_PORT and "deid-node foreman" in started) or (
            f"--node-manager-port={asked}" in started
        )


def test_machines_call_the_pod_of_the_head_itself() -> None:
    """By an address that its certificate names: the service has none of its own."""
    head = CLUSTER["headGroupSpec"]
    assert head["serviceType"] == "ClusterIP"
    assert head["headService"]["spec"] == {"clusterIP": "None", "publishNotReadyAddresses": True}

    name = f"{BY_KIND['RayCluster']['metadata']['name']}-head-svc.deid-cluster.svc.cluster.local"
    (machine,) = PODS["models"]["containers"]
    assert f"--address={name}:6379" in machine["args"][0]
    for pod in PODS.values():
        environment = {one["name"]: one.get("value") for one in pod["initContainers"][0]["env"]}
        assert environment["SERVICE"] == name


def test_what_the_head_says_of_its_ports_goes_with_what_the_operator_adds() -> None:
    """It adds the ports of Ray by their names: a second name for one port is no service."""
    (head,) = PODS["head"]["containers"]

    assert {port["name"]: port["containerPort"] for port in head["ports"]} == {
        "foreman": FOREMAN_PORT, "gcs-server": 6379,
    }  # fmt: skip


def test_there_is_no_dashboard() -> None:
    (head,) = PODS["head"]["containers"]

    annotations = BY_KIND["RayCluster"]["metadata"]["annotations"]
    assert annotations["ray.io/overwrite-container-cmd"] == "true"
    assert CLUSTER["headGroupSpec"]["rayStartParams"]["include-dashboard"] == "false"
    assert "--include-dashboard=false" in head["args"][0]


def test_nothing_leads_out_of_the_cluster_but_names() -> None:
    policy = BY_KIND["NetworkPolicy"]["spec"]

    assert policy["podSelector"] == {}
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    among, names = policy["egress"]
    assert among == {"to": [{"podSelector": {}}]}
    assert {port["port"] for port in names["ports"]} == {53}


def test_the_first_step_makes_a_certificate_that_lines_can_use(tmp_path: Path) -> None:
    authority, token, own = (tmp_path / name for name in ("authority", "token", "certificate"))
    for folder in (token, own):
        folder.mkdir()
    made = Authority(authority, "ca")
    (authority / "ca.key").write_bytes(made.key_pem())
    (token / "token").write_text("0123\n")
    program = BY_KIND["ConfigMap"]["data"]["make.py"]
    for name in ("authority", "certificate", "token"):
        program = program.replace(f'"/{name}', f'"{tmp_path}/{name}')

    subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "POD_IP": "10.1.2.3", "SERVICE": "head.example"},
        check=True,
    )

    shown = x509.load_pem_x509_certificate((own / "machine.crt").read_bytes())
    signed_by = shown.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert signed_by.key_identifier is not None
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in names] == ["10.1.2.3", "models.deid-cluster", "head.example"]
    assert stat.S_IMODE((own / "machine.key").stat().st_mode) == 0o600
    assert (own / "token").read_text() == "0123"
    called_context(
        LineTlsOptions(
            certificate_file=own / "machine.crt",
            key_file=own / "machine.key",
            ca_file=own / "ca.crt",
        ),
        "tls",
    )
