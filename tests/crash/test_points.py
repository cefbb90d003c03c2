"""The node is killed at every named point; nothing that it acknowledged is lost."""

from collections.abc import Iterator

import pytest

from tests.crash.fuse import Victim
from tests.crash.points import NODE_POINTS, WORKER_POINTS
from tests.crash.scanner import Scanner
from tests.crash.standing import StandingHouse, standing_house
from tests.fakes.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingHouse]:
    with standing_house(tmp_path_factory.mktemp("standing")) as built:
        yield built


@pytest.mark.parametrize("point", NODE_POINTS)
def test_a_node_killed_at_the_point_loses_and_doubles_nothing(
    standing: StandingHouse, point: str
) -> None:
    with standing.tenancy() as here:
        # A sweep removes all that it finds at once: it may be the only one.
        here.arm(point, passes=1 if point.startswith("retire") else 3)

        here.lose_nothing(here.parcels(8))


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_node_killed_while_its_worker_is_at_the_point(
    standing: StandingHouse, point: str
) -> None:
    with standing.tenancy() as here:
        here.arm(point, passes=3, victim=Victim.PARENT)

        here.lose_nothing(here.parcels(8))


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_worker_killed_at_the_point_costs_its_instance_one_start(
    standing: StandingHouse, point: str
) -> None:
    with standing.tenancy() as here:
        home, scanner, sent = here.house, Scanner(), here.parcels(8)
        fuse = here.arm(point, passes=3)

        scanner.send(sent, home.port, associations=2)
        eventually(lambda: fuse.has_blown, what="the worker dies at its point")
        home.wait_until_quiet()

        assert scanner.acknowledged == {parcel.sop_instance_uid for parcel in sent}
        assert {row.state for row in home.journal()} == {"delivered"}
        here.check(scanner.acknowledged)
