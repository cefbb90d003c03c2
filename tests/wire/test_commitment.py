"""Storage commitment with Orthanc as the one who asks, and over the death of the node."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.server import RunningNode, running_node
from tests.fakes.commitment_user import CT, Reports, ask, calling, waiting_user
from tests.fakes.orthanc import Archive, orthanc
from tests.fakes.waiting import eventually, free_port
from tests.wire.nodes import AE_TITLE, NodeFolder, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("commitment")]


@dataclass(frozen=True)
class Bench:
    """A node, and an Orthanc in the place of the clinical PACS."""

    folder: NodeFolder
    node: RunningNode
    pacs: Archive


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("commitment")
    with orthanc(root / "orthanc") as pacs:
        peer = {
            "name": "pacs",
            "ae_title": "RESEARCH",
            "report_to": {"host": "127.0.0.1", "port": pacs.port},
        }
        folder = node_folder(root / "node", receive={"peers": [peer]})
        with folder.running() as node:
            pacs.put(
                "/modalities/node",
                {
                    "AET": AE_TITLE,
                    "Host": "127.0.0.1",
                    "Port": node.port,
                    "AllowStorageCommitment": True,
                },
            )
            yield Bench(folder, node, pacs)
            assert node.stop() == 0


def instance_of(bench: Bench, path: Path, uid: str) -> str:
    """Give Orthanc an instance and return Orthanc's id of it."""
    dataset = dcmread(shipped("CT_small.dcm"))
    give_uid(dataset, uid)
    dataset.save_as(path, enforce_file_format=True)
    return str(bench.pacs.post("/instances", path.read_bytes())["ID"])


@pytest.mark.req("REQ-RX-14")
@pytest.mark.peer("Orthanc")
def test_orthanc_hears_that_the_node_has_what_it_sent(bench: Bench, tmp_path: Path) -> None:
    identifier = instance_of(bench, tmp_path / "sent.dcm", "2.25.1001")
    bench.pacs.post("/modalities/node/store", {"Resources": [identifier]})

    asked = bench.pacs.post("/modalities/node/storage-commitment", {"Resources": [identifier]})
    report = eventually(
        lambda: _settled(bench, asked["ID"]), what="Orthanc has heard", patience_seconds=60
    )

    assert report["Status"] == "Success"
    assert [one["SOPInstanceUID"] for one in report["Success"]] == ["2.25.1001"]


@pytest.mark.req("REQ-RX-15")
@pytest.mark.peer("Orthanc")
def test_orthanc_hears_that_the_node_lacks_what_it_did_not_send(
    bench: Bench, tmp_path: Path
) -> None:
    identifier = instance_of(bench, tmp_path / "kept.dcm", "2.25.1002")

    asked = bench.pacs.post("/modalities/node/storage-commitment", {"Resources": [identifier]})
    report = eventually(
        lambda: _settled(bench, asked["ID"]), what="Orthanc has heard", patience_seconds=60
    )

    assert report["Status"] == "Failure"
    (failure,) = report["Failures"]
    assert failure["SOPInstanceUID"] == "2.25.1002"
    # How Orthanc spells 0112 (PS3.3 C.14.1.1).
    assert failure["Description"].endswith("was not available")


def _settled(bench: Bench, identifier: str) -> dict[str, Any]:
    report = bench.pacs.get(f"/storage-commitment/{identifier.rpartition('/')[2]}")
    return {} if report["Status"] == "Pending" else report


# The library's client leaves the socket of a killed node to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.req("REQ-RX-16")
def test_what_a_killed_node_was_asked_is_answered_by_the_next(tmp_path: Path) -> None:
    """The kill comes right behind the Success of N-ACTION: the earliest moment that counts."""
    port = free_port()
    peer = {
        "name": "ct",
        "ae_title": "SCANNER",
        "report_to": {"host": "127.0.0.1", "port": port},
    }
    folder = node_folder(tmp_path / "node", receive={"peers": [peer]})
    dataset = dcmread(shipped("CT_small.dcm"))
    with running_node(folder.config, folder.log) as node:
        association = calling(node.port, Reports())
        assert association.send_c_store(dataset).Status == 0
        status = ask(association, [(CT, dataset.SOPInstanceUID), (CT, "2.25.404")])
        node.process.kill()
        node.process.wait()
        association.abort()
        association.join(30)
        del association
        gc.collect()
    assert status == 0

    reports = Reports()
    with waiting_user(reports, port=port), folder.running() as node:
        eventually(lambda: reports.heard, what="the report", patience_seconds=60)
        assert node.stop() == 0

    assert reports.confirmed() == [dataset.SOPInstanceUID]
    assert reports.failed() == {"2.25.404": 0x0112}
