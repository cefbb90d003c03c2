"""Who is told of what, and when."""

from dataclasses import dataclass, field

import pytest

from deid_node.errors import NotificationFailed, SpoolUnavailable
from deid_node.notify.notice import Notice, NoticeKind
from deid_node.notify.notifier import Notifier
from deid_node.observe.events import Event
from deid_node.observe.health import OK, Condition
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually


@dataclass
class Site:
    """A node whose health, work-list and time the test sets, and the channel of a person."""

    parts: dict[str, str] = field(default_factory=dict)
    withheld: int = 0
    now: float = 1000.0
    breaks: bool = False
    custody_fails: bool = False
    told: list[Notice] = field(default_factory=list)
    log: RecordingLog = field(default_factory=RecordingLog)
    name: str = "scripted"

    def send(self, notice: Notice) -> None:
        if self.breaks:
            raise NotificationFailed("the address cannot be reached")
        self.told.append(notice)

    def count(self) -> int:
        if self.custody_fails:
            raise SpoolUnavailable("the journal cannot be read")
        return self.withheld

    def notifier(self) -> Notifier:
        return Notifier(
            [self],
            node="DEIDNODE",
            health=lambda: Condition(well=True, parts=(("node", OK), *self.parts.items())),
            withheld=self.count,
            after_seconds=300,
            withheld_every_seconds=3600,
            log=self.log,
            clock=lambda: self.now,
        )

    def subjects(self) -> list[str]:
        told, self.told = [one.subject for one in self.told], []
        return told


@pytest.fixture
def site() -> Site:
    return Site()


def test_trouble_is_told_when_it_lasts_and_when_it_is_over(site: Site) -> None:
    notifier = site.notifier()
    site.parts["forward_archive"] = "unreachable"
    notifier.look()
    site.now += 299
    notifier.look()
    assert site.subjects() == []

    site.now += 1
    notifier.look()
    notifier.look()
    assert site.subjects() == ["DEIDNODE: forward_archive is in trouble (unreachable)"]

    site.parts["forward_archive"] = OK
    notifier.look()
    notifier.look()
    assert site.subjects() == ["DEIDNODE: forward_archive is well again (unreachable is over)"]


def test_a_hiccup_is_nobodys_business(site: Site) -> None:
    notifier = site.notifier()
    for code in ("unreachable", OK, "unreachable", OK):
        site.parts["forward_archive"] = code
        notifier.look()
        site.now += 200
    site.now += 900

    notifier.look()

    assert site.subjects() == []


def test_another_code_is_another_trouble(site: Site) -> None:
    notifier = site.notifier()
    for code in ("spool_full", "spool_unavailable"):
        site.parts["spool"] = code
        notifier.look()
        site.now += 300
        notifier.look()

    assert site.subjects() == [
        "DEIDNODE: spool is in trouble (spool_full)",
        "DEIDNODE: spool is well again (spool_full is over)",
        "DEIDNODE: spool is in trouble (spool_unavailable)",
    ]


def test_a_node_that_starts_or_stops_is_in_no_trouble(site: Site) -> None:
    notifier = site.notifier()
    site.parts["node"] = "stopping"
    notifier.look()
    site.now += 900
    notifier.look()

    assert site.subjects() == []


def test_withheld_instances_are_told_in_sums(site: Site) -> None:
    site.withheld = 5
    notifier = site.notifier()
    notifier.look()
    assert site.subjects() == []

    for site.withheld in (6, 8, 9):
        notifier.look()
        site.now += 60
    assert site.subjects() == ["DEIDNODE: 6 withheld instances wait for a person"]

    site.now += 3600
    notifier.look()
    assert site.subjects() == ["DEIDNODE: 9 withheld instances wait for a person"]

    site.withheld = 2
    site.now += 7200
    notifier.look()
    site.withheld = 3
    notifier.look()
    assert site.subjects() == ["DEIDNODE: 3 withheld instances wait for a person"]


def test_what_could_not_be_sent_is_sent_later_and_logged_once(site: Site) -> None:
    notifier = site.notifier()
    site.parts["spool"] = "spool_full"
    site.breaks = True
    notifier.look()
    site.now += 300
    for _ in range(3):
        notifier.look()
    assert site.log.events() == [Event.NOTIFICATION_FAILED]

    site.breaks = False
    notifier.look()

    assert site.subjects() == ["DEIDNODE: spool is in trouble (spool_full)"]
    assert site.log.events()[-1] == Event.NOTIFICATION_SENT


def test_an_outage_that_nobody_could_be_told_of_and_that_is_over_is_no_news(site: Site) -> None:
    notifier = site.notifier()
    site.parts["spool"] = "spool_full"
    site.breaks = True
    notifier.look()
    site.now += 300
    notifier.look()
    site.parts["spool"] = OK
    notifier.look()
    site.breaks = False
    notifier.look()

    assert site.subjects() == []


def test_a_journal_that_cannot_be_read_ends_no_look(site: Site) -> None:
    notifier = site.notifier()
    site.custody_fails = True
    site.parts["spool"] = "spool_unavailable"
    notifier.look()
    site.now += 300

    notifier.look()

    assert [one.kind for one in site.told] == [NoticeKind.TROUBLE_BEGAN]


def test_it_looks_by_itself_and_ends_when_told(site: Site) -> None:
    notifier = Notifier(
        [site],
        node="DEIDNODE",
        health=lambda: Condition(well=False, parts=(("work", "no_workers"),)),
        withheld=lambda: 0,
        after_seconds=0,
        withheld_every_seconds=3600,
        log=site.log,
        period_seconds=0.01,
    )
    notifier.start()
    eventually(lambda: site.told, what="a person is told")
    notifier.stop()

    assert site.subjects() == ["DEIDNODE: work is in trouble (no_workers)"]
