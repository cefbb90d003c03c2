"""What a clock that was wrong wrote down does not keep anything waiting for years."""

from collections.abc import Callable
from time import time

import pytest

from deid_node.spool.archive_commitments import Confirmations
from deid_node.spool.clock import Clock
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.inventory import Inventory
from deid_node.spool.retention import Retention
from deid_node.spool.sender_commitments import Commitments
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.retry import RetryPolicy
from tests.unit.spool.test_commitments import asked
from tests.unit.spool.test_spool import cleaned

YEARS = 10 * 365 * 86400.0
RETRY = RetryPolicy(1, 2, 300)


def confirmations(custody: Custody) -> Confirmations:
    return Confirmations(custody, {"archive": 3}, RETRY)


def sent(custody: Custody) -> None:
    order = cleaned(custody)
    Deliveries(custody).hand_over(Receipt(order.id, "archive", DeliveryResult.DELIVERED, 0))


def delivery(custody: Custody) -> Callable[[], bool]:
    cleaned(custody)
    deliveries = Deliveries(custody)
    deliveries.postpone(deliveries.due("archive", limit=1)[0], seconds=YEARS)
    return lambda: bool(deliveries.due("archive", limit=1))


def answer_to_a_sender(custody: Custody) -> Callable[[], bool]:
    commitments = Commitments(custody)
    commitments.postpone(asked(custody), seconds=YEARS)
    return lambda: bool(commitments.due())


def question(custody: Custody) -> Callable[[], bool]:
    sent(custody)
    found = confirmations(custody)
    found.gather("archive", limit=5)
    found.postpone(found.due("archive")[0], seconds=YEARS)
    return lambda: bool(found.due("archive"))


def overdue_answer(custody: Custody) -> Callable[[], bool]:
    sent(custody)
    found = confirmations(custody)
    found.gather("archive", limit=5)
    found.asked(found.due("archive")[0])
    _move(custody, "inquiries", "asked_at")
    return lambda: bool(found.overdue("archive", seconds=-1))


def age_of_what_is_unconfirmed(custody: Custody) -> Callable[[], bool]:
    sent(custody)
    _move(custody, "deliveries", "settled_at")
    return lambda: Inventory(custody).unconfirmed("archive")[1] > 0


def bytes_to_be_removed(custody: Custody) -> Callable[[], bool]:
    order = cleaned(custody)
    Deliveries(custody).settle(Receipt(order.id, "archive", DeliveryResult.DELIVERED, 0))
    _move(custody, "instances", "changed_at")
    return lambda: Retention(custody).remove_expired() == 1


def age_of_what_waits(custody: Custody) -> Callable[[], bool]:
    cleaned(custody)
    _move(custody, "instances", "received_at")
    _move(custody, "instances", "changed_at")
    return lambda: Inventory(custody).waiting()["clean"][1] > 0


def _move(custody: Custody, table: str, column: str) -> None:
    statement = f"UPDATE {table} SET {column} = ?"  # noqa: S608
    custody.write(lambda transaction: transaction.connection.execute(statement, (time() + YEARS,)))


@pytest.mark.parametrize(
    "make",
    [
        delivery,
        answer_to_a_sender,
        question,
        overdue_answer,
        age_of_what_is_unconfirmed,
        bytes_to_be_removed,
        age_of_what_waits,
    ],
)
def test_what_lies_years_ahead_counts_from_now(
    custody: Custody, make: Callable[[Custody], Callable[[], bool]]
) -> None:
    goes_on = make(custody)
    assert not goes_on()

    corrected = Clock(custody, RETRY.cap_seconds).correct()

    assert corrected == 1
    assert goes_on()
    assert Clock(custody, RETRY.cap_seconds).correct() == 0


def test_an_honest_wait_is_left_alone(custody: Custody) -> None:
    cleaned(custody)
    deliveries = Deliveries(custody)
    deliveries.postpone(deliveries.due("archive", limit=1)[0], seconds=RETRY.cap_seconds)

    assert Clock(custody, RETRY.cap_seconds).correct() == 0

    assert deliveries.due("archive", limit=1) == []
