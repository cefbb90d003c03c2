"""Our own sender at our own door, over a link that is cut at any byte.

Delivered, for the sender, is what the door has in custody; and what the door has without
the sender knowing is a repeat when it comes again.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import Parcel
from deid_node.forward.stow.destination import StowDestination
from deid_node.values.delivery import DeliveryResult
from tests.fakes.cutting_link import CuttingLink, Way
from tests.fakes.peer_parcels import a_parcel
from tests.fakes.stow_house import StowHouse, stow_house
from tests.fakes.stow_sending import stowing_to
from tests.fakes.waiting import eventually


@pytest.fixture
def house(tmp_path: Path) -> Iterator[StowHouse]:
    with stow_house(tmp_path / "spool", max_refusals_per_minute=0) as built:
        yield built


@pytest.fixture
def parcels(tmp_path: Path) -> list[Parcel]:
    return two(tmp_path, study=1)


def two(folder: Path, *, study: int) -> list[Parcel]:
    """Return two small instances of a study."""
    return [a_parcel(folder, number=one, study=study, rows=2, columns=2) for one in (1, 2)]


def delivered(parcels: list[Parcel], port: int) -> list[DeliveryResult]:
    with stowing_to(f"http://127.0.0.1:{port}/dicom-web") as destination:
        return _results(destination, parcels)


def _results(destination: StowDestination, parcels: list[Parcel]) -> list[DeliveryResult]:
    try:
        return [receipt.result for receipt in destination.deliver(parcels)]
    except DestinationUnavailable:
        return []


def test_what_our_sender_sends_is_delivered(house: StowHouse, parcels: list[Parcel]) -> None:
    assert delivered(parcels, house.door.port) == [DeliveryResult.DELIVERED] * 2
    assert house.kept() == ["2.25.1.1", "2.25.1.2"]


def test_a_full_disk_is_a_matter_of_time_to_our_sender(
    house: StowHouse, parcels: list[Parcel]
) -> None:
    house.room = False
    assert DeliveryResult.DELIVERED not in delivered(parcels, house.door.port)
    house.room = True
    assert delivered(parcels, house.door.port) == [DeliveryResult.DELIVERED] * 2


@pytest.mark.slow
@pytest.mark.req("REQ-RX-29")
@pytest.mark.parametrize("way", list(Way))
def test_a_cut_at_any_byte_leaves_both_of_one_mind(
    way: Way, house: StowHouse, parcels: list[Parcel], tmp_path: Path
) -> None:
    """After a request without an answer our sender tries each half of it, at once."""
    with CuttingLink(house.door.port) as link:
        delivered(parcels, link.port)
        length = link.crossed[way]
        assert length > 200
        for place in range(length):
            fresh = two(tmp_path, study=place + 2)
            uids = [one.instance.sop_instance_uid for one in fresh]
            link.cut(way, place)
            results = delivered(fresh, link.port)

            claimed = {
                uid
                for uid, result in zip(uids, results, strict=False)
                if result is DeliveryResult.DELIVERED
            }
            assert claimed <= set(house.kept(*uids))
            assert delivered(fresh, link.port) == [DeliveryResult.DELIVERED] * 2
            # Once each, whatever was taken without the sender knowing.
            assert sorted(house.kept(*uids)) == uids
        assert eventually(lambda: not house.partial(), what="nothing is left half way")
