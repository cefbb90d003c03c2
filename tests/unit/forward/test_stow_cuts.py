"""A connection that is cut at any byte of a small exchange: nothing is lost, nothing claimed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import Parcel
from deid_node.forward.stow.destination import StowDestination
from deid_node.values.delivery import DeliveryResult
from tests.fakes.cutting_link import CuttingLink, Way
from tests.fakes.peer_parcels import a_parcel, dataset_bytes
from tests.fakes.stow_sending import stowing_to
from tests.fakes.web_archive import BASE, WebArchive


class Exchange:
    """One instance and a destination behind a link that can be cut."""

    def __init__(self, archive: WebArchive, link: CuttingLink, parcel: Parcel) -> None:
        self.archive = archive
        self.link = link
        self._parcel = parcel

    def sent(self, *, rested: bool = False) -> list[DeliveryResult]:
        """Send it over a connection of its own, or one that was used before."""
        with stowing_to(f"http://127.0.0.1:{self.link.port}{BASE}") as destination:
            if rested:
                assert self._results(destination) == [DeliveryResult.DELIVERED]
            return self._results(destination)

    def _results(self, destination: StowDestination) -> list[DeliveryResult]:
        try:
            return [receipt.result for receipt in destination.deliver([self._parcel])]
        except DestinationUnavailable:
            return []

    def lengths(self) -> dict[Way, int]:
        """Return how many bytes one exchange takes, either way."""
        self.link.crossed.update({Way.UP: 0, Way.DOWN: 0})
        assert self.sent() == [DeliveryResult.DELIVERED]
        return dict(self.link.crossed)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    parcel = a_parcel(tmp_path, rows=2, columns=2)
    with WebArchive() as archive, CuttingLink(archive.port) as link:
        yield Exchange(archive, link, parcel)
        assert set(archive.datasets().values()) == {dataset_bytes(parcel.path)}
        assert not archive.faults


@pytest.mark.slow
@pytest.mark.req("REQ-FW-15")
@pytest.mark.parametrize("rested", [False, True], ids=["new", "used"])
@pytest.mark.parametrize("way", list(Way))
def test_a_cut_at_any_byte_delivers_nothing_that_was_not_confirmed(
    way: Way, rested: bool, exchange: Exchange
) -> None:
    """On a connection that was used before, one more is tried at once: that is not a retry."""
    length = exchange.lengths()[way]
    assert length > 200

    # The first exchange is left whole where there is one.
    for place in range(rested, length):
        before = len(exchange.archive.arrivals)
        exchange.link.cut(way, length + place if rested else place)
        results = exchange.sent(rested=rested)

        stored = len(exchange.archive.arrivals) - before
        if rested:
            assert (results, stored >= 2) == ([DeliveryResult.DELIVERED], True), place
        else:
            assert results in ([], [DeliveryResult.RETRY]), place
            assert stored <= (way is Way.DOWN), place
        assert exchange.sent() == [DeliveryResult.DELIVERED], place


@pytest.mark.req("REQ-FW-15")
@pytest.mark.parametrize("way", list(Way))
def test_a_cut_behind_the_last_byte_changes_nothing(way: Way, exchange: Exchange) -> None:
    exchange.link.cut(way, exchange.lengths()[way])

    expected = {Way.UP: [DeliveryResult.RETRY], Way.DOWN: [DeliveryResult.DELIVERED]}
    assert exchange.sent() in ([DeliveryResult.DELIVERED], expected[way])
