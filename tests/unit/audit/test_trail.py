"""Messages wait on disk, in order, while the repository is away, and nobody waits for them."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import pytest
from prometheus_client import CollectorRegistry

from deid_node.audit.message import AuditMessage
from deid_node.audit.outbox import Outbox
from deid_node.audit.person import system_user
from deid_node.audit.trail import AuditTrail
from deid_node.errors import AuditUnavailable, SpoolUnavailable
from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.values.retry import RetryPolicy
from tests.builders.audit import one_of_each
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually

SOON = RetryPolicy(first_seconds=0.02, factor=1, cap_seconds=0.02)
MESSAGES = list(one_of_each())


class FakeTarget:
    """Takes what comes, or nothing while it is away."""

    def __init__(self) -> None:
        self.taken: list[AuditMessage] = []
        self.is_away = False
        self.busy = threading.Event()
        self.busy.set()

    def deliver(self, batch: Sequence[AuditMessage]) -> None:
        self.busy.wait(30)
        if self.is_away:
            raise AuditUnavailable("away")
        self.taken += batch

    def close(self) -> None:
        self.busy.set()


class House:
    def __init__(self, folder: Path, *, most: int = 1000) -> None:
        self.path = folder / "audit.sqlite"
        self.most = most
        self.target = FakeTarget()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry())
        self.outbox = Outbox(self.path, most=most)
        self.trail = AuditTrail(
            self.outbox, self.target, metrics=self.metrics, log=self.log, again=SOON
        )

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


Opened = Callable[..., House]


@pytest.fixture
def opened(tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
    def open_house(*, most: int = 1000, away: bool = False) -> House:
        house = House(tmp_path, most=most)
        house.target.is_away = away
        house.trail.start()
        request.addfinalizer(house.trail.stop)
        return house

    return open_house


def test_what_is_recorded_arrives_in_order(opened: Opened) -> None:
    house = opened()

    for message in MESSAGES:
        house.trail.record(message)

    eventually(lambda: len(house.target.taken) == len(MESSAGES), what="the messages")
    assert house.target.taken == MESSAGES
    assert house.trail.trouble() is None


@pytest.mark.req("REQ-OB-08")
def test_messages_wait_while_the_repository_is_away_and_arrive_in_order(opened: Opened) -> None:
    house = opened(away=True)
    house.trail.record(*MESSAGES[:3])
    eventually(lambda: house.trail.trouble() == "audit_unreachable", what="the trouble")
    house.trail.record(*MESSAGES[3:])
    eventually(lambda: len(house.outbox) == len(MESSAGES), what="the messages on disk")

    house.target.is_away = False

    eventually(lambda: len(house.target.taken) == len(MESSAGES), what="the messages")
    assert house.target.taken == MESSAGES
    eventually(lambda: house.trail.trouble() is None, what="the end of the trouble")
    assert house.log.events() == [Event.AUDIT_UNREACHABLE] + [Event.AUDIT_UNREACHABLE] * (
        len(house.log.lines_of(Event.AUDIT_UNREACHABLE)) - 1
    ) + [Event.AUDIT_REACHED]
    assert house.value("deid_node_audit_messages_total", result="delivered") == len(MESSAGES)
    assert house.value("deid_node_audit_waiting_messages") == 0


@pytest.mark.req("REQ-OB-08")
def test_what_waits_is_there_after_a_restart(opened: Opened) -> None:
    first = opened(away=True)
    first.trail.record(*MESSAGES)
    eventually(lambda: len(first.outbox) == len(MESSAGES), what="the messages on disk")
    first.trail.stop()

    second = opened()

    eventually(lambda: len(second.target.taken) == len(MESSAGES), what="the messages")
    assert second.target.taken == MESSAGES


def test_what_was_handed_in_last_is_on_disk_after_the_stop(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.target.is_away = True
    house.trail.start()

    house.trail.record(*MESSAGES)
    house.trail.stop()

    left = Outbox(house.path, most=1000)
    left.open()
    assert [message for _, message in left.oldest(100)] == MESSAGES
    left.close()


@pytest.mark.req("REQ-OB-08")
def test_too_many_are_dropped_loudly_and_the_oldest_kept(opened: Opened) -> None:
    house = opened(most=4, away=True)

    house.trail.record(*MESSAGES)

    eventually(
        lambda: house.value("deid_node_audit_messages_total", result="dropped") > 0, what="drops"
    )
    assert house.value("deid_node_audit_messages_total", result="dropped") == len(MESSAGES) - 4
    assert house.trail.trouble() == "audit_dropping"
    assert len(house.log.lines_of(Event.AUDIT_DROPPED)) == 1
    assert [message for _, message in house.outbox.oldest(10)] == MESSAGES[:4]


@pytest.mark.req("REQ-OB-09")
def test_what_people_decided_is_kept_however_many_wait(opened: Opened) -> None:
    house = opened(most=4, away=True)
    house.trail.record(*MESSAGES[:4])
    eventually(lambda: len(house.outbox) == 4, what="a full outbox")

    house.trail.record_surely(MESSAGES[4:6])

    assert [message for _, message in house.outbox.oldest(10)] == MESSAGES[:6]


def test_a_decision_that_the_disk_does_not_take_is_an_error(tmp_path: Path) -> None:
    house = House(tmp_path)

    with pytest.raises(SpoolUnavailable):
        house.trail.record_surely(MESSAGES[:1])


def test_a_target_that_hangs_holds_nobody_up(opened: Opened) -> None:
    house = opened()
    house.target.busy.clear()
    began = monotonic()

    for _ in range(1000):
        house.trail.record(*MESSAGES[:1])

    assert monotonic() - began < 5


def test_the_file_is_for_its_owner(opened: Opened) -> None:
    house = opened(away=True)
    house.trail.record(*MESSAGES)
    eventually(lambda: len(house.outbox) == len(MESSAGES), what="the messages on disk")

    modes = {path.name: path.stat().st_mode & 0o777 for path in house.path.parent.glob("audit*")}

    assert set(modes.values()) == {0o600}
    assert "audit.sqlite-wal" in modes


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailable):
        Outbox(tmp_path / "missing" / "audit.sqlite", most=10).open()


def test_the_person_is_who_logged_in_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    (tmp_path / "loginuid").write_text("4123456", encoding="ascii")

    assert system_user(tmp_path / "loginuid") == "uid 4123456"


@pytest.mark.parametrize("content", [None, "", "4294967295\n"])
def test_without_a_log_in_it_is_who_runs_the_process(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = tmp_path / "loginuid"
    if content is not None:
        login.write_text(content, encoding="ascii")
    monkeypatch.setattr(os, "getuid", lambda: 0)

    assert system_user(login) == "root"
