"""One decision for the rest of a series: for what is alike, after a sample was looked at."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.staged import Desk
from deid_node.spool.withheld import WorkList
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId
from tests.builders.desk import BOX, Browser, DeskHouse, a_desk, until
from tests.unit.review.test_desk import SENT_BOX


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeskHouse]:
    with a_desk(tmp_path, undo_seconds=60) as house:
        yield house


def read(browser: Browser) -> None:
    until(lambda: "still being read" not in browser.get("/").text)


def rest_on(browser: Browser, instance: str) -> tuple[list[str], int]:
    page = browser.get(f"/instances/{instance}").text
    rest = re.search(r'data-rest="([^"]*)" data-needed="(\d+)"', page)
    assert rest is not None
    return rest[1].split(), int(rest[2])


def look(browser: Browser, *instances: str) -> None:
    for instance in instances:
        assert browser.get(f"/instances/{instance}/frames/0.png").status == 200


def _fill(browser: Browser, instance: str, rest: Sequence[str]) -> int:
    sent = {"verb": "fill", "fill": [SENT_BOX], "rest": rest}
    return browser.post(f"/instances/{instance}/decision", sent).status


def test_the_rest_is_what_is_alike_and_waits(house: DeskHouse) -> None:
    first, second = (house.withhold(uid=f"1.2.{n}") for n in range(2))
    house.withhold(uid="1.2.8", code="residual_text")
    house.withhold("MR_small.dcm", uid="1.2.9")
    put_aside = house.withhold(uid="1.2.10")
    browser = house.browser("rita")
    read(browser)
    browser.post(f"/instances/{put_aside}/decision", {"verb": "hold"})

    assert rest_on(browser, first) == ([second], 1)
    assert rest_on(browser, second) == ([first], 1)


def test_of_a_viewer_nothing_is_asked_for_the_rest(house: DeskHouse) -> None:
    first, _ = (house.withhold(uid=f"1.2.{n}") for n in range(2))
    viewer = house.browser("vera")
    read(viewer)

    assert rest_on(viewer, first) == ([], 0)


def test_a_sample_is_looked_at_before_the_rest_is_let_out(house: DeskHouse) -> None:
    instances = [house.withhold(uid=f"1.2.{n}") for n in range(5)]
    browser, other = house.browser("rita"), house.browser("adam")
    read(browser)
    first, last = instances[0], instances[-1]
    rest = instances[1:]

    look(other, *instances)
    unseen = _fill(browser, first, rest)
    look(browser, first, last)
    page = browser.get(f"/instances/{first}").text
    look(browser, instances[2])
    decided = _fill(browser, first, rest)

    assert unseen == 409
    # The farthest from what was seen comes next.
    assert f'id="sample" class="button" href="/instances/{instances[2]}"' in page
    assert decided == 200
    assert [one.instance for one in Desk(house.custody).staged()] == sorted(instances)


def test_of_what_was_seen_the_others_take_boxes_and_nothing_of_their_own(
    house: DeskHouse,
) -> None:
    elsewhere = Box(60, 60, 90, 80)
    first = house.withhold(uid="1.2.1")
    second = house.withhold(uid="1.2.2", boxes=(BOX, elsewhere))
    browser = house.browser("rita")
    read(browser)
    look(browser, first, second)

    sent = {"verb": "no_text", "rest": [second]}
    assert browser.post(f"/instances/{first}/decision", sent).status == 200

    for choice in Desk(house.custody).staged():
        assert choice.markings is not None
        assert [one.box for one in choice.markings.stays] == [BOX]


def test_nothing_is_decided_about_that_was_not_told(house: DeskHouse) -> None:
    first, second = (house.withhold(uid=f"1.2.{n}") for n in range(2))
    other = house.withhold("MR_small.dcm", uid="1.2.9")
    browser = house.browser("rita")
    read(browser)
    told, _ = rest_on(browser, first)
    late = house.withhold(uid="1.2.7")
    read(browser)
    look(browser, first, second, late)

    assert told == [second]
    assert _fill(browser, first, [*told, other]) == 200
    assert {one.instance for one in Desk(house.custody).staged()} == {first, second}
    assert [entry.id for entry in Desk(house.custody).entries()] == [other, late]


def test_what_has_no_pixels_in_question_needs_no_sample(house: DeskHouse) -> None:
    first, second = (house.withhold(uid=f"1.2.{n}", code="undecodable", boxes=()) for n in range(2))
    browser = house.browser("rita")
    read(browser)

    assert rest_on(browser, first) == ([second], 0)
    sent = {"verb": "discard", "reason": "damaged", "rest": [second]}
    assert browser.post(f"/instances/{first}/decision", sent).status == 200
    assert len(Desk(house.custody).staged()) == 2


def test_it_is_taken_back_for_all_at_once(house: DeskHouse) -> None:
    first, second = (house.withhold(uid=f"1.2.{n}") for n in range(2))
    browser = house.browser("rita")
    read(browser)
    look(browser, first, second)
    assert _fill(browser, first, [second]) == 200

    taken_back = browser.post("/undo", {})

    assert taken_back.json == {"next": f"/instances/{first}"}
    assert [entry.id for entry in Desk(house.custody).entries()] == [first, second]


def test_each_is_written_down_and_that_it_was_one_decision(tmp_path: Path) -> None:
    with a_desk(tmp_path) as house:
        first, second = (house.withhold(uid=f"1.2.{n}") for n in range(2))
        browser = house.browser("rita")
        read(browser)
        look(browser, first, second)
        assert _fill(browser, first, [second]) == 200
        until(lambda: not WorkList(house.custody).entries())
        told = Decisions(house.custody).untold()

    assert {InstanceId(one.instance) for one in told} == {first, second}
    assert {one.verb for one in told} == {Verb.FILL}
    assert {json.loads(one.detail or "")["sample"] for one in told} == {first}
    assert sorted(one for one, _ in house.offered) == sorted([first, second])
