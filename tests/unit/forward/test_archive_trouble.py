"""Each trouble that an archive can have, with a real spool, and what becomes of it by the table.

While an archive is in trouble everything due at the other one is delivered: the
trouble ends only after that was seen, so no clock is needed to say so.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from deid_node.forward.build import build_destination
from deid_node.forward.options import CStoreOptions, FolderOptions
from deid_node.forward.sender import Sender
from deid_node.observe.labels import ConfiguredNames
from deid_node.observe.metrics import Metrics
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.withheld import WorkList
from deid_node.values.retry import RetryPolicy
from tests.builders.custody import delivery_states, sealed
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_archive import Conversation, ScriptedArchive, keeping_archive
from tests.fakes.peer_parcels import dataset_bytes
from tests.fakes.peer_sending import good
from tests.fakes.slow_link import SlowLink
from tests.fakes.waiting import eventually, free_port

SOON = RetryPolicy(0.02, 1, 0.02)
COUNT = 4
SILENCE_SECONDS = 0.5

Script = Callable[[Conversation, threading.Event], None]


class House:
    """A spool with sealed instances, due at an archive and at a folder."""

    def __init__(self, folder: Path, port: int, *, timeout_seconds: float = 10) -> None:
        self.folder = folder
        self.custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.metrics = Metrics(
            CollectorRegistry(), ConfiguredNames(destinations=("archive", "other"))
        )
        archive = CStoreOptions(
            kind="cstore",
            ae_title="ARCHIVE",
            host="127.0.0.1",
            port=port,
            timeout_seconds=timeout_seconds,
            max_associations=1,
        )
        other = FolderOptions(kind="folder", dir=folder / "other")
        self.senders = [
            Sender(
                build_destination(name, options),
                Deliveries(self.custody),
                SOON,
                log=self.log,
                metrics=self.metrics,
                look_again_seconds=0.1,
            )
            for name, options in (("archive", archive), ("other", other))
        ]

    def fill(self, count: int = COUNT, *, rows: int = 8) -> list[bytes]:
        """Seal instances; return the bytes of their datasets, in order."""
        return [
            dataset_bytes(
                sealed(
                    self.custody,
                    self.folder,
                    number=number,
                    destinations=("archive", "other"),
                    rows=rows,
                ).path
            )
            for number in range(1, count + 1)
        ]

    def states(self, destination: str) -> set[str]:
        return set(delivery_states(self.custody, destination).values())

    def results(self, destination: str) -> Mapping[str, float]:
        """How often each result was counted, those that never came left out."""
        counted = {
            result: self.metrics.registry.get_sample_value(
                "deid_node_deliveries_total", {"destination": destination, "result": result}
            )
            for result in ("delivered", "warning", "retry", "refused")
        }
        return {result: count for result, count in counted.items() if count}

    def start(self) -> None:
        for sender in self.senders:
            sender.start()

    def wait_for_the_other(self) -> None:
        eventually(
            lambda: self.states("other") == {"delivered"},
            what="the other destination has everything",
            patience_seconds=60,
        )

    def close(self) -> None:
        for sender in self.senders:
            sender.stop(finish_seconds=5)
        self.custody.close()


@contextmanager
def house(folder: Path, port: int, *, timeout_seconds: float = 10) -> Iterator[House]:
    built = House(folder, port, timeout_seconds=timeout_seconds)
    try:
        yield built
    finally:
        built.close()


def rejecting(peer: Conversation, _well: threading.Event) -> None:
    peer.reject()


def refusing_contexts(peer: Conversation, _well: threading.Event) -> None:
    peer.accept(lambda _class, _syntax: False)
    peer.wait_for_the_end()


def answering(status: int) -> Script:
    """On one association, as long as the archive is not well."""

    def script(peer: Conversation, well: threading.Event) -> None:
        peer.accept()
        while True:
            peer.receive()
            peer.answer(0x0000 if well.is_set() else status)

    return script


def aborting_midway(peer: Conversation, _well: threading.Event) -> None:
    peer.accept()
    peer.fragments()
    peer.abort()


def never_answering(peer: Conversation, _well: threading.Event) -> None:
    peer.accept()
    peer.receive()
    peer.wait_for_the_end()


def answering_too_late(peer: Conversation, _well: threading.Event) -> None:
    peer.accept()
    peer.receive()
    threading.Event().wait(3 * SILENCE_SECONDS)
    peer.answer(0x0000)
    peer.wait_for_the_end()


@dataclass(frozen=True)
class Trouble:
    """How the archive behaves until it is well, and how its deliveries end after that.

    `passes`: whether time heals it: nothing is settled before the archive is well.
    """

    script: Script
    passes: bool
    end: str
    result: str


TABLE = {
    "rejects the association": Trouble(rejecting, True, "delivered", "delivered"),
    "refuses every context": Trouble(refusing_contexts, False, "refused", "refused"),
    "answers A700": Trouble(answering(0xA700), True, "delivered", "delivered"),
    "answers B000": Trouble(answering(0xB000), False, "delivered", "warning"),
    "answers C000": Trouble(answering(0xC000), False, "refused", "refused"),
    "answers 0110": Trouble(answering(0x0110), True, "delivered", "delivered"),
    "answers 0111": Trouble(answering(0x0111), False, "delivered", "warning"),
    "aborts midway": Trouble(aborting_midway, True, "delivered", "delivered"),
    "never answers": Trouble(never_answering, True, "delivered", "delivered"),
    "answers after our time-out": Trouble(answering_too_late, True, "delivered", "delivered"),
}


@pytest.mark.req("REQ-FW-11")
@pytest.mark.parametrize("trouble", TABLE.values(), ids=TABLE.keys())
def test_a_trouble_ends_by_the_table_and_holds_up_nobody_else(
    trouble: Trouble, tmp_path: Path
) -> None:
    well = threading.Event()

    def script(peer: Conversation) -> None:
        if well.is_set():
            good(peer)
        trouble.script(peer, well)

    with (
        ScriptedArchive(script) as archive,
        house(tmp_path, archive.port, timeout_seconds=SILENCE_SECONDS) as home,
    ):
        home.fill()
        home.start()
        home.wait_for_the_other()
        if trouble.passes:
            eventually(lambda: home.results("archive").get("retry"), what="it was tried")
            assert home.states("archive") == {"due"}
            well.set()
        eventually(
            lambda: home.states("archive") == {trouble.end}, what="it ends", patience_seconds=60
        )

        assert home.results("archive")[trouble.result] == COUNT
        withheld = {entry.code for entry in WorkList(home.custody).entries()}
        assert withheld == ({"refused_by_destination"} if trouble.end == "refused" else set())


@pytest.mark.req("REQ-FW-11")
def test_an_archive_that_answers_after_our_time_out_gets_the_same_bytes_again(
    tmp_path: Path,
) -> None:
    def late(peer: Conversation) -> None:
        answering_too_late(peer, threading.Event())

    with (
        ScriptedArchive(late, good) as archive,
        house(tmp_path, archive.port, timeout_seconds=SILENCE_SECONDS) as home,
    ):
        (sent,) = home.fill(1)
        home.start()
        eventually(lambda: home.states("archive") == {"delivered"}, what="it ends")

        assert [one for talk in archive.conversations for one in talk.datasets] == [sent, sent]


@pytest.mark.req("REQ-FW-11")
def test_an_archive_that_is_down_and_up_again_gets_all_in_order(tmp_path: Path) -> None:
    """Twice: the second outage begins with associations that are open."""
    with keeping_archive() as first:
        port = first.port
        with house(tmp_path, port) as home:
            home.start()
            before = home.fill(2)
            eventually(lambda: home.states("archive") == {"delivered"}, what="the first two")
    # Nobody listens any more.
    with house(tmp_path, free_port()) as home:
        later = [
            dataset_bytes(
                sealed(
                    home.custody, tmp_path, number=number, destinations=("archive", "other")
                ).path
            )
            for number in range(10, 16)
        ]
        home.start()
        home.wait_for_the_other()
        assert "due" in home.states("archive")
    with keeping_archive() as second, house(tmp_path, second.port) as home:
        home.start()
        eventually(lambda: home.states("archive") == {"delivered"}, what="all of it")

    assert [content for _, _, content in first.stored] == before
    assert [content for _, _, content in second.stored] == later


@pytest.mark.req("REQ-FW-11")
def test_a_slow_link_takes_its_time_and_nobody_elses(tmp_path: Path) -> None:
    """At 20 KB/s the four instances need longer than any silence that is borne."""
    with (
        keeping_archive() as kept,
        SlowLink(kept.port, bytes_per_second=20_000) as link,
        house(tmp_path, link.port, timeout_seconds=2) as home,
    ):
        sent = home.fill(rows=600)
        home.start()
        home.wait_for_the_other()
        assert home.states("archive") != {"delivered"}
        eventually(lambda: home.states("archive") == {"delivered"}, what="all of it crosses")

        assert [content for _, _, content in kept.stored] == sent
        assert link.passed_bytes > sum(map(len, sent))
        assert home.results("archive") == {"delivered": COUNT}


@pytest.mark.req("REQ-FW-12")
def test_senders_take_turns_at_an_archive_and_each_keeps_its_order(tmp_path: Path) -> None:
    """A long study of one waits already when another's single picture comes."""
    with keeping_archive() as kept, house(tmp_path, kept.port) as home:
        slices = [
            sealed(home.custody, tmp_path, number=number, study=1, calling_ae="CT")
            for number in range(1, 61)
        ]
        picture = sealed(home.custody, tmp_path, number=61, study=2, calling_ae="US")
        home.senders[0].start()
        eventually(lambda: home.states("archive") == {"delivered"}, what="all", patience_seconds=60)

    order = [uid for uid, _, _ in kept.stored]
    # A batch of 25 keeps a study together: its turn is in the first one.
    assert order.index(picture.instance.sop_instance_uid) < 25
    order.remove(picture.instance.sop_instance_uid)
    assert order == [parcel.instance.sop_instance_uid for parcel in slices]
