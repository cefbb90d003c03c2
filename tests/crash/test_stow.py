"""The node is killed while a sender stores by STOW-RS; nothing that an answer named is lost."""

from collections.abc import Iterator

import pytest

from tests.crash.points import NODE_POINTS
from tests.crash.scanner import Scanner
from tests.crash.standing import StandingHouse, standing_house
from tests.crash.web_scanner import WebScanner

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("killed_stow"),
]

DOOR_POINTS = [point for point in NODE_POINTS if point.startswith("accept")]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingHouse]:
    with standing_house(tmp_path_factory.mktemp("standing")) as built:
        yield built


@pytest.mark.parametrize("point", DOOR_POINTS)
def test_a_node_killed_at_the_point_loses_nothing_that_an_answer_has_named(
    standing: StandingHouse, point: str
) -> None:
    with standing.tenancy() as here:
        home, scanner, sent = here.house, WebScanner(), here.parcels(8)
        here.arm(point, passes=3)
        scanner.send(sent, home.web_port, associations=2)
        home.wait_for_death()

        home.start()
        home.wait_until_quiet()
        here.check(scanner.acknowledged)

        # Sent again, half of it on the other way: it is the same, and makes no second copy.
        again, other = WebScanner(), Scanner()
        again.send(sent[:4], home.web_port, associations=2)
        other.send(sent[4:], home.port, associations=2)
        home.wait_until_quiet()
        everything = {parcel.sop_instance_uid for parcel in sent}
        assert again.acknowledged | other.acknowledged == everything
        here.check(everything)
        assert {row.state for row in home.journal()} == {"delivered"}
