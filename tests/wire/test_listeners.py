"""One node on a plain port and one in TLS: DCMTK sends to both, and each keeps its own door."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.server import RunningNode
from deid_node.values.state import InstanceState
from tests.fakes import dcmtk
from tests.fakes.certificates import Authority, Identity
from tests.fakes.waiting import eventually
from tests.wire.nodes import NodeFolder, node_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("listeners"),
    pytest.mark.peer("storescu", "echoscu"),
]


@dataclass(frozen=True)
class Bench:
    """A node with two ports; what comes in by the one in TLS is withheld by a rule."""

    folder: NodeFolder
    node: RunningNode
    ports: dict[str, int]
    secured: Identity
    authority: Authority

    def call(self, program: str, where: str, *more: str | Path, called: str, calling: str) -> int:
        secret: Sequence[str | Path] = ()
        if where == "tls":
            own = self.secured
            secret = ("+tls", own.key, own.certificate, "+cf", self.authority.file)
        return dcmtk.run(
            program, *secret, "-aet", calling, "-aec", called,
            "127.0.0.1", str(self.ports[where]), *more,
        ).returncode  # fmt: skip

    def open_associations(self) -> dict[str, float]:
        found = {}
        for line in self.node.metrics().decode().splitlines():
            if line.startswith("deid_node_open_associations{"):
                found[line.split('"')[1]] = float(line.rpartition(" ")[2])
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("listeners")
    authority = Authority(root / "authority")
    door = authority.issue("door", kind="rsa")
    partner = authority.issue("partner", host="partner.example", kind="rsa")
    when = {"kind": "equals", "attribute": "listener", "value": "tls"}
    forward = {"kind": "forward", "treatment": "research", "destinations": ["archive"]}
    rules: list[dict[str, Any]] = [
        {"name": "from-outside", "when": when, "then": {"kind": "withhold"}},
        {"name": "everything", "when": {"kind": "always"}, "then": forward},
    ]
    folder = node_folder(root / "node", route={"rules": rules})
    content = json.loads(folder.config.read_text())
    receive = {
        "host": "127.0.0.1",
        "peers": [{"name": "ct1", "ae_title": "CT1"}],
        "max_refusals_per_minute": 20,
        "listeners": [
            {"name": "plain", "port": 0},
            {
                "name": "tls", "port": 0, "ae_title": "TRIALS", "max_associations": 4,
                "tls": {"ca_file": str(authority.file), **door.files},
                "peers": [
                    {
                        "name": "partner", "ae_title": "PARTNER",
                        "certificate_name": "partner.example",
                    }
                ],
            },
        ],
    }  # fmt: skip
    content["receive"] = receive
    folder.config.write_text(json.dumps(content))
    with folder.running() as node:
        ports = {one["listener"]: one["port"] for one in folder.events("listener_ready")}
        yield Bench(folder, node, ports, partner, authority)
        assert node.stop() == 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    dataset = dcmread(shipped("CT_small.dcm"))
    give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[str(tmp_path)]))
    dataset.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    return tmp_path / "one.dcm"


def test_both_ports_fill_one_spool_and_rules_know_by_which_it_came(
    bench: Bench, file: Path, tmp_path: Path
) -> None:
    other = dcmread(file)
    give_uid(other, generate_uid(prefix=None))
    other.save_as(tmp_path / "two.dcm", enforce_file_format=True)

    assert bench.call("storescu", "plain", file, called="DEIDNODE", calling="CT1") == 0
    assert (
        bench.call("storescu", "tls", tmp_path / "two.dcm", called="TRIALS", calling="PARTNER") == 0
    )

    journeys = bench.folder.wait_until_ended(2)
    assert {(one.state, one.rule) for one in journeys} == {
        (InstanceState.DELIVERED, "everything"),
        (InstanceState.WITHHELD, "from-outside"),
    }
    accepted = bench.folder.events("association_accepted")
    assert {(one["peer"], one["listener"]) for one in accepted} >= {
        ("ct1", "plain"),
        ("partner", "tls"),
    }


@pytest.mark.parametrize(
    ("where", "called", "calling", "is_let_in"),
    [
        ("plain", "DEIDNODE", "CT1", True),
        ("tls", "TRIALS", "PARTNER", True),
        ("plain", "TRIALS", "CT1", False),
        ("tls", "DEIDNODE", "PARTNER", False),
        ("plain", "DEIDNODE", "PARTNER", False),
        ("tls", "TRIALS", "CT1", False),
    ],
)
def test_each_port_has_its_own_title_and_peers(
    bench: Bench, where: str, called: str, calling: str, is_let_in: bool
) -> None:
    answered = bench.call("echoscu", where, called=called, calling=calling) == 0

    assert answered is is_let_in


def test_who_is_shut_out_at_one_port_is_heard_at_the_other(bench: Bench) -> None:
    for _ in range(20):
        assert bench.call("echoscu", "plain", called="NOBODY", calling="CT1") != 0

    assert bench.call("echoscu", "plain", called="DEIDNODE", calling="CT1") != 0
    assert bench.call("echoscu", "tls", called="TRIALS", calling="PARTNER") == 0


def test_metrics_and_health_tell_of_each_port(bench: Bench) -> None:
    eventually(lambda: bench.open_associations() == {"plain": 0, "tls": 0}, what="nobody is served")
    address = f"http://127.0.0.1:{bench.node.http_port}/health/ready"
    with urlopen(address, timeout=60) as answer:
        parts = json.loads(answer.read())["parts"]

    assert {parts["receive_plain"], parts["receive_tls"]} == {"ok"}


def test_check_tells_of_each_port(bench: Bench) -> None:
    done = bench.folder.command("check", "--config", bench.folder.config)

    assert done.returncode == 0
    assert "listens on 127.0.0.1:0 (plain): plain, as DEIDNODE, for 1 peers, 32" in done.stdout
    assert "listens on 127.0.0.1:0 (tls): TLS, as TRIALS, for 1 peers, 4 associ" in done.stdout
