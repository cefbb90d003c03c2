"""Archives that are away, say no, or say it once."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.scanner import send
from deid_node.values.state import InstanceState
from tests.fakes import dcmtk
from tests.fakes.peer_archive import keeping_archive
from tests.fakes.waiting import eventually, free_port
from tests.wire.nodes import AE_TITLE, cstore, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("archives")]


@pytest.fixture
def files(tmp_path: Path) -> Sequence[Path]:
    """Return three slices of one study."""
    paths = []
    for number in range(3):
        dataset = dcmread(shipped("CT_small.dcm"))
        give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[str(tmp_path), str(number)]))
        paths.append(tmp_path / f"{number}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


@pytest.mark.peer("storescp")
def test_an_archive_that_is_down_gets_everything_once_it_is_up(
    root: Path, tmp_path: Path, files: Sequence[Path]
) -> None:
    port = free_port()
    folder = node_folder(root, destination=cstore(port))

    with folder.running() as node:
        answers = send(files, port=node.port, called=AE_TITLE)
        eventually(lambda: folder.events("destination_unreachable"), what="the archive is missed")
        waiting = {journey.state for journey in folder.journeys()}
        with dcmtk.storescp(tmp_path / "archive", port):
            folder.wait_until_ended(len(files))
            assert node.stop() == 0

    assert [answer.status for answer in answers] == [0x0000] * 3
    assert waiting <= {InstanceState.RECEIVED, InstanceState.CLEAN}
    assert {journey.state for journey in folder.journeys()} == {InstanceState.DELIVERED}
    assert len(list((tmp_path / "archive").iterdir())) == len(files)
    assert folder.events("destination_reached")


@pytest.mark.peer("storescp")
def test_an_archive_that_refuses_associations_loses_nothing(
    root: Path, tmp_path: Path, files: Sequence[Path]
) -> None:
    port = free_port()
    folder = node_folder(root, destination=cstore(port))

    with folder.running() as node:
        with dcmtk.storescp(tmp_path / "refusing", port, options=["--refuse"]):
            send(files, port=node.port, called=AE_TITLE)
            eventually(
                lambda: (
                    folder.events("delivery_postponed") or folder.events("destination_unreachable")
                ),
                what="the refusal is noticed",
            )
        with dcmtk.storescp(tmp_path / "archive", port):
            journeys = folder.wait_until_ended(len(files))
            assert node.stop() == 0

    assert {journey.state for journey in journeys} == {InstanceState.DELIVERED}
    assert not list((tmp_path / "refusing").iterdir())
    assert len(list((tmp_path / "archive").iterdir())) == len(files)


def test_an_instance_that_the_archive_refuses_waits_for_a_person_who_may_send_it_again(
    root: Path, files: Sequence[Path]
) -> None:
    with keeping_archive() as kept:
        # 0xA900: the dataset does not match the SOP class; no time heals that (PS3.4 B.2.3).
        kept.status_for = lambda number: 0xA900 if number == 1 else 0x0000
        folder = node_folder(root, destination=cstore(kept.port, max_associations=1))
        with folder.running() as node:
            send(files, port=node.port, called=AE_TITLE)
            journeys = folder.wait_until_ended(len(files))
            (refused,) = [one for one in journeys if one.state == InstanceState.WITHHELD]
            listed = folder.command("withheld", "list", "--config", folder.config)
            released = folder.command("withheld", "release", "--config", folder.config, refused.id)
            eventually(
                lambda: {one.state for one in folder.journeys()} == {InstanceState.DELIVERED},
                what="the released one is delivered",
            )
            assert node.stop() == 0

    assert refused.code == "refused_by_destination"
    assert refused.id in listed.stdout
    assert released.returncode == 0, released.stderr
    # The refused one, told by its UID, went twice with the same bytes.
    uid, _, content = kept.stored[1]
    assert [again for again in kept.stored if again[0] == uid] == [kept.stored[1]] * 2
    assert len(kept.stored) == len(files) + 1
    assert content
