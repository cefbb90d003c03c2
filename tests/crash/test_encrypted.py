"""The node is killed with an encrypted spool: nothing is lost, and nothing lies in the clear."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.spool.encryption import MAGIC
from tests.crash.fuse import Victim
from tests.crash.house import House, house
from tests.crash.parcels import NEEDLES, parcels
from tests.crash.scanner import Scanner

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, encrypted=True) as built:
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
    home: House, tmp_path: Path, point: str, victim: Victim
) -> None:
    home.start(point, passes=3, victim=victim)
    scanner, sent = Scanner(), parcels(6)
    scanner.send(sent, home.port, associations=2)
    home.wait_for_death()
    left = {path: path.read_bytes() for path in _blobs(tmp_path / "spool")}

    home.start()
    home.wait_until_quiet()
    home.check_all(scanner.acknowledged)
    again = Scanner()
    again.send(sent, home.port)
    home.wait_until_quiet()

    assert left
    # What was cut off may have no byte yet; what has one has that of an encrypted file first.
    assert all(content.startswith(MAGIC[: len(content)]) for content in left.values())
    assert not any(needle in content for content in left.values() for needle in NEEDLES)
    assert {row.state for row in home.journal()} == {"delivered"}
    home.check_all({parcel.sop_instance_uid for parcel in sent})
    home.stop()
    home.check_no_orphans()


def _blobs(spool: Path) -> list[Path]:
    folders = ("partial", "received", "clean")
    return [path for name in folders for path in (spool / name).iterdir()]
