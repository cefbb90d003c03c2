"""What custody says of instances that a sender would like to delete."""

import dataclasses
import sqlite3
from pathlib import Path

import pytest

from deid_node.errors import JournalNewer
from deid_node.spool import journal
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.sender_commitments import CommitmentRequest, Commitments
from deid_node.spool.withheld import WorkList
from deid_node.values.commitment import Commitment, FailureReason, Reference, Verdict
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.instance import ReceivedInstance
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Discarded, Withheld
from tests.builders.custody import Spool
from tests.builders.values import an_arrival
from tests.unit.spool.test_spool import cleaned

UID = "1.2.3"


def received(custody: Custody, uid: str = UID) -> ReceivedInstance:
    return Spool(custody).accept(an_arrival(uid), [b"head", b"bytes"]).instance


def started(custody: Custody) -> WorkOrder:
    order = Spool(custody).claim(received(custody).id)
    assert isinstance(order, WorkOrder)
    return order


def asked(
    custody: Custody, *uids: str, sop_class: str | None = None, transaction: str = "2.25.1"
) -> Commitment:
    sop_class = sop_class or an_arrival(UID).sop_class_uid
    references = tuple(Reference(sop_class, uid) for uid in uids or (UID,))
    commitments = Commitments(custody)
    commitments.enter(
        CommitmentRequest(transaction, "any", "SCANNER", "a1", references), delay_seconds=0
    )
    (commitment,) = commitments.due()
    return commitment


def verdict(custody: Custody) -> Verdict:
    return Commitments(custody).judge(asked(custody))


def reason(custody: Custody) -> FailureReason | None:
    found = verdict(custody)
    return found.failed[0][1] if found.failed else None


@pytest.mark.req("REQ-RX-14")
def test_what_lies_in_custody_is_confirmed(custody: Custody) -> None:
    received(custody)

    assert [one.sop_instance_uid for one in verdict(custody).confirmed] == [UID]


@pytest.mark.req("REQ-RX-14")
def test_what_is_withheld_or_clean_is_confirmed(custody: Custody) -> None:
    order = started(custody)
    Spool(custody).record(order, Withheld("no_rule", "no routing rule matched"))
    cleaned(custody, "1.2.4")

    found = Commitments(custody).judge(asked(custody, UID, "1.2.4"))

    assert len(found.confirmed) == 2


@pytest.mark.req("REQ-RX-14")
def test_what_was_delivered_is_confirmed_after_its_bytes_are_gone(custody: Custody) -> None:
    order = cleaned(custody, UID)
    Deliveries(custody).settle(Receipt(order.id, "archive", DeliveryResult.DELIVERED, 0))
    Retention(custody).remove_expired()
    assert not any(custody.blobs.received.iterdir())

    assert reason(custody) is None


@pytest.mark.req("REQ-RX-15")
def test_what_never_came_is_not_confirmed(custody: Custody) -> None:
    assert reason(custody) is FailureReason.NO_SUCH_OBJECT_INSTANCE


@pytest.mark.req("REQ-RX-15")
def test_what_came_under_another_class_is_not_confirmed(custody: Custody) -> None:
    received(custody)

    found = Commitments(custody).judge(asked(custody, sop_class="1.2.840.10008.5.1.4.1.1.4"))

    assert found.failed[0][1] is FailureReason.CLASS_INSTANCE_CONFLICT


@pytest.mark.req("REQ-RX-15")
@pytest.mark.parametrize("damage", ["missing", "shorter", "another byte"])
def test_what_is_damaged_on_disk_is_not_confirmed(custody: Custody, damage: str) -> None:
    path = custody.blobs.received / received(custody).blob.name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"headbyte" + (b"" if damage == "shorter" else b"!"))

    assert reason(custody) is FailureReason.PROCESSING_FAILURE


@pytest.mark.req("REQ-RX-15")
@pytest.mark.parametrize("by", ["rule", "person"])
def test_what_was_discarded_is_not_confirmed(custody: Custody, by: str) -> None:
    order = started(custody)
    if by == "rule":
        Spool(custody).record(order, Discarded("everything"))
    else:
        Spool(custody).record(order, Withheld("no_rule", "no routing rule matched"))
        WorkList(custody).discard(order.id, person="anna")

    assert reason(custody) is FailureReason.NO_SUCH_OBJECT_INSTANCE


def test_each_instance_is_judged_for_itself_in_the_order_asked(custody: Custody) -> None:
    received(custody, "1.2.3")
    received(custody, "1.2.5")

    found = Commitments(custody).judge(asked(custody, "1.2.3", "1.2.4", "1.2.5"))

    assert [one.sop_instance_uid for one in found.confirmed] == ["1.2.3", "1.2.5"]
    assert [one.sop_instance_uid for one, _ in found.failed] == ["1.2.4"]


@pytest.mark.req("REQ-RX-16")
def test_a_request_is_there_after_a_restart_until_it_was_answered(options: SpoolOptions) -> None:
    before = Custody(options, exclusive=True)
    before.open()
    asked(before)
    before.close()
    after = Custody(options, exclusive=True)
    after.open()
    commitments = Commitments(after)

    (due,) = commitments.due()
    commitments.told(due)

    assert (due.peer, due.calling_ae, due.transaction_uid) == ("any", "SCANNER", "2.25.1")
    assert commitments.due() == []
    assert commitments.next_due_seconds() is None
    after.close()


def test_the_same_transaction_again_is_answered_again_and_once(custody: Custody) -> None:
    first = asked(custody)
    Commitments(custody).told(first)

    second = asked(custody, "1.2.9")

    assert second.id == first.id
    assert [one.sop_instance_uid for one, _ in Commitments(custody).judge(second).failed] == [
        "1.2.9"
    ]


def test_a_postponed_answer_is_due_later(custody: Custody) -> None:
    commitments = Commitments(custody)
    commitments.postpone(asked(custody), seconds=30)

    left = commitments.next_due_seconds()

    assert commitments.due() == []
    assert left is not None
    assert 29 < left <= 30


def test_what_nobody_could_be_told_for_long_is_given_up(custody: Custody) -> None:
    asked(custody)
    commitments = Commitments(custody)

    young, old = (
        commitments.expire(older_than_seconds=3600),
        commitments.expire(older_than_seconds=-1),
    )

    assert (list(young), list(old)) == ([], ["any"])
    assert commitments.due() == []


def test_a_journal_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    connection = sqlite3.connect(path)
    for statement in journal._SCHEMA.strip().rstrip(";").split(";"):
        connection.execute(statement)
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()

    opened = journal.connect(path)

    assert opened.execute("SELECT COUNT(*) FROM commitments").fetchone()[0] == 0
    assert opened.execute("PRAGMA user_version").fetchone()[0] == journal.SCHEMA_VERSION
    opened.close()


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal.connect(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.commit()
    connection.close()

    with pytest.raises(JournalNewer):
        journal.connect(path)


def _sent_by(custody: Custody, peer: str, calling_ae: str) -> None:
    arrival = an_arrival(UID, calling_ae=calling_ae)
    arrival = dataclasses.replace(arrival, origin=dataclasses.replace(arrival.origin, peer=peer))
    Spool(custody).accept(arrival, [b"head", b"bytes"])


def _asked_by(custody: Custody, peer: str, calling_ae: str) -> Commitment:
    reference = Reference(an_arrival(UID).sop_class_uid, UID)
    commitments = Commitments(custody)
    commitments.enter(
        CommitmentRequest("2.25.9", peer, calling_ae, "a1", (reference,)), delay_seconds=0
    )
    (commitment,) = commitments.due()
    return commitment


@pytest.mark.req("REQ-RX-15")
@pytest.mark.parametrize(
    ("sender", "asker", "is_told"),
    [
        (("ct-one", "CT1"), ("ct-one", "CT1"), True),
        (("ct-one", "CT1"), ("mr-one", "MR1"), False),
        (("ct-one", "CT1"), ("pacs", "PACS"), True),
        (("pacs", "PACS"), ("ct-one", "CT1"), False),
        (("any", "CT1"), ("any", "CT1"), True),
        (("any", "CT1"), ("any", "MR1"), False),
        (("any", "CT1"), ("ct-one", "CT1"), True),
        (("any", "CT1"), ("pacs", "PACS"), False),
    ],
    ids=[
        "its own", "another's", "of one that it asks for", "not the other way round",
        "no list, its title", "no list, another title", "sent before the list", "of nobody's",
    ],
)  # fmt: skip
def test_who_asks_hears_of_its_own_instances_only(
    custody: Custody, sender: tuple[str, str], asker: tuple[str, str], is_told: bool
) -> None:
    """Of another's it hears what it would hear of one that never came."""
    _sent_by(custody, *sender)
    commitment = _asked_by(custody, *asker)

    found = Commitments(custody, {"pacs": ("ct-one",)}).judge(commitment)

    assert [one.sop_instance_uid for one in found.confirmed] == ([UID] if is_told else [])
    assert [reason for _, reason in found.failed] == (
        [] if is_told else [FailureReason.NO_SUCH_OBJECT_INSTANCE]
    )
