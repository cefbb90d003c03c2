"""What is decided at the desk waits, can be taken back, and is carried out as it was meant."""

import json
from collections.abc import Callable

import pytest

from deid_node.errors import InputError
from deid_node.spool.choices import Choice
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.options import SpoolOptions
from deid_node.spool.staged import Desk
from deid_node.spool.withheld import WorkList
from deid_node.values.geometry import Box, DoubtedRegion
from deid_node.values.identity import InstanceId
from deid_node.values.markings import Marking, Markings
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Withheld
from tests.builders.custody import Spool
from tests.unit.spool.test_spool import claimed

BOX = Box(1, 2, 30, 40)
MARKINGS = Markings(fill=(Marking(None, BOX),), stays=(Marking(3, BOX),))


def withheld(custody: Custody, uid: str = "1.2.3") -> InstanceId:
    order = claimed(custody, uid)
    seen = (DoubtedRegion(0, BOX, 0.4, "finder"),)
    Spool(custody).record(order, Withheld("text_uncertain", "in doubt", seen=seen))
    return order.id


def test_what_is_staged_is_withheld_until_it_is_due(custody: Custody) -> None:
    desk, instance = Desk(custody), withheld(custody)
    desk.stage(Choice(instance, Verb.FILL, "anna", markings=MARKINGS), wait_seconds=60)

    assert desk.carry_out() == []
    assert [entry.id for entry in WorkList(custody).entries()] == [instance]
    assert desk.entries() == []


def test_a_decision_walks_the_corridor_with_its_markings(custody: Custody) -> None:
    desk, instance = Desk(custody), withheld(custody)
    desk.stage(Choice(instance, Verb.FILL, "anna", markings=MARKINGS), wait_seconds=0)

    (done,) = desk.carry_out()

    assert (done.instance, done.verb) == (instance, Verb.FILL)
    order = Spool(custody).claim(instance)
    assert isinstance(order, WorkOrder)
    assert order.markings == MARKINGS


def test_who_decided_and_what_stands_before_and_after(custody: Custody) -> None:
    desk, instance = Desk(custody), withheld(custody)
    desk.stage(Choice(instance, Verb.FILL, "anna", markings=MARKINGS), wait_seconds=0)
    desk.carry_out()

    (told,) = Decisions(custody).untold()

    assert (told.person, told.verb, told.code) == ("anna", Verb.FILL, "text_uncertain")
    assert told.detail is not None
    assert json.loads(told.detail) == {
        "before": [[0, 1, 2, 30, 40]],
        "fill": [[None, 1, 2, 30, 40]],
        "stays": [[3, 1, 2, 30, 40]],
    }


def test_the_newest_decision_of_ones_own_can_be_taken_back(custody: Custody) -> None:
    desk = Desk(custody)
    first, second, third = (withheld(custody, f"1.2.{n}") for n in range(3))
    for instance, person in ((first, "anna"), (second, "anna"), (third, "bert")):
        desk.stage(Choice(instance, Verb.DISCARD, person, reason="other"), wait_seconds=60)

    assert desk.undo("anna") == second
    assert desk.undo("anna") == first
    assert desk.undo("anna") is None
    assert [choice.instance for choice in desk.staged()] == [third]


def test_one_decision_about_several_is_each_ones_own_and_names_what_was_looked_at(
    custody: Custody,
) -> None:
    desk = Desk(custody)
    first, second, gone = (withheld(custody, f"1.2.{n}") for n in range(3))
    WorkList(custody).discard(gone, person="bert")

    count = desk.stage_alike(
        Choice(first, Verb.FILL, "anna", markings=MARKINGS), (second, gone), wait_seconds=0
    )
    done = desk.carry_out()

    assert count == 2
    assert {one.instance for one in done} == {first, second}
    told = [one for one in Decisions(custody).untold() if one.person == "anna"]
    assert {one.instance for one in told} == {first, second}
    assert {json.loads(one.detail or "")["sample"] for one in told} == {first}
    for instance in (first, second):
        order = Spool(custody).claim(instance)
        assert isinstance(order, WorkOrder)
        assert order.markings == MARKINGS


def test_a_decision_about_several_is_taken_back_for_all_of_them(custody: Custody) -> None:
    desk = Desk(custody)
    alone, first, second = (withheld(custody, f"1.2.{n}") for n in range(3))
    desk.stage(Choice(alone, Verb.HOLD, "anna"), wait_seconds=60)
    desk.stage_alike(Choice(first, Verb.HOLD, "anna"), (second,), wait_seconds=60)

    assert desk.undo("anna") == first
    assert [choice.instance for choice in desk.staged()] == [alone]


def test_about_several_nothing_is_decided_where_it_cannot_be_about_the_one_looked_at(
    custody: Custody,
) -> None:
    desk = Desk(custody)
    first, second = withheld(custody, "1.2.1"), withheld(custody, "1.2.2")
    desk.stage(Choice(first, Verb.HOLD, "bert"), wait_seconds=60)

    with pytest.raises(InputError):
        desk.stage_alike(Choice(first, Verb.HOLD, "anna"), (second,), wait_seconds=60)

    assert [choice.instance for choice in desk.staged()] == [first]


def test_what_is_staged_outlives_the_node(custody: Custody, options: SpoolOptions) -> None:
    instance = withheld(custody)
    Desk(custody).stage(Choice(instance, Verb.DISCARD, "anna", reason="other"), wait_seconds=0)
    beside = Custody(options, exclusive=False)
    beside.open()

    done = Desk(beside).carry_out()
    beside.close()

    assert [one.instance for one in done] == [instance]
    assert WorkList(custody).entries() == []


def test_two_people_do_not_decide_about_the_same(custody: Custody) -> None:
    desk, instance = Desk(custody), withheld(custody)
    desk.stage(Choice(instance, Verb.HOLD, "anna"), wait_seconds=60)

    with pytest.raises(InputError):
        desk.stage(Choice(instance, Verb.DISCARD, "bert", reason="other"), wait_seconds=60)


def test_what_is_held_stays_and_says_so(custody: Custody) -> None:
    desk, instance = Desk(custody), withheld(custody)
    desk.stage(Choice(instance, Verb.HOLD, "anna"), wait_seconds=0)
    desk.carry_out()

    (entry,) = desk.entries()

    assert entry.id == instance
    assert entry.held
    assert entry.regions


def _dropped(custody: Custody, instance: InstanceId) -> None:
    WorkList(custody).discard(instance, person="bert")


def _walked(custody: Custody, instance: InstanceId) -> None:
    WorkList(custody).release(instance, person="bert")
    order = Spool(custody).claim(instance)
    assert isinstance(order, WorkOrder)
    Spool(custody).record(order, Withheld("no_rule", "no routing rule matched"))


@pytest.mark.parametrize("meanwhile", [_dropped, _walked])
def test_a_decision_about_what_has_changed_is_forgotten(
    custody: Custody, meanwhile: Callable[[Custody, InstanceId], None]
) -> None:
    desk, instance = Desk(custody), withheld(custody)
    desk.stage(Choice(instance, Verb.NO_TEXT, "anna", markings=Markings()), wait_seconds=0)
    meanwhile(custody, instance)

    assert desk.carry_out() == []
    assert desk.staged() == []
    assert all(one.person == "bert" for one in Decisions(custody).untold())


def test_markings_go_with_a_decision_about_pixels_only(custody: Custody) -> None:
    instance = withheld(custody)

    for verb, markings in ((Verb.DISCARD, MARKINGS), (Verb.FILL, None), (Verb.REDELIVER, None)):
        with pytest.raises(ValueError, match=r"markings|desk"):
            Choice(instance, verb, "anna", markings=markings)


def test_a_look_at_values_is_written_down_without_them(custody: Custody) -> None:
    instance = withheld(custody)
    Desk(custody).note_look(instance, "anna", keywords=["PatientName"])

    (told,) = Decisions(custody).untold()

    assert (told.verb, told.person) == (Verb.SHOW_VALUES, "anna")
    assert told.detail == '{"attributes": ["PatientName"]}'
