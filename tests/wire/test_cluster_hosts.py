"""The examples of a cluster, run as they stand: on hosts of their own, confined as containers are.

What docker and Kubernetes would do is done by hand (`tests/fakes/hosts.py`); commands,
environment, addresses and what may be written are read from the files of the examples.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deid_node.lines.options import LineTlsOptions
from deid_node.metadata.apply.keys import new_key_file
from deid_node.work.workers.options import RayOptions
from tests.fakes.certificates import Authority
from tests.fakes.hosts import ROOT, USER, Host, Step, hosts
from tests.fakes.waiting import eventually
from tests.wire.test_ray_cluster import inputs

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray"), pytest.mark.timeout(600)]

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker/compose.cluster.yaml").read_text())
MANIFEST: Final = {
    part["kind"]: part for part in yaml.safe_load_all((ROOT / "docker/kuberay.yaml").read_text())
}
FOREMAN_PORT: Final = RayOptions.model_fields["port"].default
NODE: Final = "10.77.0.9"
PATIENCE_SECONDS: Final = 240


@dataclass(frozen=True)
class Secrets:
    """An authority, and what each member of a cluster is given."""

    folder: Path
    authority: Authority
    token: str

    def of(self, address: str, authority: Authority | None = None) -> Path:
        """Return the folder of a member's secrets, as compose shows them."""
        folder = self.folder / f"{address}-{secrets.token_hex(2)}"
        folder.mkdir()
        made = (authority or self.authority).issue(folder.name, host=address)
        shown(folder / "cluster_machine.crt", made.certificate.read_bytes())
        shown(folder / "cluster_machine.key", made.key.read_bytes())
        shown(folder / "cluster_ca.crt", self.authority.file.read_bytes())
        shown(folder / "cluster_token", self.token.encode())
        return folder


def shown(path: Path, content: bytes, mode: int = 0o400) -> None:
    """Write a file that the user of the images may read."""
    path.write_bytes(content)
    os.chown(path, USER, USER)
    path.chmod(mode)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    if find_spec("ray") is None:
        assert "CI" not in os.environ, "ray is missing"
        pytest.skip("ray is not installed; it comes with the extra deid-node[ray]")
    folder = tmp_path_factory.mktemp("secrets")
    return Secrets(folder, Authority(folder / "ca", "ca"), secrets.token_hex(32))


@contextmanager
def running(
    host: Host, *steps: Step, log: Path, names: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `steps` on `host` for the length of a block."""
    with log.open("ab") as file:
        process = host.start(*steps, names=names or {}, log=file)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ports(host: Host) -> set[int]:
    """Return the ports on which somebody listens there."""
    lines = host.run("ss", "-H", "-l", "-t", "-n").stdout.decode().splitlines()
    return {int(line.split()[3].rpartition(":")[2]) for line in lines}


def listens(host: Host, port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until somebody listens on `port` of `host`."""
    eventually(
        lambda: port in ports(host) or process.poll() is not None,
        what=f"{port} is open",
        patience_seconds=PATIENCE_SECONDS,
    )
    assert process.poll() is None, log.read_text()


class Node:
    """Cleans files by the models of a cluster, on a host of its own."""

    def __init__(self, host: Host, folder: Path, tls: LineTlsOptions, foreman: str) -> None:
        folder.mkdir()
        self.out = folder / "out"
        self._source = inputs(folder / "in")
        new_key_file(folder / "key")
        engine = RayOptions(host=foreman, tls=tls, placement_seconds=20)
        config = folder / "config.yaml"
        config.write_text(
            yaml.safe_dump(
                {
                    "metadata": {"pseudonym_key_file": str(folder / "key")},
                    "work": {"engine": engine.model_dump(mode="json")},
                    "pixels": {"finder": {"device": "cpu"}},
                }
            )
        )
        self.process = subprocess.Popen(
            [
                "ip", "netns", "exec", host.name, sys.executable, "-m", "deid_node", "clean",
                str(self._source), str(self.out), "--config", str(config),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def ends(self) -> tuple[int, str]:
        """Wait for its end; return its exit status and what it said."""
        said, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, said.decode()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class Composed:
    """The example for one host with docker: its head and foreman run, its machine does not yet."""

    def __init__(self, known: Secrets, made: list[Host], folder: Path) -> None:
        self.known = known
        self.head, self.machine, self.node = made
        self.folder = folder
        self.log = folder / "log"

    def service(self, name: str, own: Path, **environment: str) -> Step:
        """Return how docker would run a service of the example."""
        told = COMPOSE["services"][name]
        return Step(
            command=[*told["entrypoint"], *told["command"]],
            environment={**told["environment"], **environment},
            mounts=dict(one.split(":", 1) for one in told["tmpfs"]),
            files={"/run/secrets": own},
        )

    def ask(self, folder: Path) -> Node:
        """Let a node ask for models."""
        own = self.known.of(NODE)
        return Node(self.node, folder, tls(own), self.head.address)

    def status(self) -> str:
        """Return what Ray says of the cluster to those who run it."""
        own = self.known.of(self.head.address)
        environment = {
            # In this order: our own folders may lie below /tmp.
            name: value.replace("/tmp", str(self.folder)).replace("/run/secrets", str(own))  # noqa: S108
            for name, value in COMPOSE["services"]["head"]["environment"].items()
        }
        asked = self.head.run(
            "env", *(f"{name}={value}" for name, value in environment.items()),
            sys.executable, "-m", "ray.scripts.scripts", "status",
            "--address", f"{self.head.address}:6379",
        )  # fmt: skip
        assert asked.returncode == 0, asked.stderr.decode()
        return asked.stdout.decode()


def tls(own: Path) -> LineTlsOptions:
    return LineTlsOptions(
        certificate_file=own / "cluster_machine.crt",
        key_file=own / "cluster_machine.key",
        ca_file=own / "cluster_ca.crt",
    )


def address(service: str) -> str:
    return str(COMPOSE["services"][service]["networks"]["cluster"]["ipv4_address"])


@pytest.fixture(scope="module")
def composed(known: Secrets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("composed")
    with hosts(address("head"), address("machine"), NODE) as made:
        built = Composed(known, made, folder)
        own = known.of(built.head.address)
        with running(built.head, built.service("head", own), log=built.log) as head:
            listens(built.head, FOREMAN_PORT, head, built.log)
            yield built


def test_the_head_says_nothing_against_itself_and_opens_what_it_must(composed: Composed) -> None:
    assert "no node may work" not in composed.log.read_text()
    opened = ports(composed.head)
    assert {6379, FOREMAN_PORT} <= opened
    # The dashboard, and the door of Ray's own client.
    assert not {8265, 10001} & opened


def is_turned_away(machine: "subprocess.Popen[bytes]", log: Path) -> bool:
    """Return whether it has ended without success, or says that it cannot get in."""
    return machine.poll() not in {None, 0} or "Failed to connect to GCS" in log.read_text()


def test_machines_that_lack_a_protection_of_the_head_do_not_get_in(
    composed: Composed, tmp_path: Path
) -> None:
    """Some of them end, others try for ever: each has been turned away when it is looked at."""
    known, host = composed.known, composed.machine
    strange = Authority(tmp_path / "strange")
    lacking = {
        "encryption": composed.service("machine", known.of(host.address), RAY_USE_TLS="0"),
        "token": composed.service("machine", known.of(host.address), RAY_AUTH_MODE="disabled"),
        "our certificate": composed.service("machine", known.of(host.address, strange)),
    }
    with ExitStack() as machines:
        started = [
            (name, machines.enter_context(running(host, step, log=tmp_path / name)))
            for name, step in lacking.items()
        ]
        for name, process in started:
            log = tmp_path / name
            eventually(
                partial(is_turned_away, process, log),
                what=f"the machine without {name} is turned away",
                patience_seconds=PATIENCE_SECONDS,
            )
            assert "Ray runtime started" not in log.read_text(), name
        assert composed.status().count("node_") == 1


def test_what_waits_for_room_is_what_rays_autoscaler_counts(
    composed: Composed, tmp_path: Path
) -> None:
    """The head does no work itself, and there is no machine yet."""
    node = composed.ask(tmp_path / "node")
    try:
        eventually(
            lambda: "{'CPU': 1.0}: 1+ pending tasks/actors" in composed.status(),
            what="Ray knows of a demand",
            patience_seconds=PATIENCE_SECONDS,
        )
    finally:
        node.close()


def test_a_machine_that_may_report_its_use_holds_no_models(
    composed: Composed, tmp_path: Path
) -> None:
    own = composed.known.of(composed.machine.address)
    machine = composed.service(
        "machine", own, RAY_USAGE_STATS_ENABLED="1", RAY_USAGE_STATS_REPORT_URL="http://127.0.0.1:9"
    )

    with running(composed.machine, machine, log=tmp_path / "log"):
        node = composed.ask(tmp_path / "node")
        status, said = node.ends()

    assert status == 2
    assert "the cluster may report its use to others: RAY_USAGE_STATS_ENABLED is not 0" in said
    assert not list(node.out.rglob("*.dcm"))


def test_the_example_for_compose_cleans(composed: Composed, tmp_path: Path) -> None:
    log = tmp_path / "log"
    own = composed.known.of(composed.machine.address)

    with running(composed.machine, composed.service("machine", own), log=log):
        node = composed.ask(tmp_path / "node")
        status, said = node.ends()

    assert (status, len(list(node.out.rglob("*.dcm")))) == (3, 3), said + log.read_text()


class Pod:
    """A pod of the manifest as the operator and a kubelet would start it."""

    NAME = "deid-head-svc.deid-cluster.svc.cluster.local"

    def __init__(self, spec: Mapping[str, Any], own: str, shown: Mapping[str, Path]) -> None:
        self._spec = spec
        self._address = own
        self._shown = shown
        (self.container,) = spec["containers"]

    def steps(self, *, waits: bool) -> list[Step]:
        """Return what runs in it, in order; the operator lets machines wait for their head."""
        container = self._step(self.container, self._operators(head=not waits))
        health = f"until ray health-check --address {self.NAME}:6379; do sleep 1; done"
        wait = replace(container, command=["/bin/bash", "-c", "--", health])
        return [
            *(self._step(one, {}) for one in self._spec["initContainers"]),
            *([wait] if waits else []),
            container,
        ]

    def _step(self, container: Mapping[str, Any], more: Mapping[str, str]) -> Step:
        volumes = {volume["name"]: volume for volume in self._spec["volumes"]}
        mounts, files = {}, {}
        for mount in container["volumeMounts"]:
            volume = volumes[mount["name"]]
            if "emptyDir" in volume:
                size = volume["emptyDir"]["sizeLimit"].removesuffix("i").lower()
                mounts[mount["mountPath"]] = f"size={size}"
            else:
                files[mount["mountPath"]] = self._shown[mount["name"]]
        said = {one["name"]: one.get("value", self._address) for one in container["env"]}
        command = [*container["command"], *container.get("args", [])]
        return Step(command, {**more, **said}, mounts, files)

    def _operators(self, *, head: bool) -> dict[str, str]:
        """Return the variables that the operator adds where the container has none of the name."""
        called = "127.0.0.1" if head else self.NAME
        return {
            "RAY_PORT": "6379",
            "RAY_ADDRESS": f"{called}:6379",
            "RAY_IP": called,
            "FQ_RAY_IP": called,
            "RAY_CLUSTER_NAME": "deid",
            "RAY_CLUSTER_NAMESPACE": "deid-cluster",
            "RAY_CLOUD_INSTANCE_ID": "deid-pod",
            "RAY_NODE_TYPE_NAME": "headgroup" if head else "models",
            "RAY_USAGE_STATS_KUBERAY_IN_USE": "1",
            "RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE": "1",
        }


def test_the_example_for_kubernetes_cleans(known: Secrets, tmp_path: Path) -> None:
    volumes = {name: tmp_path / name for name in ("make", "authority", "token")}
    for folder in volumes.values():
        folder.mkdir()
    program = MANIFEST["ConfigMap"]["data"]["make.py"].encode()
    shown(volumes["make"] / "make.py", program, 0o444)
    shown(volumes["authority"] / "ca.key", known.authority.key_pem(), 0o440)
    shown(volumes["authority"] / "ca.crt", known.authority.file.read_bytes(), 0o440)
    shown(volumes["token"] / "token", f"{known.token}\n".encode(), 0o440)
    cluster = MANIFEST["RayCluster"]["spec"]
    groups = (cluster["headGroupSpec"], cluster["workerGroupSpecs"][0])
    log = tmp_path / "log"

    with hosts("10.77.0.2", "10.77.0.3", NODE) as made, ExitStack() as pods:
        names = {Pod.NAME: made[0].address}
        for host, group in zip(made, groups, strict=False):
            pod = Pod(group["template"]["spec"], host.address, volumes)
            steps = pod.steps(waits=host is not made[0])
            process = pods.enter_context(running(host, *steps, log=log, names=names))
            opened = {one["name"]: one["containerPort"] for one in pod.container["ports"]}
            asked = pod.container["readinessProbe"]["tcpSocket"]["port"]
            listens(host, opened[asked], process, log)
        own = replace_name(tls(known.of(NODE)), "models.deid-cluster")
        node = Node(made[2], tmp_path / "node", own, made[0].address)
        status, said = node.ends()

    assert (status, len(list(node.out.rglob("*.dcm")))) == (3, 3), said + log.read_text()


def replace_name(options: LineTlsOptions, name: str) -> LineTlsOptions:
    return options.model_copy(update={"server_name": name})
