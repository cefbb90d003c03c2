"""Whose instances are due first: senders take turns, each in its own order."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import integers, lists, sampled_from

from deid_node.spool import journal
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.rows import report_json
from deid_node.values.delivery import Delivery
from deid_node.values.state import DeliveryState, InstanceState
from tests.builders.values import a_report

_INSTANCE = (
    "INSERT INTO instances (id, state, changed_at, sop_class_uid, sop_instance_uid, blob_sha256,"
    " blob_size_bytes, transfer_syntax, peer, calling_ae, called_ae, address, association,"
    " received_at, rule, clean_sha256, clean_size_bytes, clean_sop_instance_uid,"
    " clean_series_instance_uid, clean_study_instance_uid, clean_transfer_syntax, report)"
    " VALUES (?, ?, 0, '1.2', ?, '00', 1, '1.2', 'any', ?, 'NODE', '127.0.0.1', 'a', 0, 'all',"
    " '00', 1, ?, '2.25.2', ?, '1.2', ?)"
)
_DELIVERY = (
    "INSERT INTO deliveries (instance_sequence, destination, state, next_at, sender)"
    " SELECT sequence, ?, ?, 0, calling_ae FROM instances WHERE id = ?"
)


class Waiting:
    """Sealed instances of many senders, due at a destination that is new for each example."""

    def __init__(self, custody: Custody) -> None:
        self.custody = custody
        self.destination = ""
        self._examples = 0

    def fill(self, senders: Sequence[str]) -> Sequence[str]:
        """Seal one instance of each of `senders`, in order; return their ids."""
        self._examples += 1
        self.destination = f"archive{self._examples}"
        ids = [f"{sender}{self._examples:06}{number:04}" for number, sender in enumerate(senders)]
        report = report_json(a_report())

        def write(transaction: Transaction) -> None:
            for instance, sender in zip(ids, senders, strict=True):
                study = f"2.25.{ord(sender)}"
                row = (instance, InstanceState.CLEAN, instance, sender, instance, study)
                transaction.connection.execute(_INSTANCE, (*row, report))
                transaction.connection.execute(
                    _DELIVERY, (self.destination, DeliveryState.DUE, instance)
                )

        self.custody.write(write)
        return ids

    def deliver(self, batch: Sequence[Delivery]) -> None:
        self.custody.write(
            lambda transaction: transaction.connection.executemany(
                "UPDATE deliveries SET state = ? WHERE destination = ? AND instance_sequence ="
                " (SELECT sequence FROM instances WHERE id = ?)",
                [(DeliveryState.DELIVERED, self.destination, one.instance.id) for one in batch],
            )
        )


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    options = SpoolOptions(dir=tmp_path_factory.mktemp("turns") / "spool", reserve_bytes=0)
    custody = Custody(options, exclusive=True)
    custody.open()
    yield Waiting(custody)
    custody.close()


@pytest.mark.req("REQ-FW-12")
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(senders=lists(sampled_from("PQRS"), min_size=1, max_size=40), limit=integers(1, 12))
def test_senders_take_turns_whatever_waits(
    waiting: Waiting, senders: list[str], limit: int
) -> None:
    ids = waiting.fill(senders)
    deliveries = Deliveries(waiting.custody)
    left = Counter(senders)
    came: list[str] = []
    passed_over: Counter[str] = Counter()

    while batch := deliveries.due(waiting.destination, limit=limit):
        waiting.deliver(batch)
        turns = Counter(one.instance.id[0] for one in batch)
        assert sum(turns.values()) == min(limit, sum(left.values()))
        for sender in left:
            # Who has more to give has at most one turn less than any other.
            assert turns[sender] == left[sender] or turns[sender] >= max(turns.values()) - 1
            passed_over[sender] = (
                0 if turns[sender] or not left[sender] else passed_over[sender] + 1
            )
            assert passed_over[sender] < len("PQRS")
        left -= turns
        came += [one.instance.id for one in batch]

    assert sorted(came) == sorted(ids)
    for sender in set(senders):
        own = [one for one in came if one[0] == sender]
        assert own == [one for one in ids if one[0] == sender]


def test_who_was_first_last_time_is_not_first_again(waiting: Waiting) -> None:
    waiting.fill("PPPQQR")
    deliveries = Deliveries(waiting.custody)

    came = []
    while batch := deliveries.due(waiting.destination, limit=1):
        came.append(batch[0].instance.id[0])
        waiting.deliver(batch)

    assert "".join(came) == "PQRPQP"


def test_studies_stay_together_in_what_is_due(waiting: Waiting) -> None:
    waiting.fill("PQPQ")

    due = Deliveries(waiting.custody).due(waiting.destination, limit=4)

    assert "".join(one.instance.id[0] for one in due) == "PPQQ"


def test_what_an_older_journal_has_due_is_known_by_its_sender(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    connection = sqlite3.connect(path)
    for step in journal._STEPS[:5]:
        connection.executescript(step)
    connection.execute(_INSTANCE, ("a", "clean", "1.2.3", "CT", "2.25.3", "2.25.1", "{}"))
    connection.execute(
        "INSERT INTO deliveries (instance_sequence, destination, state, next_at)"
        " VALUES (1, 'archive', 'due', 0)"
    )
    connection.execute("PRAGMA user_version=5")
    connection.commit()
    connection.close()

    opened = journal.connect(path)

    assert opened.execute("SELECT sender FROM deliveries").fetchone()[0] == "CT"
    opened.close()
