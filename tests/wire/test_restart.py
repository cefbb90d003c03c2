"""SIGTERM in the middle of work: the node ends in order, and the next one goes on."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.scanner import Sent, send
from deid_node.values.state import InstanceState
from tests.fakes.waiting import eventually
from tests.wire.nodes import AE_TITLE, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("restart")]

COUNT = 40


@pytest.fixture
def files(tmp_path: Path) -> Sequence[Path]:
    """Return a small study whose slices each take a moment to clean."""
    paths = []
    for number in range(COUNT):
        dataset = dcmread(shipped("examples_overlay.dcm"))
        give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[str(tmp_path), str(number)]))
        paths.append(tmp_path / f"{number:02}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


def test_nothing_acknowledged_is_lost_when_the_node_stops_while_it_is_busy(
    root: Path, files: Sequence[Path]
) -> None:
    folder = node_folder(root)
    answers: list[Sent] = []

    with folder.running() as node:
        sender = threading.Thread(
            target=lambda: answers.extend(send(files, port=node.port, called=AE_TITLE))
        )
        sender.start()
        eventually(lambda: len(folder.events("instance_received")) > COUNT // 4, what="it is busy")
        assert node.stop() == 0
        sender.join()
    acknowledged = [answer.path for answer in answers if answer.status == 0x0000]
    left = [one for one in folder.journeys() if one.state == InstanceState.RECEIVED]
    with folder.running() as node:
        again = send(files, port=node.port, called=AE_TITLE)
        journeys = folder.wait_until_ended(COUNT)
        assert node.stop() == 0

    assert len(acknowledged) > COUNT // 4
    assert left, "the node was not busy when it was stopped"
    assert [answer.status for answer in again] == [0x0000] * COUNT
    assert [one.state for one in journeys] == [InstanceState.DELIVERED] * COUNT
    assert len(list(folder.archive.rglob("*.dcm"))) == COUNT


def test_a_second_node_on_the_same_spool_refuses_to_start(root: Path) -> None:
    folder = node_folder(root)

    with folder.running() as node:
        second = folder.command("serve", "--config", folder.config)
        assert node.stop() == 0

    assert second.returncode == 2
    assert "Traceback" not in second.stderr
    assert second.stderr.startswith(
        f"deid-node: spool_in_use: another node uses this spool (process {node.process.pid} on "
    )
    assert len(second.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("argument", ["--new-journal", "--new-key"])
def test_no_order_of_a_person_takes_the_spool_from_a_node(root: Path, argument: str) -> None:
    folder = node_folder(root)

    with folder.running() as node:
        second = folder.command("serve", argument, "--config", folder.config)
        assert node.stop() == 0

    assert (second.returncode, second.stderr.split(":")[1]) == (2, " spool_in_use")


def test_a_node_that_was_killed_leaves_nothing_in_the_way(root: Path) -> None:
    folder = node_folder(root)
    with folder.running() as node:
        node.process.kill()
        node.process.wait()

    with folder.running() as node:
        assert node.stop() == 0
