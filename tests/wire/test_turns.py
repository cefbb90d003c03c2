"""Two scanners and a node with one worker: who sends much does not hold up who sends little."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.scanner import send
from tests.fakes.waiting import eventually
from tests.wire.nodes import AE_TITLE, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("archives")]

SLICES = 30


def files(folder: Path, sender: str, count: int) -> Sequence[Path]:
    paths = []
    for number in range(count):
        dataset = dcmread(shipped("CT_small.dcm"))
        give_uid(
            dataset, generate_uid(prefix=None, entropy_srcs=[str(folder), sender, str(number)])
        )
        paths.append(folder / f"{sender}{number}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


@pytest.mark.req("REQ-FW-12")
def test_one_picture_is_not_held_up_by_the_slices_of_another_scanner(
    root: Path, tmp_path: Path
) -> None:
    slices, (picture,) = files(tmp_path, "CT", SLICES), files(tmp_path, "US", 1)
    folder = node_folder(root)

    with folder.running() as node:
        scanner = threading.Thread(
            target=lambda: send(slices, port=node.port, called=AE_TITLE, calling="CT")
        )
        scanner.start()
        eventually(lambda: folder.events("instance_received"), what="the first slice")
        send([picture], port=node.port, called=AE_TITLE, calling="US")
        scanner.join()
        journeys = folder.wait_until_ended(SLICES + 1)
        assert node.stop() == 0

    (own,) = [one for one in journeys if one.sop_instance_uid == dcmread(picture).SOPInstanceUID]
    received = [line["instance"] for line in folder.events("instance_received")]
    cleaned = [line["instance"] for line in folder.events("instance_cleaned")]
    came = {line["instance"]: place for place, line in enumerate(folder.events())
            if line["event"] == "instance_received"}  # fmt: skip
    before = [
        line["instance"]
        for line in folder.events()[came[own.id] :]
        if line["event"] == "instance_cleaned"
    ]
    # One is in the worker's hand, one may be taken just before the picture is offered.
    assert before.index(own.id) <= 2
    assert len(before) > SLICES / 2, "the slices did not wait: nothing was shown"
    cleaned.remove(own.id)
    received.remove(own.id)
    assert cleaned == received
