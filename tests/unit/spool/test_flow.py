"""What has come and gone of late."""

from time import time

from deid_node.spool.custody import Custody
from deid_node.spool.flow import Flow
from deid_node.values.status import DestinationStatus
from tests.unit.spool.test_inventory import arrive, deliver, seal


def aged(custody: Custody, sequence: int, seconds: float) -> None:
    custody.write(
        lambda transaction: transaction.connection.execute(
            "UPDATE instances SET received_at = ? WHERE sequence = ?",
            (time() - seconds, sequence),
        )
    )


def test_what_came_is_counted_by_hour_day_and_sender(custody: Custody) -> None:
    for number, seconds in enumerate((10, 4000, 100_000)):
        arrive(custody, number)
        aged(custody, number + 1, seconds)

    assert Flow(custody).received() == (1, 2, 3)
    (peer,) = Flow(custody).peers()
    assert (peer.name, peer.listener, peer.instances) == ("any", "", 3)
    assert time() - peer.last_at < 60


def test_the_beginning_of_a_long_journal_is_left_out(custody: Custody) -> None:
    for number in range(5):
        arrive(custody, number)
        aged(custody, number + 1, 10)

    assert Flow(custody, most_rows=2).received() == (2, 2, 2)


def test_a_destination_that_is_not_configured_shows_while_something_is_due(
    custody: Custody,
) -> None:
    for number in range(3):
        instance = arrive(custody, number)
        seal(custody, instance, "gone" if number == 2 else "archive", study="2.25.7")
        if number == 0:
            deliver(custody, instance, "archive")

    found = {one.name: one for one in Flow(custody).destinations(("archive", "new"))}

    assert list(found) == ["archive", "new", "gone"]
    assert (found["archive"].due, found["archive"].delivered_last_hour) == (1, 1)
    assert found["archive"].last_at is not None
    assert found["new"] == DestinationStatus("new", True, 0, 0, 0, 0, 0, None)
    assert (found["gone"].is_configured, found["gone"].due) == (False, 1)


def test_an_empty_journal_has_nothing_to_tell(custody: Custody) -> None:
    assert Flow(custody).received() == (0, 0, 0)
    assert Flow(custody).peers() == []
    assert Flow(custody).destinations(()) == []
