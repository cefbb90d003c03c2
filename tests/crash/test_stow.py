"""The node is killed while a sender stores by STOW-RS; nothing that an answer named is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.house import House, house
from tests.crash.parcels import parcels
from tests.crash.points import NODE_POINTS
from tests.crash.scanner import Scanner
from tests.crash.web_scanner import WebScanner

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DOOR_POINTS = [point for point in NODE_POINTS if point.startswith("accept")]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as built:
        yield built


@pytest.mark.parametrize("point", DOOR_POINTS)
def test_a_node_killed_at_the_point_loses_nothing_that_an_answer_has_named(
    home: House, point: str
) -> None:
    home.start(point, passes=3)
    scanner, sent = WebScanner(), parcels(8)
    scanner.send(sent, home.web_port, associations=2)
    home.wait_for_death()

    home.start()
    home.wait_until_quiet()
    home.check_all(scanner.acknowledged)

    # Sent again, half of it on the other way: it is the same, and makes no second copy.
    again, other = WebScanner(), Scanner()
    again.send(sent[:4], home.web_port, associations=2)
    other.send(sent[4:], home.port, associations=2)
    home.wait_until_quiet()
    everything = {parcel.sop_instance_uid for parcel in sent}
    assert again.acknowledged | other.acknowledged == everything
    home.check_all(everything)
    assert {row.state for row in home.journal()} == {"delivered"}
    home.stop()
    home.check_no_orphans()
