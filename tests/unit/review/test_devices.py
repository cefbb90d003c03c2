"""Regions for all of a device: proposed by people and by what was filled, decided by an admin."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.pixels.text.regions_file import RegionsFile
from deid_node.review.devices import Devices
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.proposals import Proposals, ProposalState
from deid_node.values.device import Device
from deid_node.values.geometry import Box, Region
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from tests.builders.custody import Spool
from tests.builders.desk import BOX, Browser, DeskHouse, a_desk, until
from tests.builders.values import a_clean_instance, a_report, an_arrival
from tests.unit.review.test_desk import SENT_BOX

CT = Device("GE MEDICAL SYSTEMS", "RHAPSODE", "CT", 128, 128)
US5 = Device("Acme", "US 5", "US", 600, 800)
NAME = Box(10, 8, 200, 28)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeskHouse]:
    with a_desk(tmp_path, regions_file=tmp_path / "regions.yaml") as house:
        yield house


def _press(browser: Browser, path: str) -> int:
    return browser.request("POST", path, f"token={browser.token}".encode()).status


def _propose(browser: Browser, instance: str) -> int:
    return browser.post(f"/instances/{instance}/proposal", {"fill": [SENT_BOX]}).status


def _seal(custody: Custody, number: int, *, study: int, device: Device | None = US5) -> InstanceId:
    """Let one be sealed in which a name was filled, and one line by a rule."""
    spool = Spool(custody)
    order = spool.claim(spool.accept(an_arrival(f"1.9.{number}"), [b"sent"]).instance.id)
    assert isinstance(order, WorkOrder)
    order.output.write_bytes(b"clean")
    regions = (
        Region(0, NAME, 0.9, "crnn", "solid"),
        Region(1, NAME, 0.9, "crnn", "solid"),
        Region(0, Box(300, 300, 400, 320), 1.0, "device_rule", "solid"),
    )
    report = replace(a_report(), regions=regions, device=device)
    blob = BlobRef(f"{order.id}.dcm", 5, "0" * 64)
    clean = replace(
        a_clean_instance(order.id, blob), report=report, study_instance_uid=f"2.25.9{study}"
    )
    assert spool.record(order, Cleaned(clean))
    return order.id


def _fill_screens(custody: Custody, count: int = 25) -> None:
    for number in range(count):
        _seal(custody, number, study=number % 6)


def test_a_reviewer_proposes_and_an_admin_puts_it_in_force(
    house: DeskHouse, tmp_path: Path
) -> None:
    instance = house.withhold()
    reviewer, admin = house.browser("rita"), house.browser("adam")

    proposed = _propose(reviewer, instance)
    page = reviewer.get("/devices").text
    forbidden = _press(reviewer, "/devices/1/accept")
    accepted = _press(admin, "/devices/1/accept")
    again = _press(admin, "/devices/1/accept")
    after = admin.get("/devices").text

    assert (proposed, forbidden, accepted, again) == (200, 403, 303, 409)
    assert "GE MEDICAL SYSTEMS RHAPSODE" in page
    assert f'href="/instances/{instance}/frames/0.png"' in page
    assert 'data-answer="accept"' not in page
    (rule,) = RegionsFile(tmp_path / "regions.yaml").current()
    assert (rule.manufacturer, rule.model, rule.modality) == (CT.maker, CT.model, CT.modality)
    assert (rule.rows, rule.columns) == (128, 128)
    assert [(b.left, b.top, b.right, b.bottom) for b in rule.boxes] == [(8, 8, 40, 20)]
    assert "0 proposed" in after
    assert "GE MEDICAL SYSTEMS, RHAPSODE, CT, 128 x 128: 1 boxes" in after
    # The instance itself still waits.
    assert "1 waiting" in reviewer.get("/").text


def test_who_proposed_and_who_decided_is_written_down(house: DeskHouse) -> None:
    instance = house.withhold()
    _propose(house.browser("rita"), instance)
    _press(house.browser("adam"), "/devices/1/accept")

    told = Decisions(house.custody).untold()

    assert [(one.verb, one.person, one.instance) for one in told] == [
        (Verb.PROPOSE_REGIONS, "desk/rita", instance),
        (Verb.ACCEPT_REGIONS, "desk/adam", instance),
    ]
    assert json.loads(told[1].detail or "") == {
        "device": {
            "maker": CT.maker, "model": CT.model, "modality": "CT", "rows": 128, "columns": 128,
        },
        "boxes": [[8, 8, 40, 20]],
    }  # fmt: skip


def test_what_is_refused_is_not_proposed_again(house: DeskHouse, tmp_path: Path) -> None:
    _fill_screens(house.custody)
    admin = house.browser("adam")
    assert _press(admin, "/devices/learn") == 303
    (proposal,) = Proposals(house.custody).all()

    refused = _press(admin, f"/devices/{proposal.number}/refuse")
    learned = _press(admin, "/devices/learn")

    assert (refused, learned) == (303, 303)
    (one,) = Proposals(house.custody).all()
    assert (one.state, one.decided_by) == (ProposalState.REFUSED, "desk/adam")
    assert not (tmp_path / "regions.yaml").exists()


def test_the_node_learns_what_keeps_standing_and_shows_its_evidence(house: DeskHouse) -> None:
    _fill_screens(house.custody)
    _seal(house.custody, 100, study=9, device=None)
    reviewer = house.browser("rita")

    assert _press(reviewer, "/devices/learn") == 303
    page = reviewer.get("/devices").text

    (proposal,) = Proposals(house.custody).all()
    assert [place.box for place in proposal.draft.places] == [NAME]
    assert "from what was filled in 25 instances of 6 studies" in page
    assert "filled in 25 of 25, 6 studies" in page
    assert (
        '<rect x="10" y="8" width="190" height="20" fill="#f0a93f" fill-opacity="1.000"/>' in page
    )
    assert "1 proposed for devices" in reviewer.get("/").text


def test_what_is_accepted_is_not_learned_again_and_a_proposal_keeps_its_number(
    house: DeskHouse,
) -> None:
    _fill_screens(house.custody)
    admin = house.browser("adam")
    _press(admin, "/devices/learn")
    _seal(house.custody, 50, study=3)
    _press(admin, "/devices/learn")
    (proposal,) = Proposals(house.custody).all()

    accepted = _press(admin, f"/devices/{proposal.number}/accept")
    _press(admin, "/devices/learn")

    assert accepted == 303
    assert proposal.draft.instances == 26
    assert [one.state for one in Proposals(house.custody).all()] == [ProposalState.ACCEPTED]


def test_without_a_file_it_is_shown_to_be_copied(tmp_path: Path) -> None:
    with a_desk(tmp_path) as house:
        instance = house.withhold()
        admin = house.browser("adam")
        _propose(admin, instance)
        page = admin.get("/devices").text
        refused = _press(admin, "/devices/1/accept")

    assert "copy this into pixels.regions" in page
    assert "manufacturer: GE MEDICAL SYSTEMS" in page
    assert 'data-answer="accept"' not in page
    assert refused == 409


def test_nothing_is_proposed_that_a_rule_fills_already_or_that_is_of_no_device(
    house: DeskHouse, tmp_path: Path
) -> None:
    instance = house.withhold()
    reviewer = house.browser("rita")
    _propose(reviewer, instance)
    _press(house.browser("adam"), "/devices/1/accept")

    again = _propose(reviewer, instance)
    nothing = reviewer.post(f"/instances/{instance}/proposal", {"fill": []}).status
    unknown = house.withhold("examples_palette.dcm", uid="1.2.9")
    without_maker = reviewer.post(f"/instances/{unknown}/proposal", {"fill": [SENT_BOX]}).status

    assert (again, nothing) == (409, 409)
    assert without_maker in {200, 409}
    assert len(RegionsFile(tmp_path / "regions.yaml").current()) == 1


def test_a_file_that_cannot_be_read_is_said_and_nothing_is_written(
    house: DeskHouse, tmp_path: Path
) -> None:
    instance = house.withhold()
    reviewer, admin = house.browser("rita"), house.browser("adam")
    _propose(reviewer, instance)
    (tmp_path / "regions.yaml").write_text("nonsense: [")

    page, accepted = admin.get("/devices"), _press(admin, "/devices/1/accept")

    assert "the file of fixed regions cannot be read" in page.text
    assert accepted == 409
    assert (tmp_path / "regions.yaml").read_text() == "nonsense: ["
    assert Proposals(house.custody).get(1).state is ProposalState.OPEN


def test_a_viewer_looks_and_proposes_nothing(house: DeskHouse) -> None:
    instance = house.withhold()
    viewer = house.browser("vera")

    assert viewer.get("/devices").status == 200
    assert _propose(viewer, instance) == 403
    assert _press(viewer, "/devices/learn") == 403


def test_the_node_looks_by_itself(tmp_path: Path) -> None:
    with a_desk(tmp_path, regions_file=tmp_path / "regions.yaml", before=_fill_screens) as house:
        until(lambda: bool(Proposals(house.custody).all()))


def test_a_proposal_counts_for_nothing_until_it_is_accepted(tmp_path: Path) -> None:
    with a_desk(tmp_path, regions_file=tmp_path / "regions.yaml") as house:
        devices = Devices(
            Proposals(house.custody),
            lambda: [DeviceRegionsOptions.model_validate({"boxes": [SENT_BOX_EDGES]})],
            lambda: None,
        )
        assert devices.in_force()["file"] == ()
        assert devices.in_force()["configuration"] == ("every instance: 1 boxes",)


SENT_BOX_EDGES = {"left": BOX.left, "top": BOX.top, "right": BOX.right, "bottom": BOX.bottom}
