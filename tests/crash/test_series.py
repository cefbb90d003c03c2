"""The node is killed while it waits for a series: no slice is lost, and none is another for it."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from pynetdicom.dsutils import decode, encode

from tests.builders.slices import slices
from tests.crash.house import House, house
from tests.crash.parcels import Parcel
from tests.crash.points import SERIES_POINTS, WORKER_POINTS
from tests.crash.scanner import Scanner

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("killed_series"),
]

COUNT = 6


def series() -> Sequence[Parcel]:
    """Return a series out of order, with text on two of its slices."""
    made = []
    for dataset in slices(COUNT, written=(2, 3)):
        dataset.PatientName, dataset.PatientID = "XAVERKANARI^Quax", "QWX-4711-KANARI"
        dataset.PatientBirthDate = "19330517"
        content = encode(dataset, is_implicit_vr=False, is_little_endian=True)
        assert content is not None
        syntax = str(dataset.file_meta.TransferSyntaxUID)
        made.append(Parcel(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), syntax, content))
    return [made[number] for number in (3, 0, 5, 2, 1, 4)]


def pixels_of(home: House) -> Mapping[str, bytes]:
    """Return the pixels that have arrived, by the UID as sent; several deliveries are equal."""
    arrivals = home.archive.arrivals()
    found = {}
    for row in home.journal():
        assert row.clean_uid is not None
        content = io.BytesIO(arrivals[row.clean_uid][0].read_bytes())
        arrived = decode(content, is_implicit_vr=False, is_little_endian=True)
        found[row.sop_instance_uid] = arrived.PixelData
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """Return the pixels of a series whose node was never killed."""
    with house(tmp_path_factory.mktemp("undisturbed"), waits=True) as home:
        home.start()
        Scanner().send(series(), home.port)
        home.wait_until_quiet()
        home.stop()
        return pixels_of(home)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, waits=True) as built:
        yield built


@pytest.mark.req("REQ-RX-30")
@pytest.mark.parametrize("point", [*SERIES_POINTS, "claim-committed", *WORKER_POINTS])
def test_a_node_killed_at_the_point_loses_no_slice_and_gives_the_same_bytes(
    home: House, undisturbed: Mapping[str, bytes], point: str
) -> None:
    # A series is closed once.
    home.start(point, passes=1 if point.startswith("close") else 3)
    scanner = Scanner()
    scanner.send(series(), home.port)
    if point in WORKER_POINTS:
        # A worker alone: its slice is started again.
        home.wait_until_quiet()
    else:
        home.wait_for_death()
        home.start()
        # What the node has not answered is sent again, as a scanner does.
        scanner.send(series(), home.port)
        home.wait_until_quiet()

    assert {row.state for row in home.journal()} == {"delivered"}
    home.check_all(scanner.acknowledged)
    assert pixels_of(home) == undisturbed
    home.stop()
    home.check_no_orphans()
