"""From a withheld instance over a person's decision to the archive, through a whole node."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.scanner import send
from deid_node.review.accounts import Role, account_line
from deid_node.values.state import InstanceState
from tests.builders.desk import PASSCODES, Browser
from tests.fakes.waiting import eventually
from tests.wire.nodes import AE_TITLE, node_folder

pytestmark = [pytest.mark.slow]

BOX = {"frame": None, "left": 10, "top": 20, "right": 40, "bottom": 30}
MARGIN = 8


@pytest.mark.req("REQ-RX-17")
def test_what_a_person_boxes_is_filled_and_leaves_like_everything_else(
    root: Path, tmp_path: Path
) -> None:
    dataset = dcmread(shipped("MR_small.dcm"))
    give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[str(tmp_path)]))
    dataset.BurnedInAnnotation = "YES"
    dataset.save_as(tmp_path / "burned.dcm", enforce_file_format=True)
    folder = node_folder(
        root,
        review={"port": 0, "users_file": "./desk-users", "undo_seconds": 0},
        audit={"kind": "file", "file": "./audit.jsonl"},
    )
    users = root / "desk-users"
    users.write_text(account_line("rita", Role.REVIEWER, PASSCODES["rita"]) + "\n")
    users.chmod(0o600)

    with folder.running() as node:
        send([tmp_path / "burned.dcm"], port=node.port, called=AE_TITLE)
        (withheld,) = folder.wait_until_ended(1)
        (ready,) = folder.events("node_ready")
        desk = Browser(ready["desk_port"])
        assert desk.sign_in("rita", PASSCODES["rita"]).status == 303
        page = f"/instances/{withheld.id}"
        shown = desk.get(f"{page}/frames/0.png")
        after = desk.post(f"{page}/after", {"at": 0, "fill": [BOX]})
        decided = desk.post(f"{page}/decision", {"verb": "fill", "fill": [BOX]})
        eventually(
            lambda: folder.journeys()[0].state == InstanceState.DELIVERED, what="it is delivered"
        )
        eventually(lambda: folder.events("instance_marked"), what="it is told")
        assert node.stop() == 0

    assert withheld.state == InstanceState.WITHHELD
    assert (shown.status, after.status, decided.status) == (200, 200, 200)
    (path,) = folder.archive.rglob("*.dcm")
    cleaned = dcmread(path)
    changed = np.not_equal(dataset.pixel_array, cleaned.pixel_array)
    assert changed[20:30, 10:40].any()
    changed[20 - MARGIN : 30 + MARGIN, 10 - MARGIN : 40 + MARGIN] = False
    assert not changed.any()
    # The header took the same way as ever.
    assert cleaned.PatientID != dataset.PatientID
    assert str(cleaned.PatientName) != str(dataset.PatientName)
    assert cleaned.PatientIdentityRemoved == "YES"
    assert "rita" not in folder.log.read_text()
    assert "desk/rita" in (root / "audit.jsonl").read_text()
    assert len(folder.events("instance_marked")) == 1
