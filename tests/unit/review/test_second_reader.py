"""Two people decide: what one decided counts once another has agreed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.staged import Desk
from tests.builders.desk import DeskHouse, a_desk, until
from tests.unit.review.test_desk import SENT_BOX
from tests.unit.review.test_series import look, read, rest_on

FILL = {"verb": "fill", "fill": [SENT_BOX]}
AGREE, OBJECT = {"verb": "agree"}, {"verb": "object"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeskHouse]:
    with a_desk(tmp_path, second_reader="let_through") as house:
        yield house


def test_it_waits_for_another_person_and_then_counts(house: DeskHouse) -> None:
    instance = house.withhold()
    first, second = house.browser("rita"), house.browser("adam")
    address = f"/instances/{instance}/decision"

    decided = first.post(address, FILL)
    own = first.post(address, AGREE)
    listed = second.get("/?queue=second").text
    page = second.get(f"/instances/{instance}?queue=second").text
    offered = list(house.offered)
    agreed = second.post(address, AGREE)
    until(lambda: bool(house.offered))

    assert (decided.status, own.status, agreed.status) == (200, 409, 200)
    assert own.json["said"] == "who decided cannot agree: another person has to"
    assert "1 to be agreed to" in listed
    assert "desk/rita decided: <b>fill the boxes</b>" in page
    assert 'data-choices="agree object"' in page
    assert offered == []
    (told,) = Decisions(house.custody).untold()
    assert (told.verb, told.person) == (Verb.FILL, "desk/rita")
    assert json.loads(told.detail or "")["agreed_by"] == "desk/adam"


def test_who_does_not_agree_lets_it_wait_again(house: DeskHouse) -> None:
    instance = house.withhold()
    first, second = house.browser("rita"), house.browser("adam")
    first.post(f"/instances/{instance}/decision", FILL)

    own = first.post(f"/instances/{instance}/decision", OBJECT)
    objected = second.post(f"/instances/{instance}/decision", OBJECT)

    assert (own.status, objected.status) == (409, 200)
    assert [entry.id for entry in Desk(house.custody).entries()] == [instance]
    assert Desk(house.custody).staged() == []
    (told,) = Decisions(house.custody).untold()
    assert (told.verb, told.person) == (Verb.OBJECT, "desk/adam")
    assert json.loads(told.detail or "") == {"decided": "fill", "by": "desk/rita"}


def test_what_lets_nothing_out_needs_nobody_else(house: DeskHouse) -> None:
    first, second = house.withhold(uid="1.2.1"), house.withhold("MR_small.dcm", uid="1.2.2")
    browser = house.browser("rita")

    browser.post(f"/instances/{first}/decision", {"verb": "hold"})
    browser.post(f"/instances/{second}/decision", {"verb": "discard", "reason": "other"})

    until(lambda: len(Decisions(house.custody).untold()) == 2)


def test_where_a_site_says_everything_discarding_needs_another_as_well(tmp_path: Path) -> None:
    with a_desk(tmp_path, second_reader="everything") as house:
        instance = house.withhold()
        house.browser("rita").post(
            f"/instances/{instance}/decision", {"verb": "discard", "reason": "other"}
        )
        (choice,) = Desk(house.custody).staged()

    assert choice.awaits_second


def test_a_viewer_agrees_to_nothing(house: DeskHouse) -> None:
    instance = house.withhold()
    house.browser("rita").post(f"/instances/{instance}/decision", FILL)

    assert house.browser("vera").post(f"/instances/{instance}/decision", AGREE).status == 403


def test_nothing_else_is_decided_about_it_meanwhile(house: DeskHouse) -> None:
    instance = house.withhold()
    house.browser("rita").post(f"/instances/{instance}/decision", FILL)

    answer = house.browser("adam").post(f"/instances/{instance}/decision", {"verb": "no_text"})

    assert answer.status == 409
    (choice,) = Desk(house.custody).staged()
    assert choice.verb is Verb.FILL


def test_nobody_agrees_to_what_nobody_decided(house: DeskHouse) -> None:
    instance = house.withhold()

    for said in (AGREE, OBJECT):
        assert house.browser("rita").post(f"/instances/{instance}/decision", said).status == 409


def test_it_can_be_taken_back_by_who_decided_and_the_agreement_by_who_agreed(
    tmp_path: Path,
) -> None:
    with a_desk(tmp_path, second_reader="let_through", undo_seconds=60) as house:
        instance = house.withhold()
        first, second = house.browser("rita"), house.browser("adam")
        address = f"/instances/{instance}/decision"
        first.post(address, FILL)
        second.post(address, AGREE)

        agreement = second.post("/undo", {})
        (awaiting,) = Desk(house.custody).staged()
        again = second.post("/undo", {})
        second.post(address, AGREE)
        decision = first.post("/undo", {})

        assert (agreement.status, again.status, decision.status) == (200, 409, 200)
        assert awaiting.awaits_second
        assert [entry.id for entry in Desk(house.custody).entries()] == [instance]


def test_what_waits_for_agreement_waits_also_where_the_setting_is_gone(tmp_path: Path) -> None:
    with a_desk(tmp_path, second_reader="let_through") as house:
        instance = house.withhold()
        house.browser("rita").post(f"/instances/{instance}/decision", FILL)
    with a_desk(tmp_path) as house:
        waiting = house.browser("adam").get("/?queue=second").text
        offered = list(house.offered)

    assert "1 to be agreed to" in waiting
    assert offered == []


def test_what_was_decided_at_once_is_agreed_to_at_once(house: DeskHouse) -> None:
    first, second = (house.withhold(uid=f"1.2.{n}") for n in range(2))
    one, other = house.browser("rita"), house.browser("adam")
    read(one)
    look(one, first, second)
    one.post(f"/instances/{first}/decision", {**FILL, "rest": [second]})
    alone = house.withhold("MR_small.dcm", uid="1.2.7")
    one.post(f"/instances/{alone}/decision", {"verb": "no_text"})

    unseen = rest_on(other, first)
    early = other.post(f"/instances/{first}/decision", {**AGREE, "rest": [second]})
    look(other, first, second)
    rest = rest_on(other, first)
    agreed = other.post(f"/instances/{first}/decision", {**AGREE, "rest": [second, alone]})
    until(lambda: len(house.offered) == 2)

    assert unseen == ([second], 1)
    assert early.status == 409
    assert rest == ([second], 0)
    assert agreed.status == 200
    assert {instance for instance, _ in house.offered} == {first, second}
    assert [choice.instance for choice in Desk(house.custody).staged()] == [alone]


def test_boxes_are_shown_as_they_were_decided(house: DeskHouse) -> None:
    instance = house.withhold()
    drawn = {"frame": None, "left": 60, "top": 60, "right": 90, "bottom": 80}
    sent = {"verb": "fill", "fill": [drawn], "stays": [SENT_BOX]}
    house.browser("rita").post(f"/instances/{instance}/decision", sent)

    page = house.browser("adam").get(f"/instances/{instance}").text

    shown = re.search(r'data-boxes="([^"]*)"', page)
    assert shown is not None
    assert json.loads(shown[1].replace("&#34;", '"')) == [
        {**SENT_BOX, "score": 0.5, "stays": True},
        {**drawn, "stays": False},
    ]
