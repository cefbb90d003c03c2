"""Many callers, one commit: who leads commits for all, and nobody is answered early or never."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.errors import SpoolUnavailable
from deid_node.spool.committer import GroupCommitter, Transaction

CALLERS = 8


class Journal:
    """A file with one table, and the number of its commits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.commits = 0
        self.hold = threading.Event()
        self.hold.set()
        self.reached = threading.Event()

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("CREATE TABLE IF NOT EXISTS marks (mark INTEGER)")
        connection.set_trace_callback(self._count)
        return connection

    def _count(self, statement: str) -> None:
        if statement == "COMMIT":
            self.commits += 1
            self.reached.set()
            self.hold.wait(20)

    def marks(self) -> list[int]:
        connection = sqlite3.connect(self._path)
        found = [mark for (mark,) in connection.execute("SELECT mark FROM marks ORDER BY rowid")]
        connection.close()
        return found


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


@pytest.fixture
def committer(journal: Journal) -> Iterator[GroupCommitter]:
    committer = GroupCommitter(journal.connect)
    yield committer
    journal.hold.set()
    committer.stop()


def _mark(number: int) -> "Mark":
    return Mark(number)


class Mark:
    """A task that writes a number and returns it."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, transaction: Transaction) -> int:
        transaction.connection.execute("INSERT INTO marks VALUES (?)", (self.number,))
        return self.number


def _beside(committer: GroupCommitter, results: dict[int, object]) -> list[threading.Thread]:
    """Start callers that wait behind the commit that is held."""

    def call(number: int) -> None:
        try:
            results[number] = committer.run(_mark(number))
        except SpoolUnavailable as error:
            results[number] = error

    threads = [threading.Thread(target=call, args=(number,)) for number in range(1, CALLERS + 1)]
    for thread in threads:
        thread.start()
    return threads


def test_those_who_wait_for_a_commit_share_the_next(
    journal: Journal, committer: GroupCommitter
) -> None:
    results: dict[int, object] = {}
    journal.hold.clear()
    first = threading.Thread(target=lambda: results.update({0: committer.run(_mark(0))}))
    first.start()
    assert journal.reached.wait(20)

    threads = _beside(committer, results)
    while len(committer._waiting) < CALLERS:
        threads[0].join(0.01)
    before = dict(results)
    journal.hold.set()
    for thread in (first, *threads):
        thread.join(20)

    assert before == {}
    assert results == {number: number for number in range(CALLERS + 1)}
    assert sorted(journal.marks()) == list(range(CALLERS + 1))
    assert journal.commits == 2


def test_a_task_that_raises_is_rolled_back_alone(
    journal: Journal, committer: GroupCommitter
) -> None:
    def fail(transaction: Transaction) -> None:
        _mark(1)(transaction)
        raise KeyError("mine")

    committer.run(_mark(0))
    with pytest.raises(KeyError):
        committer.run(fail)
    committer.run(_mark(2))

    assert journal.marks() == [0, 2]


def test_an_interruption_of_the_leader_leaves_nobody_waiting(
    journal: Journal, committer: GroupCommitter
) -> None:
    """It leads for others too; they hear that nothing was kept."""
    results: dict[int, object] = {}
    inside, go_on = threading.Event(), threading.Event()

    def interrupt(_transaction: Transaction) -> None:
        inside.set()
        assert go_on.wait(20)
        raise KeyboardInterrupt

    def lead() -> None:
        with pytest.raises(KeyboardInterrupt):
            committer.run(interrupt)

    leader = threading.Thread(target=lead)
    leader.start()
    assert inside.wait(20)
    threads = _beside(committer, results)
    go_on.set()
    for thread in (leader, *threads):
        thread.join(20)

    assert results == {number: number for number in range(1, CALLERS + 1)}
    assert committer.run(_mark(99)) == 99


def test_after_the_end_nobody_lines_up(journal: Journal) -> None:
    committer = GroupCommitter(journal.connect)
    committer.run(_mark(0))

    committer.stop()

    with pytest.raises(SpoolUnavailable):
        committer.run(_mark(1))
    assert journal.marks() == [0]
