"""A worker, the archive or the scanner goes away in the middle; the node goes on."""

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deid_node.forward.dimse.association import AssociationLost
from tests.crash.house import House, house
from tests.crash.launcher import NO_POINT
from tests.crash.parcels import Parcel, parcels
from tests.crash.points import Poison
from tests.crash.scanner import Scanner
from tests.crash.standing import StandingHouse, standing_house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingHouse]:
    with standing_house(tmp_path_factory.mktemp("standing")) as built:
        yield built


@pytest.mark.parametrize(
    ("poison", "code"),
    [(Poison.SEGFAULT, "worker_lost"), (Poison.LEAK, "memory_limit")],
    ids=["crashes", "eats all memory"],
)
def test_an_instance_that_kills_its_worker_is_withheld_alone_after_its_third_start(
    tmp_path: Path, poison: Poison, code: str
) -> None:
    with house(tmp_path) as home:
        _poison(home, poison, code)


def _poison(home: House, poison: Poison, code: str) -> None:
    home.start(poisoned=True, hurried=True)
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


def test_what_an_archive_that_was_killed_had_not_confirmed_comes_again(
    standing: StandingHouse,
) -> None:
    with standing.tenancy() as here:
        here.miss_the_archive()


def test_an_instance_that_its_sender_breaks_off_leaves_nothing_behind(
    standing: StandingHouse,
) -> None:
    with standing.tenancy() as here:
        here.arm(NO_POINT)
        home, scanner, sent = here.house, Scanner(), here.parcels(4)
        before = {row.sop_instance_uid for row in home.journal()}

        scanner.send(sent[:1], home.port)
        for parcel in sent[1:]:
            _break_off(scanner, parcel, home.port)
        scanner.send(sent[:1], home.port)
        home.wait_until_quiet()

        came = [row.sop_instance_uid for row in home.journal()]
        assert [uid for uid in came if uid not in before] == [sent[0].sop_instance_uid]
        here.check(scanner.acknowledged)
        scanner.send(sent, home.port)
        home.wait_until_quiet()
        assert len(scanner.acknowledged) == len(sent)
        here.check(scanner.acknowledged)


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
