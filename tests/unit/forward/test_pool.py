"""How many associations an archive serves at once is found out by using it."""

from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import AssociationCounts, Crowded
from deid_node.forward.dimse import pool as module
from deid_node.forward.dimse.association import Archive
from deid_node.forward.dimse.pool import AssociationPool
from deid_node.values.instance import CleanInstance
from tests.fakes.peer_parcels import a_parcel

ARCHIVE = Archive("127.0.0.1", 1, "ARCHIVE", "DEIDNODE", 30, ("2.25.1", "TEST"))


class Standing:
    """An association that needs no connection."""

    def __init__(self, archive: "Archives", contexts: Any) -> None:
        self._archive = archive
        self.offered = frozenset((one.sop_class, one.transfer_syntax) for one in contexts)
        self.moved_at = self.last_used = monotonic()
        self.is_open = True

    def is_alive(self) -> bool:
        return self.is_open

    def release(self) -> None:
        self.is_open = False
        self._archive.standing.discard(self)

    shut = release


class Archives:
    """Serves `room` at once; remembers the patience of each request."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.standing: set[Standing] = set()
        self.patience: list[float | None] = []
        self.is_down = False
        self.moves = True

    def open(
        self, _archive: Archive, contexts: Any, *, patience_seconds: float | None = None
    ) -> Standing:
        self.patience.append(patience_seconds)
        if self.is_down or len(self.standing) >= self.room:
            if self.moves:
                for one in self.standing:
                    one.moved_at = monotonic()
            raise DestinationUnavailable("the destination did not answer in time")
        made = Standing(self, contexts)
        self.standing.add(made)
        return made


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Archives:
    archive = Archives(room=1)
    monkeypatch.setattr(module, "open_association", archive.open)
    return archive


@pytest.fixture
def instance(tmp_path: Path) -> CleanInstance:
    return a_parcel(tmp_path).instance


def _pool(*, most: int = 3, try_more_seconds: float = 600) -> AssociationPool:
    return AssociationPool(ARCHIVE, most=most, idle_seconds=10, try_more_seconds=try_more_seconds)


def test_a_second_request_that_is_not_answered_while_the_first_moves_is_the_limit(
    archive: Archives, instance: CleanInstance
) -> None:
    pool = _pool()
    pool.fresh([instance])

    with pytest.raises(Crowded):
        pool.fresh([instance])

    assert pool.counts() == AssociationCounts(in_use=1, idle=0, allowed=1)
    assert pool.places == 1
    first, second = archive.patience
    assert first is None
    assert second is not None
    assert second < ARCHIVE.timeout_seconds


def test_an_archive_that_serves_two_is_used_by_two(
    archive: Archives, instance: CleanInstance
) -> None:
    archive.room = 2
    pool = _pool()
    pool.fresh([instance])
    pool.fresh([instance])

    with pytest.raises(Crowded):
        pool.fresh([instance])

    assert pool.places == 2


def test_where_nothing_moves_the_archive_is_unreachable_and_nothing_is_learnt(
    archive: Archives, instance: CleanInstance
) -> None:
    pool = _pool()
    pool.fresh([instance])
    archive.is_down, archive.moves = True, False

    with pytest.raises(DestinationUnavailable):
        pool.fresh([instance])

    assert pool.places == 3


def test_an_idle_one_that_lives_counts_and_a_dead_one_does_not(
    archive: Archives, instance: CleanInstance
) -> None:
    pool = _pool()
    first = pool.fresh([instance])
    pool.give_back(first)
    archive.moves = False

    with pytest.raises(Crowded):
        pool.fresh([instance])
    limited = pool.places
    other = _pool()
    archive.standing.clear()
    dead = other.fresh([instance])
    other.give_back(dead)
    dead.release()
    archive.is_down = True
    with pytest.raises(DestinationUnavailable):
        other.fresh([instance])

    assert (limited, other.places) == (1, 3)


def test_nothing_is_kept_open_at_an_archive_that_serves_few(
    archive: Archives, instance: CleanInstance
) -> None:
    """Others wait there for their turn: our own question for its commitment is one of them."""
    pool = _pool()
    first = pool.fresh([instance])
    with pytest.raises(Crowded):
        pool.fresh([instance])

    pool.give_back(first)

    assert pool.counts() == AssociationCounts(in_use=0, idle=0, allowed=1)
    assert archive.standing == set()


def test_after_a_while_more_are_tried_and_used_where_they_are_served(
    archive: Archives, instance: CleanInstance
) -> None:
    pool = _pool(try_more_seconds=0)
    pool.fresh([instance])
    with pytest.raises(Crowded):
        pool.fresh([instance])
    tried = pool.places
    archive.room = 3

    pool.fresh([instance])
    pool.fresh([instance])

    assert tried == 2
    assert pool.counts() == AssociationCounts(in_use=3, idle=0, allowed=3)


def test_an_archive_that_is_gone_is_called_once_by_those_who_wait(
    archive: Archives, instance: CleanInstance
) -> None:
    pool = _pool()
    archive.is_down = True
    with pytest.raises(DestinationUnavailable):
        pool.fresh([instance])

    archive.is_down = False

    # Who asks anew is not put off by it.
    assert pool.fresh([instance]) is not None
    assert len(archive.patience) == 2
