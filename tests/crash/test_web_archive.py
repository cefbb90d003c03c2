"""The node, or its archive, is killed while instances leave by STOW-RS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.house import House, house
from tests.crash.parcels import parcels
from tests.crash.scanner import Scanner
from tests.fakes.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, archive="stow") as built:
        yield built


@pytest.mark.parametrize(
    "point", ["send-begun", "sent", "settle-before-commit", "settle-committed"]
)
def test_a_node_killed_at_the_point_loses_and_doubles_nothing(home: House, point: str) -> None:
    home.start(point)
    scanner, sent = Scanner(), parcels(8)
    scanner.send(sent, home.port, associations=2)
    home.wait_for_death()

    home.start()
    home.wait_until_quiet()
    home.check_all(scanner.acknowledged)

    again = Scanner()
    again.send(sent, home.port, associations=2)
    home.wait_until_quiet()
    assert again.acknowledged == {parcel.sop_instance_uid for parcel in sent}
    home.check_all(again.acknowledged)
    assert {row.state for row in home.journal()} == {"delivered"}
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
