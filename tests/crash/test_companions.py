"""The node is killed between an instance and its companion; the archive has both in the end."""

from collections.abc import Iterator

import pytest

from tests.crash.scanner import Scanner
from tests.crash.standing import StandingHouse, standing_house

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("killed_companions"),
]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingHouse]:
    with standing_house(tmp_path_factory.mktemp("standing"), marked=True) as built:
        yield built


@pytest.mark.req("REQ-FW-13")
@pytest.mark.parametrize(("point", "passes"), [("sent", 1), ("send-begun", 2)])
def test_what_was_half_sent_is_there_whole_and_once_after_the_restart(
    standing: StandingHouse, point: str, passes: int
) -> None:
    with standing.tenancy() as here:
        # A slice: it has something that can be filled, and so a companion.
        home, scanner, (slice_, *_) = here.house, Scanner(), here.parcels(8)
        here.arm(point, passes=passes)
        before = set(home.archive.arrivals())
        scanner.send([slice_], home.port)
        home.wait_for_death()
        row = home.journal()[-1]
        assert home.archive.arrivals().keys() - before == {row.companion_uid}

        home.start()
        home.wait_until_quiet()

        assert {row.state for row in home.journal()} == {"delivered"}
        row = home.journal()[-1]
        assert home.archive.arrivals().keys() - before == set(row.uids)
        assert len(home.archive.arrivals()[row.uids[1]]) == 2
        here.check(scanner.acknowledged)


@pytest.mark.parametrize("point", ["store-renamed", "store-before-commit", "settle-before-commit"])
def test_a_node_killed_on_the_way_loses_and_doubles_nothing(
    standing: StandingHouse, point: str
) -> None:
    with standing.tenancy() as here:
        home, scanner, sent = here.house, Scanner(), here.parcels(8)[:3]
        # An instance passes the first twice: with its own file, then with that of its companion.
        here.arm(point, passes=1)
        scanner.send(sent, home.port)
        home.wait_for_death()

        home.start()
        home.wait_until_quiet()

        here.check(scanner.acknowledged)
