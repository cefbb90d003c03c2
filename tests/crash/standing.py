"""One node for many tests: what a start costs is paid once for each death.

A node that has come back from one kill takes the fuse of the next. What must hold is counted
over all that the house has ever acknowledged. A house in which a test has failed is left, and
the next test has a new one.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.crash.fuse import Fuse, Victim
from tests.crash.house import House
from tests.crash.launcher import NO_POINT
from tests.crash.parcels import Parcel, parcels
from tests.crash.scanner import Scanner
from tests.fakes.waiting import eventually


class Tenancy:
    """What one test does in a house that others have used before it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._taken = 0
        self._acknowledged: frozenset[str] = frozenset()

    def parcels(self, count: int) -> Sequence[Parcel]:
        """Return `count` instances that the house has never seen."""
        taken = parcels(count, start=self._taken)
        self._taken += count
        return taken

    def arm(self, point: str, passes: int = 1, victim: Victim = Victim.SELF) -> Fuse:
        """Put a fuse into the node; start it where it does not run."""
        if self.house.is_running:
            return self.house.arm(point, passes, victim)
        return self.house.start(point, passes, victim)

    def check(self, acknowledged: Collection[str]) -> None:
        """What must hold holds for `acknowledged`, and for all of the tests before."""
        self._acknowledged |= set(acknowledged)
        self.house.check_all(self._acknowledged)
        assert not self.house.complaints()

    def lose_nothing(self, sent: Sequence[Parcel]) -> None:
        """Send, let the node die of its fuse, and see that it loses and doubles nothing.

        First all that was acknowledged must end by itself; only then the scanner sends
        everything again, as it would after an abort, and that makes no second copy.
        """
        home, scanner, again = self.house, Scanner(), Scanner()
        scanner.send(sent, home.port, associations=2)
        home.wait_for_death()

        home.start()
        home.wait_until_quiet()
        self.check(scanner.acknowledged)

        again.send(sent, home.port, associations=2)
        home.wait_until_quiet()
        assert again.acknowledged == {parcel.sop_instance_uid for parcel in sent}
        self.check(again.acknowledged)
        # None of these files is beyond the corridor: nothing has a reason to wait for a person.
        assert {row.state for row in home.journal()} == {"delivered"}

    def miss_the_archive(self) -> None:
        """Kill the archive in the middle: what it had not confirmed comes again."""
        self.arm(NO_POINT)
        home, scanner, sent = self.house, Scanner(), self.parcels(16)
        before = len(home.archive.arrivals())
        missed = home.events("destination_unreachable")

        scanner.send(sent[:8], home.port)
        eventually(lambda: len(home.archive.arrivals()) > before, what="the first arrival")
        home.archive.kill()
        scanner.send(sent[8:], home.port)
        eventually(
            lambda: home.events("destination_unreachable") > missed, what="the archive is missed"
        )
        home.archive.start()
        home.wait_until_quiet()

        assert len(scanner.acknowledged) == len(sent)
        assert {row.state for row in home.journal()} == {"delivered"}
        self.check(scanner.acknowledged)


class StandingHouse:
    """Builds a house when it is first needed, and another when the last is no longer sound."""

    def __init__(self, folder: Path, **built: Any) -> None:
        self._folder = folder
        self._built = built
        self._houses = 0
        self._tenancy: Tenancy | None = None

    @contextmanager
    def tenancy(self) -> Iterator[Tenancy]:
        """Return what a test does there; an error on the way out condemns the house."""
        if self._tenancy is None:
            self._houses += 1
            folder = self._folder / f"house-{self._houses}"
            folder.mkdir()
            self._tenancy = Tenancy(House(folder, **self._built))
        try:
            yield self._tenancy
        except BaseException:
            self._tenancy.house.close()
            self._tenancy = None
            raise

    def close(self) -> None:
        """End the last node in order; nothing lies about."""
        if self._tenancy is None:
            return
        house = self._tenancy.house
        try:
            if house.is_running:
                house.stop()
                house.check_no_orphans()
        finally:
            house.close()


@contextmanager
def standing_house(folder: Path, **built: Any) -> Iterator[StandingHouse]:
    """Return a standing house for the length of a ``with`` block."""
    standing = StandingHouse(folder, **built)
    try:
        yield standing
    finally:
        standing.close()
