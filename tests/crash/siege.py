"""Round after round under load, a fault in each, on one spool; then the counting.

A round: four senders, every other one by STOW-RS, send real files, new ones and some of the
round before, which may have come on the other way, and
at a random moment one thing dies or one instance harms its worker. Every so many
rounds the node is left alone until it is quiet, and what must hold is counted.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from time import monotonic, sleep

from tests.crash.fuse import Victim
from tests.crash.house import ENDED, House
from tests.crash.launcher import NO_POINT
from tests.crash.parcels import parcels, uid_of
from tests.crash.points import NODE_POINTS, WORKER_POINTS, Poison
from tests.crash.scanner import Scanner
from tests.crash.web_scanner import WebScanner
from tests.fakes.ray_cluster import RayCluster
from tests.fakes.waiting import eventually

SENDERS = 4
EACH = 6
_BY_WEB = frozenset({0, 3})
"""What the second half of a round brings comes on the other way in the next."""
QUIET_EVERY = 10
_MOST_WAITING = 150
_LONGEST_SECONDS = 2.0
_LONGEST_ROUND_SECONDS = 12.0
_PATIENCE_SECONDS = 900.0
_SENT_AGAIN = 2000
# Far beyond the files that senders send: a poisoned instance is one of its own.
_FIRST_POISONED = 900_000


class Fault(StrEnum):
    """What happens in a round."""

    NODE_AT_RANDOM = "node killed at a random moment"
    NODE_AT_A_POINT = "node killed at a named point"
    WORKER_AT_RANDOM = "worker killed at a random moment"
    WORKER_AT_A_POINT = "worker killed at a named point"
    ARCHIVE = "archive killed"
    SENDER = "sender killed"
    SEGFAULT = "worker segfaults"
    HANG = "worker hangs"
    LEAK = "worker eats all memory"
    RELOAD = "another configuration takes over"
    RELOAD_AND_KILL = "node killed while another configuration takes over"
    ACTOR = "actor of the cluster killed"
    STOPPED_ACTOR = "actor of the cluster stopped"
    FOREMAN = "foreman of the cluster killed"
    HEAD = "head and all machines of the cluster killed"
    MACHINE = "machine of the cluster killed with all on it"
    RAYLET = "what a machine of the cluster is led by killed"


OF_A_CLUSTER = frozenset(
    {Fault.ACTOR, Fault.STOPPED_ACTOR, Fault.FOREMAN, Fault.HEAD, Fault.MACHINE, Fault.RAYLET}
)
"""What happens only where the models stand on one."""

_WEIGHTS = {
    Fault.NODE_AT_RANDOM: 25,
    Fault.NODE_AT_A_POINT: 20,
    Fault.WORKER_AT_RANDOM: 20,
    Fault.WORKER_AT_A_POINT: 5,
    Fault.ARCHIVE: 15,
    Fault.SENDER: 20,
    Fault.SEGFAULT: 4,
    Fault.HANG: 2,
    Fault.LEAK: 4,
    Fault.RELOAD: 10,
    Fault.RELOAD_AND_KILL: 8,
    Fault.ACTOR: 30,
    Fault.STOPPED_ACTOR: 8,
    Fault.FOREMAN: 8,
    Fault.HEAD: 4,
    Fault.MACHINE: 10,
    Fault.RAYLET: 10,
}


@dataclass
class Tally:
    """What a siege has seen so far; `lost`, `duplicated` and `dirty` must stay 0."""

    rounds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    delivered: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    arrivals: int = 0
    checks: int = 0
    lost: int = 0
    duplicated: int = 0
    dirty: int = 0

    @property
    def is_well(self) -> bool:
        """Whether nothing was lost, doubled or dirty."""
        return not (self.lost or self.duplicated or self.dirty)

    def lines(self) -> Sequence[str]:
        """Return the tally, a line each."""
        return [
            f"rounds        {self.rounds}, counted {self.checks} times",
            f"acknowledged  {len(self.acknowledged)} instances",
            f"delivered     {self.delivered}, in {self.arrivals} arrivals",
            f"withheld      {sum(self.withheld.values())} {dict(self.withheld)}",
            f"waiting       {self.waiting}",
            *(f"fault         {count:4} x {fault}" for fault, count in sorted(self.faults.items())),
            f"lost          {self.lost}",
            f"duplicated    {self.duplicated}",
            f"dirty         {self.dirty}",
        ]


class Siege:
    """Plays rounds on one house; `draw` decides everything that is left to chance.

    Each of the senders of a round has `each` instances.
    """

    def __init__(
        self,
        home: House,
        folder: Path,
        draw: random.Random,
        cluster: RayCluster | None = None,
        *,
        each: int = EACH,
    ) -> None:
        self._home = home
        self._each = each
        self._cluster = cluster
        self._folder = folder
        self._draw = draw
        self.tally = Tally()
        self._first = 0
        self._poisoned = _FIRST_POISONED

    @property
    def faults(self) -> list[Fault]:
        """What may happen here."""
        return [one for one in Fault if self._cluster is not None or one not in OF_A_CLUSTER]

    def play(self, fault: Fault | None = None) -> None:
        """Play one round, with `fault` or one that is drawn."""
        weights = [_WEIGHTS[one] for one in self.faults]
        fault = fault or self._draw.choices(self.faults, weights)[0]
        self._stand_up(fault)
        self._wait_for_room()
        senders = self._send(fault)
        self._strike(fault)
        for sender in senders:
            sender.join()
        self.tally.rounds += 1
        self.tally.faults[fault] += 1

    def count(self) -> None:
        """Leave the node alone until it is quiet, then count what must hold."""
        self._stand_up(None)
        home, tally = self._home, self.tally
        eventually(self._is_quiet, what="the node is quiet", patience_seconds=_PATIENCE_SECONDS)
        rows = home.journal()
        tally.checks += 1
        tally.delivered = sum(row.state == "delivered" for row in rows)
        tally.withheld = Counter(row.code or "" for row in rows if row.state == "withheld")
        tally.waiting = sum(row.state not in ENDED for row in rows)
        tally.arrivals = sum(map(len, home.archive.arrivals().values()))
        tally.lost = len(home.lost(tally.acknowledged))
        tally.duplicated = len(home.doubled())
        tally.dirty = len(home.dirty())

    def resend(self) -> None:
        """Send once more what was acknowledged, or many of it: it is so again, nothing changes."""
        self._stand_up(None)
        before = len(self._home.journal())
        again = Scanner()
        known = self.tally.acknowledged
        sent = range(self._first + self._each * SENDERS)
        numbers = [number for number in sent if uid_of(number) in known]
        if len(numbers) > _SENT_AGAIN:
            numbers = self._draw.sample(numbers, _SENT_AGAIN)
        everything = [parcel for number in numbers for parcel in parcels(1, start=number)]
        again.send(everything, self._home.port, associations=SENDERS)
        assert again.acknowledged == {parcel.sop_instance_uid for parcel in everything}
        by_web = WebScanner()
        by_web.send(everything, self._home.web_port, associations=SENDERS)
        assert by_web.acknowledged == again.acknowledged
        assert len(self._home.journal()) == before

    def _stand_up(self, fault: Fault | None) -> None:
        """See to it that node and archive run, with the fuse that `fault` needs."""
        home = self._home
        if self._cluster is not None:
            self._cluster.complete()
        if fault in {Fault.NODE_AT_A_POINT, Fault.WORKER_AT_A_POINT} and home.is_running:
            home.kill()
        while not home.is_running:
            point, victim = NO_POINT, Victim.SELF
            if fault is Fault.NODE_AT_A_POINT:
                point = self._draw.choice([*NODE_POINTS, *WORKER_POINTS])
                victim = Victim.PARENT if point in WORKER_POINTS else Victim.SELF
            elif fault is Fault.WORKER_AT_A_POINT:
                point = self._draw.choice(WORKER_POINTS)
            passes = self._draw.randint(1, 12)
            home.start(point, passes=passes, victim=victim, poisoned=True)
            # What waited from before may have blown it at the start already: a death, too.
            fault = fault if home.node.poll() is None else None

    def _wait_for_room(self) -> None:
        """Wait until the backlog is small, so that a run ends in its time."""
        most = max(_MOST_WAITING, self._each * SENDERS)

        def has_room() -> bool:
            return self._home.waiting() < most or not self._home.is_running

        eventually(has_room, what="the backlog shrinks", patience_seconds=_PATIENCE_SECONDS)

    def _send(self, fault: Fault) -> Sequence[threading.Thread]:
        port, tally = self._home.port, self.tally
        threads = []
        for number in range(SENDERS):
            start, each = self._first + number * self._each, self._each
            work: Callable[[], None]
            if fault is Fault.SENDER and number == 0:
                seconds = self._draw.uniform(0.5, 4)
                file = self._folder / f"acknowledged-{tally.rounds}"
                work = _bound(_send_and_die, port, start, each, file, seconds, tally.acknowledged)
            else:
                work = _bound(_send_all, self._home, number, start, each, tally.acknowledged)
            threads.append(threading.Thread(target=work))
        # Half of a round is sent again in the next.
        self._first += SENDERS * self._each // 2
        for thread in threads:
            thread.start()
        return threads

    def _strike(self, fault: Fault) -> None:
        longest_seconds = min(_LONGEST_SECONDS * self._each / EACH, _LONGEST_ROUND_SECONDS)
        sleep(self._draw.uniform(0, longest_seconds))
        home = self._home
        match fault:
            case Fault.NODE_AT_RANDOM:
                home.kill()
            case Fault.WORKER_AT_RANDOM:
                workers = home.workers()
                if workers:
                    with suppress(ProcessLookupError):
                        os.kill(self._draw.choice(workers), signal.SIGKILL)
            case Fault.ARCHIVE:
                home.archive.kill()
                sleep(self._draw.uniform(0, _LONGEST_SECONDS))
                home.archive.start()
            case Fault.SEGFAULT | Fault.HANG | Fault.LEAK:
                poison = Scanner(Poison[fault.name])
                poison.send(parcels(1, start=self._poisoned), home.port)
                self.tally.acknowledged |= poison.acknowledged
                self._poisoned += 1
            case Fault.RELOAD | Fault.RELOAD_AND_KILL:
                before = home.events("configuration_reloaded")
                width = "processes" if self._cluster is None else "actors"
                home.reload(**{width: self._draw.randint(1, 3)})
                if fault is Fault.RELOAD:
                    home.wait_until_reloaded(before + 1)
                else:
                    sleep(self._draw.uniform(0, 2 * _LONGEST_SECONDS))
                    home.kill()
            case fault if fault in OF_A_CLUSTER:
                self._strike_cluster(fault)
            case Fault.NODE_AT_A_POINT | Fault.WORKER_AT_A_POINT | Fault.SENDER:
                # The fuse, or the sender's own clock.
                pass

    def _strike_cluster(self, fault: Fault) -> None:
        cluster = self._cluster
        assert cluster is not None
        if fault is Fault.FOREMAN:
            cluster.kill_foreman()
        elif fault is Fault.HEAD:
            cluster.kill_foreman()
            cluster.kill_everything()
        elif fault in {Fault.MACHINE, Fault.RAYLET}:
            for machine in cluster.machines()[: self._draw.randint(1, 2)]:
                cluster.kill_machine(machine, whole=fault is Fault.MACHINE)
        else:
            how = signal.SIGKILL if fault is Fault.ACTOR else signal.SIGSTOP
            actors = cluster.actors()
            for actor in actors[: self._draw.randint(1, max(1, len(actors)))]:
                with suppress(ProcessLookupError):
                    os.kill(actor, how)
            return
        sleep(self._draw.uniform(0, _LONGEST_SECONDS))
        cluster.complete()

    def _is_quiet(self) -> bool:
        home = self._home
        if not home.is_running:
            # The last fuse has blown only now.
            self._stand_up(None)
        return not home.waiting()


def _bound(function: Callable[..., None], *arguments: object) -> Callable[[], None]:
    return lambda: function(*arguments)


def _send_all(home: House, number: int, start: int, each: int, acknowledged: set[str]) -> None:
    scanner: Scanner | WebScanner
    scanner, port = (WebScanner(), home.web_port) if number in _BY_WEB else (Scanner(), home.port)
    scanner.send(parcels(each, start=start), port)
    acknowledged |= scanner.acknowledged


def _send_and_die(
    port: int, start: int, each: int, file: Path, seconds: float, acknowledged: set[str]
) -> None:
    """Send from a process of its own that is killed after `seconds`."""
    command = [
        sys.executable, "-m", "tests.crash.scanner",
        str(port), str(start), str(each), str(file),
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    process.wait()
    if file.exists():
        # A line that the kill cut short is an acknowledgement that was not heard.
        acknowledged |= {line for line in file.read_text().split("\n")[:-1] if line}


def besiege(
    siege: Siege,
    *,
    minutes: float,
    instances: int = 0,
    tell: Callable[[str], None] = lambda _line: None,
) -> Tally:
    """Play rounds, at least one of each fault; count in between and at the end.

    They go on for `minutes`, and until so many instances were acknowledged.
    """
    until = monotonic() + 60 * minutes
    faults = siege.faults
    while faults or monotonic() < until or len(siege.tally.acknowledged) < instances:
        siege.play(faults.pop() if faults else None)
        if siege.tally.rounds % QUIET_EVERY == 0:
            siege.count()
            tally = siege.tally
            tell(
                f"round {tally.rounds}: {len(tally.acknowledged)} acknowledged,"
                f" {tally.delivered} delivered, {sum(tally.withheld.values())} withheld,"
                f" lost {tally.lost}, duplicated {tally.duplicated}, dirty {tally.dirty}"
            )
            if not tally.is_well:
                return tally
    siege.count()
    siege.resend()
    siege.count()
    return siege.tally
