"""The node is killed between an instance and its companion; the archive has both in the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.house import House, house
from tests.crash.parcels import parcels
from tests.crash.scanner import Scanner

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, marked=True) as built:
        yield built


@pytest.mark.req("REQ-FW-13")
@pytest.mark.parametrize(("point", "passes"), [("sent", 1), ("send-begun", 2)])
def test_what_was_half_sent_is_there_whole_and_once_after_the_restart(
    home: House, point: str, passes: int
) -> None:
    home.start(point, passes=passes)
    scanner = Scanner()
    scanner.send(parcels(1), home.port)
    home.wait_for_death()
    (row,) = home.journal()
    assert list(home.archive.arrivals()) == [row.companion_uid]

    home.start()
    home.wait_until_quiet()

    assert {row.state for row in home.journal()} == {"delivered"}
    assert home.archive.arrivals().keys() == set(row.uids)
    assert len(home.archive.arrivals()[row.uids[1]]) == 2
    home.check_all(scanner.acknowledged)
    home.stop()
    home.check_no_orphans()


@pytest.mark.parametrize("point", ["store-renamed", "store-before-commit", "settle-before-commit"])
def test_a_node_killed_on_the_way_loses_and_doubles_nothing(home: House, point: str) -> None:
    # An instance passes the first twice: with its own file, then with that of its companion.
    home.start(point, passes=1)
    scanner, sent = Scanner(), parcels(3)
    scanner.send(sent, home.port)
    home.wait_for_death()

    home.start()
    home.wait_until_quiet()

    home.check_all(scanner.acknowledged)
    home.stop()
    home.check_no_orphans()
