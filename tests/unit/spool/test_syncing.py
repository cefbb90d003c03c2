"""Threads that wait for the disk: they do what is asked, once, and do not stay for ever."""

import threading

import pytest

from deid_node.spool.syncing import Syncing
from tests.fakes.waiting import eventually


def disk_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "fsync"}


@pytest.fixture
def syncing(monkeypatch: pytest.MonkeyPatch) -> Syncing:
    monkeypatch.setattr("deid_node.spool.syncing._IDLE_SECONDS", 0.05)
    return Syncing()


def test_a_thread_that_has_nothing_to_do_ends_and_another_takes_its_place(
    syncing: Syncing,
) -> None:
    before = disk_threads()

    for _ in range(3):
        assert syncing.start(lambda: None).fault() is None
        eventually(lambda: not disk_threads() - before, what="the thread has ended")

    syncing.stop()


def test_nothing_that_is_asked_while_threads_end_is_forgotten(
    syncing: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    # They end in the very moment in which they are idle.
    monkeypatch.setattr("deid_node.spool.syncing._IDLE_SECONDS", 0.0)
    done: list[int] = []

    for number in range(2000):
        assert syncing.start(lambda number=number: done.append(number)).fault() is None  # type: ignore[misc]

    assert done == list(range(2000))
    syncing.stop()


def test_what_fails_is_told_to_whoever_waits_and_to_nobody_else(syncing: Syncing) -> None:
    def fails() -> None:
        raise OSError(5, "the disk fails")

    failed, fine = syncing.start(fails), syncing.start(lambda: None)

    assert isinstance(failed.fault(), OSError)
    assert fine.fault() is None
    syncing.stop()
