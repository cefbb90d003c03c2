"""A node that speaks TLS on both sides, among DCMTK and Orthanc as they are shipped."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.server import RunningNode
from deid_node.values.state import InstanceState
from tests.fakes import dcmtk
from tests.fakes.certificates import Authority, Identity
from tests.fakes.orthanc import Archive, orthanc
from tests.fakes.waiting import eventually, free_port
from tests.wire.nodes import AE_TITLE, NodeFolder, cstore, node_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("tls"),
    pytest.mark.peer("storescu", "storescp", "echoscu", "Orthanc"),
]


@dataclass(frozen=True)
class Bench:
    """A node in TLS before a DCMTK archive and an Orthanc in TLS."""

    folder: NodeFolder
    node: RunningNode
    orthanc: Archive
    storescp: Path
    authority: Authority

    def call(
        self, program: str, identity: Identity | None, *more: str | Path, ca: Path | None = None
    ) -> int:
        """Call the node with a program of DCMTK and return its exit status."""
        secret: list[str | Path] = (
            ["+tls", identity.key, identity.certificate, "+cf", ca or self.authority.file]
            if identity
            else []
        )
        done = dcmtk.run(
            program, *secret, "-aec", AE_TITLE, "127.0.0.1", str(self.node.port), *more
        )
        return done.returncode

    def metric(self, name: str) -> float:
        """Return a sample of the node's metrics."""
        for line in self.node.metrics().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"{name} is not told")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Run both archives and the node; each shows a certificate and wants to see one."""
    root = tmp_path_factory.mktemp("tls")
    authority = Authority(root / "authority")
    archive, door, ours = (
        authority.issue(name, kind="rsa") for name in ("archive", "door", "sender")
    )
    ca = str(authority.file)
    port = free_port()
    rule = {
        "name": "everything",
        "when": {"kind": "always"},
        "then": {"kind": "forward", "treatment": "research", "destinations": ["dcmtk", "orthanc"]},
    }
    secured = {"tls": {"ca_file": ca, **ours.files}}
    options = ["+xa", "+tls", str(archive.key), str(archive.certificate), "+cf", ca]
    secrets = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(archive.certificate),
        "DicomTlsPrivateKey": str(archive.key),
        "DicomTlsTrustedCertificates": ca,
    }
    with (
        orthanc(root / "orthanc", settings=secrets) as research,
        dcmtk.storescp(root / "storescp", port, options=options),
    ):
        folder = node_folder(
            root / "node",
            receive={"tls": {"ca_file": ca, **door.files}},
            route={"rules": [rule]},
            forward={
                "destinations": {
                    "dcmtk": cstore(port, **secured),
                    "orthanc": cstore(research.port, **secured),
                }
            },
        )
        with folder.running() as node:
            yield Bench(folder, node, research, root / "storescp", authority)
            assert node.stop() == 0


@pytest.fixture(scope="module")
def scanner(bench: Bench) -> Identity:
    return bench.authority.issue("scanner", kind="rsa")


@pytest.mark.req("REQ-NW-01")
def test_what_storescu_sends_in_tls_arrives_in_both_archives_in_tls(
    bench: Bench, scanner: Identity, tmp_path: Path
) -> None:
    dataset = dcmread(shipped("CT_small.dcm"))
    give_uid(dataset, "2.25.20260301")
    path = tmp_path / "one.dcm"
    dataset.save_as(path, enforce_file_format=True)

    assert bench.call("echoscu", scanner) == 0
    assert bench.call("storescu", scanner, path) == 0

    bench.folder.wait_until_ended(1)
    assert {one.state for one in bench.folder.journeys()} == {InstanceState.DELIVERED}
    assert len(list(bench.storescp.iterdir())) == len(bench.orthanc.instances()) == 1


@pytest.mark.req("REQ-NW-02")
def test_a_scanner_of_another_authority_is_turned_away(bench: Bench, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "other").issue("stranger", kind="rsa")
    refused = 'deid_node_refusals_total{code="tls_untrusted",door="dimse"}'
    before = bench.metric(refused)

    assert bench.call("echoscu", stranger) != 0

    eventually(lambda: bench.metric(refused) == before + 1, what="the refusal is counted")


@pytest.mark.req("REQ-NW-02")
def test_a_scanner_whose_certificate_has_expired_is_turned_away(bench: Bench) -> None:
    expired = bench.authority.issue("expired", kind="rsa", days=-1)
    refused = 'deid_node_refusals_total{code="tls_expired",door="dimse"}'

    assert bench.call("echoscu", expired) != 0

    eventually(lambda: bench.metric(refused) == 1, what="the refusal is counted")


def test_a_scanner_that_trusts_another_authority_does_not_send(
    bench: Bench, scanner: Identity, tmp_path: Path
) -> None:
    assert bench.call("echoscu", scanner, ca=Authority(tmp_path / "other").file) != 0


@pytest.mark.req("REQ-NW-05")
def test_a_plain_scanner_is_turned_away_and_the_next_is_served(
    bench: Bench, scanner: Identity
) -> None:
    refused = 'deid_node_refusals_total{code="tls_not_spoken",door="dimse"}'
    before = bench.metric(refused)

    assert bench.call("echoscu", None) != 0

    eventually(lambda: bench.metric(refused) == before + 1, what="the refusal is counted")
    assert bench.call("echoscu", scanner) == 0


@pytest.mark.req("REQ-OB-06")
def test_the_time_that_certificates_have_left_is_a_metric(bench: Bench) -> None:
    for part in ("receive", "forward_dcmtk", "forward_orthanc"):
        for setting, days in (("certificate_file", 90), ("ca_file", 365)):
            name = f'deid_node_certificate_remaining_seconds{{part="{part}",setting="{setting}"}}'
            assert days - 1 < bench.metric(name) / 86400 < days


@pytest.mark.req("REQ-NW-03")
@pytest.mark.parametrize(
    ("archive_days", "foreign", "host", "reason"),
    [
        (90, True, "127.0.0.1", "no trusted authority"),
        (-1, False, "127.0.0.1", "not valid today"),
        (90, False, "localhost", "for another host"),
    ],
    ids=["of another authority", "expired", "of another host"],
)
def test_nothing_goes_to_an_archive_that_cannot_prove_itself(
    tmp_path: Path, archive_days: int, foreign: bool, host: str, reason: str
) -> None:
    """The instance stays in custody, and the log says why."""
    from deid_node.demo.scanner import send

    ours = Authority(tmp_path / "ours")
    issuer = Authority(tmp_path / "other") if foreign else ours
    archive = issuer.issue("archive", kind="rsa", days=archive_days)
    port = free_port()
    options = ["+xa", "+tls", str(archive.key), str(archive.certificate), "-ic"]
    with dcmtk.storescp(tmp_path / "storescp", port, options=options):
        folder = node_folder(
            tmp_path / "node",
            destination={**cstore(port, tls={"ca_file": str(ours.file)}), "host": host},
        )
        with folder.running() as node:
            send([shipped("CT_small.dcm")], port=node.port, called=AE_TITLE)

            (said, *_) = eventually(
                lambda: folder.events("destination_unreachable"), what="it is told"
            )
            states = {one.state for one in folder.journeys()}
            assert node.stop() == 0

    assert reason in said["reason"]
    assert states == {InstanceState.CLEAN}
    assert list((tmp_path / "storescp").iterdir()) == []


def test_an_archive_that_does_not_speak_tls_gets_nothing(tmp_path: Path) -> None:
    from deid_node.demo.scanner import send

    port = free_port()
    with dcmtk.storescp(tmp_path / "storescp", port):
        folder = node_folder(
            tmp_path / "node",
            destination=cstore(port, tls={"ca_file": str(Authority(tmp_path / "ours").file)}),
        )
        with folder.running() as node:
            send([shipped("CT_small.dcm")], port=node.port, called=AE_TITLE)
            (said, *_) = eventually(
                lambda: folder.events("destination_unreachable"), what="it is told"
            )
            assert node.stop() == 0

    assert said["reason"].startswith("TLS: ")
    assert list((tmp_path / "storescp").iterdir()) == []
