"""Which delivered instances are drawn for a look, and how long they are held for it."""

from pathlib import Path

import pytest

from deid_node.errors import InputError
from deid_node.spool.choices import AGAIN, Choice
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.samples import Drawing
from deid_node.spool.staged import Desk
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.values.markings import Marking, Markings
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from tests.builders.custody import Spool
from tests.builders.values import a_clean_instance, an_arrival

ALL = Drawing(b"k" * 32, 1000, keep_seconds=3600, most=10)
BOXED = Markings(fill=(Marking(0, Box(1, 2, 30, 40)),))


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    opened = Custody(
        SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0, keep_delivered_seconds=0),
        exclusive=True,
    )
    opened.open()
    return opened


def sealed(custody: Custody, number: int, drawing: Drawing | None = ALL) -> CleanInstance:
    spool = Spool(custody, drawing)
    order = spool.claim(spool.accept(an_arrival(f"1.2.{number}"), [b"as sent"]).instance.id)
    assert isinstance(order, WorkOrder)
    order.output.write_bytes(b"clean")
    received = spool.accept(an_arrival(f"1.2.{number}"), [b"as sent"]).instance
    clean = a_clean_instance(order.id, received.blob)
    assert spool.record(order, Cleaned(clean))
    return clean


def delivered(custody: Custody, number: int, drawing: Drawing | None = ALL) -> InstanceId:
    clean = sealed(custody, number, drawing)
    receipt = Receipt(clean.id, "archive", DeliveryResult.DELIVERED, 0)
    Deliveries(custody).settle(receipt)
    return clean.id


def test_what_is_drawn_is_drawn_each_time_and_nobody_can_tell_without_the_key() -> None:
    one, other = Drawing(b"a" * 32, 100, 1, 1), Drawing(b"b" * 32, 100, 1, 1)
    uids = [f"2.25.{n}" for n in range(2000)]

    drawn = {uid for uid in uids if one.takes(uid)}

    assert drawn == {uid for uid in uids if one.takes(uid)}
    assert 150 < len(drawn) < 250
    assert drawn != {uid for uid in uids if other.takes(uid)}
    assert not any(Drawing(b"a" * 32, 0, 1, 1).takes(uid) for uid in uids)


def test_a_sample_waits_for_a_look_once_it_was_delivered(custody: Custody) -> None:
    clean = sealed(custody, 1)
    before = Desk(custody).entries()
    Deliveries(custody).settle(Receipt(clean.id, "archive", DeliveryResult.DELIVERED, 0))

    (entry,) = Desk(custody).entries()

    assert before == []
    assert (entry.id, entry.is_sample) == (clean.id, True)
    went = Desk(custody).samples.delivered(clean.id)
    assert went is not None
    assert (went.destinations, went.sop_instance_uid) == (("archive",), clean.sop_instance_uid)


def test_without_a_drawing_nothing_is_held(custody: Custody) -> None:
    delivered(custody, 1, drawing=None)

    assert Desk(custody).entries() == []
    assert Retention(custody).remove_expired() == 1


def test_its_bytes_are_held_for_the_look_and_go_after_it(custody: Custody) -> None:
    instance, desk = delivered(custody, 1), Desk(custody)

    assert Retention(custody).remove_expired() == 0
    assert desk.sealed(instance).exists()
    desk.stage(Choice(instance, Verb.NOTHING_MISSED, "desk/rita"), wait_seconds=0)
    (done,) = desk.carry_out()

    assert not done.walks
    assert Retention(custody).remove_expired() == 1
    assert not desk.sealed(instance).exists()
    assert desk.entries() == []


def test_it_is_not_held_for_ever(custody: Custody) -> None:
    instance = delivered(custody, 1, Drawing(b"k" * 32, 1000, keep_seconds=1e-9, most=10))

    assert Desk(custody).entries() == []
    with pytest.raises(InputError):
        Desk(custody).stage(Choice(instance, Verb.NOTHING_MISSED, "desk/rita"), wait_seconds=0)
    assert Retention(custody).remove_expired() == 1


def test_no_more_wait_than_are_asked_for(custody: Custody) -> None:
    two = Drawing(b"k" * 32, 1000, keep_seconds=3600, most=2)
    for number in range(4):
        delivered(custody, number, two)

    assert len(Desk(custody).entries()) == 2
    assert Retention(custody).remove_expired() == 2


def test_what_was_missed_is_written_down_with_the_boxes(custody: Custody) -> None:
    instance, desk = delivered(custody, 1), Desk(custody)
    choice = Choice(instance, Verb.MISSED, "desk/rita", reason="noted", markings=BOXED)
    desk.stage(choice, wait_seconds=0)

    (done,) = desk.carry_out()

    assert not done.walks
    (told,) = Decisions(custody).untold()
    assert (told.verb, told.person, told.code) == (Verb.MISSED, "desk/rita", "delivered")
    assert told.detail == (
        '{"reason": "noted", "before": [], "fill": [[0, 1, 2, 30, 40]], "stays": []}'
    )


def test_cleaned_again_it_takes_along_what_was_boxed_and_is_looked_at_again(
    custody: Custody,
) -> None:
    instance, desk = delivered(custody, 1), Desk(custody)
    choice = Choice(instance, Verb.MISSED, "desk/rita", reason=AGAIN, markings=BOXED)
    desk.stage(choice, wait_seconds=0)

    (done,) = desk.carry_out()
    spool = Spool(custody, ALL)
    order = spool.claim(instance)

    assert done.walks
    assert isinstance(order, WorkOrder)
    assert order.markings == BOXED
    assert not desk.sealed(instance).exists()
    assert list(custody.blobs.partial.iterdir()) == []
    order.output.write_bytes(b"clean again")
    blob = spool.accept(an_arrival("1.2.1"), [b"as sent"]).instance.blob
    clean = a_clean_instance(instance, blob)
    assert spool.record(order, Cleaned(clean))
    Deliveries(custody).settle(Receipt(clean.id, "archive", DeliveryResult.DELIVERED, 0))
    assert [entry.id for entry in desk.entries()] == [instance]


def test_a_look_can_be_taken_back_until_it_counts(custody: Custody) -> None:
    instance, desk = delivered(custody, 1), Desk(custody)
    desk.stage(Choice(instance, Verb.NOTHING_MISSED, "desk/rita"), wait_seconds=60)

    waiting = desk.entries()
    taken_back = desk.undo("desk/rita")

    assert waiting == []
    assert taken_back == instance
    assert [entry.id for entry in desk.entries()] == [instance]


def test_what_is_withheld_is_no_sample_and_a_sample_is_not_decided_on_like_it(
    custody: Custody,
) -> None:
    instance = delivered(custody, 1)

    with pytest.raises(InputError):
        Desk(custody).stage(Choice(instance, Verb.HOLD, "desk/rita"), wait_seconds=0)
