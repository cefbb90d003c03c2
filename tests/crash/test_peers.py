"""A worker, the archive or the scanner goes away in the middle; the node goes on."""

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deid_node.forward.dimse.association import AssociationLost
from tests.crash.house import House, house
from tests.crash.launcher import POISON
from tests.crash.parcels import Parcel, parcels
from tests.crash.points import Poison
from tests.crash.scanner import Scanner
from tests.fakes.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as built:
        yield built


@pytest.mark.parametrize(
    ("poison", "code"),
    [(Poison.SEGFAULT, "worker_lost"), (Poison.LEAK, "memory_limit")],
    ids=["crashes", "eats all memory"],
)
def test_an_instance_that_kills_its_worker_is_withheld_alone_after_its_third_start(
    home: House, poison: Poison, code: str
) -> None:
    home.start(POISON)
    scanner, poisoner, poisoned = Scanner(), Scanner(poison), parcels(1, start=40)

    poisoner.send(poisoned, home.port)
    scanner.send(parcels(6), home.port, associations=2)
    home.wait_until_quiet()

    ends = {row.sop_instance_uid: (row.state, row.code) for row in home.journal()}
    assert ends.pop(poisoned[0].sop_instance_uid) == ("withheld", code)
    assert set(ends.values()) == {("delivered", None)}
    assert home.events("worker_lost") == 3
    home.check_all(scanner.acknowledged | poisoner.acknowledged)
    home.stop()


def test_what_an_archive_that_was_killed_had_not_confirmed_comes_again(home: House) -> None:
    home.start()
    scanner, sent = Scanner(), parcels(16)

    scanner.send(sent[:8], home.port)
    eventually(home.archive.arrivals, what="the first arrival")
    home.archive.kill()
    scanner.send(sent[8:], home.port)
    eventually(lambda: home.events("destination_unreachable"), what="the archive is missed")
    home.archive.start()
    home.wait_until_quiet()

    assert len(scanner.acknowledged) == len(sent)
    assert {row.state for row in home.journal()} == {"delivered"}
    home.check_all(scanner.acknowledged)
    home.stop()


def test_an_instance_that_its_sender_breaks_off_leaves_nothing_behind(home: House) -> None:
    home.start()
    scanner, sent = Scanner(), parcels(4)

    scanner.send(sent[:1], home.port)
    for parcel in sent[1:]:
        _break_off(scanner, parcel, home.port)
    scanner.send(sent[:1], home.port)
    home.wait_until_quiet()

    assert [row.sop_instance_uid for row in home.journal()] == [sent[0].sop_instance_uid]
    home.check_all(scanner.acknowledged)
    scanner.send(sent, home.port)
    home.wait_until_quiet()
    assert len(scanner.acknowledged) == len(sent)
    home.check_all(scanner.acknowledged)
    home.stop()


def _break_off(scanner: Scanner, parcel: Parcel, port: int) -> None:
    """Send half of an instance, then close the connection."""
    association = scanner.associate([parcel], port)

    class HalfThere(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= len(parcel.dataset) // 2:
                association.shut()
            return super().read(min(size or -1, 2048))

    with suppress(AssociationLost):
        association.store(
            HalfThere(parcel.dataset),
            len(parcel.dataset),
            sop_class=parcel.sop_class_uid,
            sop_instance=parcel.sop_instance_uid,
            transfer_syntax=parcel.transfer_syntax,
        )
        pytest.fail("the half was taken for the whole")
