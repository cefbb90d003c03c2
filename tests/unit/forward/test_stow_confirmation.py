"""Where `confirm` is on, an instance is delivered when the archive is seen to have it."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from deid_node.forward.build import build_destination, build_inquirers
from deid_node.forward.sender import Sender
from deid_node.observe.events import Event
from deid_node.observe.labels import ConfiguredNames
from deid_node.observe.metrics import Metrics
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.withheld import WorkList
from deid_node.values.retry import RetryPolicy
from tests.builders.custody import delivery_states, sealed
from tests.fakes.event_log import RecordingLog
from tests.fakes.stow_sending import stow
from tests.fakes.waiting import eventually
from tests.fakes.web_archive import File, Reply, WebArchive, json_items

pytestmark = pytest.mark.req("REQ-FW-17")

SOON = RetryPolicy(0.05, 1, 0.05)
Look = Callable[[str, Mapping[str, Sequence[str]]], Reply]


class House:
    """A spool and a sender to one archive of the web, which is looked into."""

    def __init__(self, folder: Path, url: str, *, confirm: str, **options: Any) -> None:
        self.folder = folder
        self.custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry(), ConfiguredNames(destinations=("archive",)))
        settings = stow(url, confirm=confirm, max_connections=1, **options)
        _, inquirers = build_inquirers(
            {"archive": settings}, self.custody, SOON, metrics=self.metrics, log=self.log
        )
        inquirers["archive"]._gather_seconds = 0.1
        self.sender = Sender(
            build_destination("archive", settings),
            Deliveries(self.custody),
            SOON,
            log=self.log,
            metrics=self.metrics,
            inquirer=inquirers["archive"],
            look_again_seconds=0.1,
        )

    def fill(self, count: int = 1, *, with_companion: bool = False) -> None:
        for number in range(1, count + 1):
            sealed(self.custody, self.folder, number=number, with_companion=with_companion)

    def states(self) -> set[str]:
        return set(delivery_states(self.custody, "archive").values())

    def instance_states(self) -> set[str]:
        return {row["state"] for row in self.custody.read("SELECT state FROM instances", ())}

    def counted(self, result: str) -> float | None:
        return self.metrics.registry.get_sample_value(
            "deid_node_archive_commitments_total", {"destination": "archive", "result": result}
        )

    def wait_for(self, state: str) -> None:
        eventually(lambda: self.states() == {state}, what=f"all are {state}", patience_seconds=60)


@contextmanager
def house(folder: Path, url: str, *, confirm: str = "qido", **options: Any) -> Iterator[House]:
    built = House(folder, url, confirm=confirm, **options)
    try:
        yield built
    finally:
        built.sender.stop(finish_seconds=5)
        built.custody.close()


def blind(_path: str, _query: object) -> Reply:
    return Reply(200, b"[]")


@pytest.mark.parametrize("confirm", ["qido", "wado"])
def test_what_is_seen_in_the_archive_is_delivered(confirm: str, tmp_path: Path) -> None:
    with WebArchive() as archive, house(tmp_path, archive.url, confirm=confirm) as home:
        home.fill(3)
        home.sender.start()
        home.wait_for("delivered")

        assert len(archive.arrivals) == 3
        assert home.instance_states() == {"delivered"}
        assert home.counted("confirmed") == 3
        uids = sorted(one.uid for one in archive.arrivals)
    way = "/metadata" if confirm == "wado" else "?SOPInstanceUID="
    assert len(archive.looks) == 3
    assert all(way in look for look in archive.looks)
    assert [uid for uid in uids if not any(uid in look for look in archive.looks)] == []


@pytest.mark.parametrize("confirm", ["qido", "wado"])
def test_what_shows_later_is_waited_for_and_not_sent_again(confirm: str, tmp_path: Path) -> None:
    """Until then its bytes stay."""
    with WebArchive() as archive, house(tmp_path, archive.url, confirm=confirm) as home:
        archive.on_look = blind
        home.fill(2)
        home.sender.start()
        eventually(lambda: len(archive.looks) > 6, what="it is looked for again and again")
        assert home.states() == {"sent"}
        assert Retention(home.custody).remove_expired() == 0
        archive.on_look = archive.look
        home.wait_for("delivered")

        assert len(archive.arrivals) == 2
        assert Retention(home.custody).remove_expired() == 2


def test_what_the_archive_has_lost_is_sent_to_it_again(tmp_path: Path) -> None:
    with WebArchive() as archive, house(tmp_path, archive.url, confirm_seconds=0.2) as home:
        lost: list[File] = []

        def forgetful(path: str, query: Mapping[str, Sequence[str]]) -> Reply:
            if not lost:
                lost.append(archive.held.pop("2.25.1.2"))
            return archive.look(path, query)

        archive.on_look = forgetful
        home.fill(3)
        home.sender.start()
        home.wait_for("delivered")

        assert sorted(one.uid for one in archive.arrivals) == [
            "2.25.1.1", "2.25.1.2", "2.25.1.2", "2.25.1.3",
        ]  # fmt: skip
        assert set(archive.held) == {"2.25.1.1", "2.25.1.2", "2.25.1.3"}


def test_what_is_never_seen_is_withheld_after_so_many_sendings(tmp_path: Path) -> None:
    with (
        WebArchive() as archive,
        house(tmp_path, archive.url, confirm_seconds=0.1, confirm_sendings=2) as home,
    ):
        archive.on_look = blind
        home.fill()
        home.sender.start()
        home.wait_for("refused")

        assert [one.code for one in WorkList(home.custody).entries()] == ["commitment_failed"]
        assert len(archive.arrivals) == 2
        assert home.counted("failed") == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200),
        Reply(200, b"[{}]"),
        Reply(200, b"[7, null]"),
        Reply(200, json_items("2.25.1.1")[:-3]),
        Reply(200, json_items("2.25.1.11")),
        Reply(204),
        Reply(404),
        Reply(500),
        Reply(401),
        Reply(302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
    ids=lambda reply: f"{reply.status} {reply.content[:12]!r}",
)
def test_nothing_but_its_uid_shows_that_it_is_there(reply: Reply, tmp_path: Path) -> None:
    with WebArchive() as archive, house(tmp_path, archive.url) as home:
        archive.on_look = lambda _path, _query: reply
        home.fill()
        home.sender.start()
        eventually(lambda: len(archive.looks) > 3, what="it is looked for again")
        assert home.states() == {"sent"}
        archive.on_look = archive.look
        home.wait_for("delivered")

        assert len(archive.arrivals) == 1


def test_an_archive_that_offers_no_search_is_told_of_and_delivers_nothing(tmp_path: Path) -> None:
    with WebArchive() as archive, house(tmp_path, archive.url) as home:
        archive.on_look = lambda _path, _query: Reply(405)
        home.fill()
        home.sender.start()
        eventually(lambda: home.log.lines_of(Event.COMMITMENT_NOT_OFFERED), what="it is told of")
        assert home.states() == {"sent"}
        archive.on_look = archive.look
        home.wait_for("delivered")


def test_an_instance_is_delivered_when_its_companion_is_seen_too(tmp_path: Path) -> None:
    with WebArchive() as archive, house(tmp_path, archive.url) as home:
        hidden = True

        def look(path: str, query: Mapping[str, Sequence[str]]) -> Reply:
            if hidden and query["SOPInstanceUID"][0].endswith(".66"):
                return Reply(200, b"[]")
            return archive.look(path, query)

        archive.on_look = look
        home.fill(with_companion=True)
        home.sender.start()
        eventually(lambda: len(archive.looks) > 5, what="both are looked for")
        assert home.states() == {"sent"}
        hidden = False
        home.wait_for("delivered")


def test_what_was_sent_before_a_restart_is_looked_for_after_it(tmp_path: Path) -> None:
    with WebArchive() as archive:
        archive.on_look = blind
        with house(tmp_path, archive.url) as home:
            home.fill()
            home.sender.start()
            home.wait_for("sent")
        archive.on_look = archive.look
        with house(tmp_path, archive.url) as home:
            home.sender.start()
            home.wait_for("delivered")

        assert len(archive.arrivals) == 1


def test_switched_off_what_still_waits_is_taken_as_delivered(tmp_path: Path) -> None:
    with WebArchive() as archive:
        archive.on_look = blind
        with house(tmp_path, archive.url) as home:
            home.fill()
            home.sender.start()
            home.wait_for("sent")
        with house(tmp_path, archive.url, confirm="off") as home:
            home.sender.start()
            home.wait_for("delivered")


def test_an_archive_that_goes_away_while_it_is_looked_into_shows(tmp_path: Path) -> None:
    with ExitStack() as up:
        archive = up.enter_context(WebArchive())
        archive.on_look = blind
        with house(tmp_path, archive.url) as home:
            home.fill()
            home.sender.start()
            home.wait_for("sent")
            assert home.sender.reachable
            up.close()
            eventually(lambda: not home.sender.reachable, what="it shows")


def test_stopping_ends_a_look_that_is_not_answered(tmp_path: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def silent(_path: str, _query: object) -> Reply:
        asked.set()
        over.wait(60)
        return Reply(200, b"[]")

    with WebArchive() as archive:
        archive.on_look = silent
        built = House(tmp_path, archive.url, confirm="qido", answer_seconds=600)
        built.fill()
        built.sender.start()
        assert asked.wait(60)
        built.sender.stop(finish_seconds=5)
        thread = built.sender._inquirer
        over.set()
        built.custody.close()

        assert thread is not None
        assert not thread._thread.is_alive()
