"""The node is killed at every named point; nothing that it acknowledged is lost.

After the kill a node without a fuse starts on the same spool. First all that was
acknowledged must end by itself; only then the scanner sends everything again, as
it would after an abort, and that must make no second copy.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.fuse import Fuse, Victim
from tests.crash.house import House, house
from tests.crash.parcels import parcels
from tests.crash.points import NODE_POINTS, WORKER_POINTS
from tests.crash.scanner import Scanner
from tests.fakes.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as built:
        yield built


@pytest.mark.parametrize("point", NODE_POINTS)
def test_a_node_killed_at_the_point_loses_and_doubles_nothing(home: House, point: str) -> None:
    # A sweep removes all that it finds at once: it may be the only one.
    home.start(point, passes=1 if point.startswith("retire") else 3)

    _send_die_and_recover(home)


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_node_killed_while_its_worker_is_at_the_point(home: House, point: str) -> None:
    home.start(point, passes=3, victim=Victim.PARENT)

    _send_die_and_recover(home)


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_worker_killed_at_the_point_costs_its_instance_one_start(home: House, point: str) -> None:
    fuse: Fuse = home.start(point, passes=3)
    scanner, sent = Scanner(), parcels(8)

    scanner.send(sent, home.port, associations=2)
    eventually(lambda: fuse.has_blown, what="the worker dies at its point")
    home.wait_until_quiet()

    assert scanner.acknowledged == {parcel.sop_instance_uid for parcel in sent}
    assert {row.state for row in home.journal()} == {"delivered"}
    home.check_all(scanner.acknowledged)
    home.stop()


def _send_die_and_recover(home: House) -> None:
    scanner, sent = Scanner(), parcels(8)
    scanner.send(sent, home.port, associations=2)
    home.wait_for_death()

    home.start()
    home.wait_until_quiet()
    home.check_all(scanner.acknowledged)

    again = Scanner()
    again.send(sent, home.port, associations=2)
    home.wait_until_quiet()
    everything = {parcel.sop_instance_uid for parcel in sent}
    assert again.acknowledged == everything
    home.check_all(everything)
    # None of these files is beyond the corridor: what waits for a person waits without a reason.
    assert {row.state for row in home.journal()} == {"delivered"}
    home.stop()
    home.check_no_orphans()
