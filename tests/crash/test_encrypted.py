"""The node is killed with an encrypted spool: nothing is lost, and nothing lies in the clear."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.spool.encryption import MAGIC
from tests.crash.fuse import Victim
from tests.crash.parcels import NEEDLES
from tests.crash.scanner import Scanner
from tests.crash.standing import StandingHouse, standing_house

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("killed_encrypted"),
]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingHouse]:
    with standing_house(tmp_path_factory.mktemp("standing"), encrypted=True) as built:
        yield built


@pytest.mark.parametrize(
    ("point", "victim"),
    [
        ("accept-written", Victim.SELF),
        ("accept-before-commit", Victim.SELF),
        ("work-written", Victim.PARENT),
        ("store-renamed", Victim.SELF),
        ("send-begun", Victim.SELF),
        ("settle-before-commit", Victim.SELF),
    ],
)
def test_a_node_killed_at_the_point_loses_and_doubles_nothing(
    standing: StandingHouse, point: str, victim: Victim
) -> None:
    with standing.tenancy() as here:
        home, scanner, sent = here.house, Scanner(), here.parcels(6)
        here.arm(point, passes=3, victim=victim)
        scanner.send(sent, home.port, associations=2)
        home.wait_for_death()
        left = {path: path.read_bytes() for path in _blobs(home.spool)}

        home.start()
        home.wait_until_quiet()
        here.check(scanner.acknowledged)
        again = Scanner()
        again.send(sent, home.port)
        home.wait_until_quiet()

        assert left
        # What was cut off may have no byte yet; what has one has that of an encrypted file first.
        assert all(content.startswith(MAGIC[: len(content)]) for content in left.values())
        assert not any(needle in content for content in left.values() for needle in NEEDLES)
        assert {row.state for row in home.journal()} == {"delivered"}
        here.check({parcel.sop_instance_uid for parcel in sent})


def _blobs(spool: Path) -> list[Path]:
    folders = ("partial", "received", "clean")
    return [path for name in folders for path in (spool / name).iterdir()]
