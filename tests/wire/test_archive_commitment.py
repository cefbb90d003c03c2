"""Storage commitment by Orthanc: the instance is delivered when Orthanc has said so."""

from pathlib import Path

import pytest
from pydicom import dcmread

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.server import running_node
from tests.fakes.commitment_user import Reports, calling
from tests.fakes.orthanc import orthanc
from tests.fakes.waiting import eventually, free_port
from tests.wire.nodes import AE_TITLE, cstore, node_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.peer("Orthanc"),
    pytest.mark.xdist_group("commitment"),
    # The library's client leaves the socket of a killed node to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def send(port: int, uids: list[str]) -> None:
    association = calling(port, Reports())
    for uid in uids:
        dataset = dcmread(shipped("CT_small.dcm"))
        give_uid(dataset, uid)
        assert association.send_c_store(dataset).Status == 0
    association.release()


@pytest.mark.req("REQ-FW-08")
def test_an_instance_is_delivered_when_orthanc_commits_to_it(tmp_path: Path) -> None:
    with orthanc(tmp_path / "orthanc") as archive:
        port = free_port()
        archive.put(
            "/modalities/node",
            {"AET": AE_TITLE, "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True},
        )
        folder = node_folder(
            tmp_path / "node",
            receive={"port": port, "peers": [{"name": "ct", "ae_title": "SCANNER"}]},
            destination=cstore(archive.port, commitment="required"),
        )
        with folder.running() as node:
            send(node.port, ["2.25.2001", "2.25.2002", "2.25.2003"])
            journeys = folder.wait_until_ended(3)
            assert node.stop() == 0

    assert {journey.state for journey in journeys} == {"delivered"}
    assert len(folder.events("instance_sent")) == 3
    assert sum(event["count"] for event in folder.events("inquiry_answered")) == 3


@pytest.mark.req("REQ-FW-09")
def test_what_orthanc_has_lost_is_sent_to_it_again(tmp_path: Path) -> None:
    """Orthanc is told to forget the instance between its Success and the question."""
    with orthanc(tmp_path / "orthanc") as archive:
        port = free_port()
        archive.put(
            "/modalities/node",
            {"AET": AE_TITLE, "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True},
        )
        folder = node_folder(
            tmp_path / "node",
            receive={"port": port},
            destination=cstore(archive.port, commitment="required"),
        )
        with folder.running() as node:
            send(node.port, ["2.25.2010"])
            (identifier,) = eventually(archive.instances, what="it arrives")
            archive.delete(f"/instances/{identifier}")
            journeys = folder.wait_until_ended(1)
            held = archive.instances()
            assert node.stop() == 0

    assert [journey.state for journey in journeys] == ["delivered"]
    assert len(held) == 1
    assert len(folder.events("instance_sent")) == 2
    assert [event["failed"] for event in folder.events("inquiry_answered")] == [1, 0]


@pytest.mark.req("REQ-FW-08")
def test_what_orthanc_says_to_a_node_that_was_killed_is_heard_by_the_next(tmp_path: Path) -> None:
    """Whether its report comes before or after the kill: the next node hears it, or asks again."""
    with orthanc(tmp_path / "orthanc") as archive:
        port = free_port()
        archive.put(
            "/modalities/node",
            {"AET": AE_TITLE, "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True},
        )
        folder = node_folder(
            tmp_path / "node",
            receive={"port": port},
            destination=cstore(archive.port, commitment="required", commitment_seconds=5),
        )
        with running_node(folder.config, folder.log) as node:
            send(node.port, ["2.25.2020"])
            eventually(lambda: folder.events("inquiry_sent"), what="it is asked")
            node.process.kill()
            node.process.wait()
        with folder.running() as node:
            journeys = folder.wait_until_ended(1)
            assert node.stop() == 0

    assert [journey.state for journey in journeys] == ["delivered"]
