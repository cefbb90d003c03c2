"""Archives of the web in their manners, with a real spool: what becomes of what waits for them."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydicom.uid import ImplicitVRLittleEndian

from deid_node.forward.build import build_destination
from deid_node.forward.sender import Sender
from deid_node.observe.events import Event
from deid_node.observe.labels import ConfiguredNames
from deid_node.observe.metrics import Metrics
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.withheld import WorkList
from deid_node.values.retry import RetryPolicy
from tests.builders.custody import delivery_states, sealed
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_parcels import a_parcel, dataset_bytes
from tests.fakes.stow_sending import stow
from tests.fakes.waiting import eventually
from tests.fakes.web_archive import Asked, File, Manner, Reply, WebArchive, judging, plain

SOON = RetryPolicy(0.02, 1, 0.02)


class House:
    """A spool with sealed instances that are due at an archive of the web."""

    def __init__(self, folder: Path, url: str, **more: Any) -> None:
        self.folder = folder
        self.custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry(), ConfiguredNames(destinations=("archive",)))
        self.sender = Sender(
            build_destination("archive", stow(url, max_connections=1, **more)),
            Deliveries(self.custody),
            SOON,
            log=self.log,
            metrics=self.metrics,
        )

    def fill(self, count: int, *, rows: int = 8) -> dict[str, bytes]:
        """Seal instances; return the bytes of their datasets by UID."""
        made = [
            sealed(self.custody, self.folder, number=number, rows=rows)
            for number in range(1, count + 1)
        ]
        return {one.instance.sop_instance_uid: dataset_bytes(one.path) for one in made}

    def states(self) -> list[str]:
        return sorted(delivery_states(self.custody, "archive").values())

    def results(self) -> Mapping[str, float]:
        counted = {
            result: self.metrics.registry.get_sample_value(
                "deid_node_deliveries_total", {"destination": "archive", "result": result}
            )
            for result in ("delivered", "warning", "retry", "refused")
        }
        return {result: count for result, count in counted.items() if count}

    def run(self) -> None:
        """Let it deliver until nothing is due."""
        self.sender.start()
        eventually(lambda: "due" not in self.states(), what="it ends", patience_seconds=60)


@contextmanager
def house(folder: Path, url: str, **more: Any) -> Iterator[House]:
    built = House(folder, url, **more)
    try:
        yield built
    finally:
        built.sender.stop(finish_seconds=5)
        built.custody.close()


def already(one: File, archive: WebArchive) -> bool:
    return one.uid in archive.held


def azure(one: File, archive: WebArchive) -> int | None:
    """A duplicate is no success, and Implicit VR is not taken."""
    if one.syntax == ImplicitVRLittleEndian:
        return 0xC122
    return 45070 if already(one, archive) else None


def google(one: File, archive: WebArchive) -> int | None:
    """Other content under known UIDs is a failure in processing."""
    held = archive.held.get(one.uid)
    return 0x0110 if held is not None and held.dataset != one.dataset else None


def overwriting(one: File, archive: WebArchive) -> int | None:
    """Whatever comes is taken, also again."""
    return None


MANNERS: dict[str, Manner] = {
    "Azure": judging(azure, most_bytes=50_000),
    "AWS HealthImaging": judging(overwriting, most_bytes=20_000),
    "Google": judging(google, xml=True),
    "dcm4chee": judging(overwriting, xml=True, warning_header=True),
    "Orthanc": plain,
}


@pytest.mark.req("REQ-FW-14")
@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS.keys())
def test_all_of_it_arrives_once_in_the_manner_of_each(manner: Manner, tmp_path: Path) -> None:
    with WebArchive(manner) as archive, house(tmp_path, archive.url) as home:
        sent = home.fill(40, rows=60)
        home.run()

        assert home.states() == ["delivered"] * 40
        assert archive.datasets() == sent
        assert len(archive.arrivals) == 40
        assert not archive.faults


@pytest.mark.req("REQ-FW-14")
@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS.keys())
def test_what_was_stored_without_our_hearing_it_is_delivered_once_it_is_said(
    manner: Manner, tmp_path: Path
) -> None:
    """The answer to every first request of a batch is lost."""
    lost: list[list[str]] = []

    def forgetful(asked: Asked, archive: WebArchive) -> Reply:
        reply = manner(asked, archive)
        if reply.kept - {uid for uids in lost for uid in uids}:
            lost.append(asked.uids)
            return dataclasses.replace(reply, status=200, content=b"")
        return reply

    with WebArchive(forgetful) as archive, house(tmp_path, archive.url) as home:
        sent = home.fill(12)
        home.run()

        assert home.states() == ["delivered"] * 12
        assert archive.datasets() == sent
        assert lost


def test_implicit_vr_goes_to_azure_in_explicit_vr(tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, transfer_syntax=ImplicitVRLittleEndian)

    with WebArchive(MANNERS["Azure"]) as archive:
        options = stow(archive.url, transfer_syntaxes="explicit_vr")
        destination = build_destination("archive", options)
        receipts = list(destination.deliver([parcel]))
        destination.close()

    assert [one.result for one in receipts] == ["delivered"]
    assert [one.syntax for one in archive.arrivals] == ["1.2.840.10008.1.2.1"]


def test_one_that_is_refused_for_good_is_withheld_and_the_others_go_on(tmp_path: Path) -> None:
    manner = judging(lambda one, _archive: 0xC000 if one.uid == "2.25.1.3" else None)

    with WebArchive(manner) as archive, house(tmp_path, archive.url) as home:
        home.fill(6)
        home.run()

        assert home.states() == [*["delivered"] * 5, "refused"]
        assert [one.code for one in WorkList(home.custody).entries()] == ["refused_by_destination"]
        assert len(archive.asked) == 1


def test_one_that_is_too_large_is_withheld_as_that(tmp_path: Path) -> None:
    with (
        WebArchive(judging(overwriting, most_bytes=5_000)) as archive,
        house(tmp_path, archive.url) as home,
    ):
        home.fill(2)
        sealed(home.custody, tmp_path, number=3, rows=400)
        home.run()

        assert home.states() == ["delivered", "delivered", "refused"]
        assert [one.code for one in WorkList(home.custody).entries()] == ["too_large"]


@pytest.mark.req("REQ-FW-16")
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507])
def test_a_busy_archive_is_tried_again_until_it_is_not(status: int, tmp_path: Path) -> None:
    left = 12

    def busy(asked: Asked, archive: WebArchive) -> Reply:
        nonlocal left
        left -= 1
        return Reply(status) if left > 0 else plain(asked, archive)

    with WebArchive(busy) as archive, house(tmp_path, archive.url) as home:
        sent = home.fill(5)
        home.run()

        assert archive.datasets() == sent
        assert home.states() == ["delivered"] * 5
        assert home.results()["retry"] >= 5


@pytest.mark.req("REQ-FW-16")
def test_what_an_archive_asks_for_is_waited_and_that_is_no_outage(tmp_path: Path) -> None:
    calls: list[float] = []

    def busy(asked: Asked, archive: WebArchive) -> Reply:

        calls.append(monotonic())
        if len(calls) <= 2:
            return Reply(503, headers={"Retry-After": "1"})
        return plain(asked, archive)

    with WebArchive(busy) as archive, house(tmp_path, archive.url) as home:
        home.fill(5)
        home.run()

    # Never sooner; how much later is the machine's affair.
    assert [later - sooner >= 1 for sooner, later in pairwise(calls)][:2] == [
        True,
        True,
    ]
    assert home.log.lines_of(Event.DESTINATION_UNREACHABLE) == []
    # One receipt an answer: the others of its batch are not to blame.
    assert home.results() == {"retry": 2, "delivered": 5}


def test_what_an_answer_says_of_others_is_recorded_when_one_failed(tmp_path: Path) -> None:
    """Four failures in one answer are one failure of the archive, and no outage."""
    tried: dict[str, int] = {}

    def reason_of(one: File, _archive: WebArchive) -> int | None:
        tried[one.uid] = tried.get(one.uid, 0) + 1
        return (
            0xA700
            if one.uid in {"2.25.1.1", "2.25.1.2", "2.25.1.3", "2.25.1.4"} and tried[one.uid] == 1
            else None
        )

    with WebArchive(judging(reason_of)) as archive, house(tmp_path, archive.url) as home:
        home.fill(8)
        home.run()

        assert home.states() == ["delivered"] * 8
        assert sum(tried.values()) == 12
        assert len(archive.arrivals) == 8
