"""Series in any order of events: nobody waits for ever, and what each is told never changes."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from deid_node.spool.beside import in_series
from deid_node.spool.custody import Custody
from deid_node.spool.open_series import OpenSeriesList
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.series import WaitingSeries
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Discarded, Waiting
from deid_node.values.series import InSeries, Place, WaitLimits
from tests.builders.custody import Spool
from tests.unit.spool.test_inventory import arrive, deliver, seal
from tests.unit.spool.test_series import shift

pytestmark = pytest.mark.slow

LIMITS = WaitLimits(quiet_seconds=60, most_seconds=300, most_instances=5, most_bytes=10**9)
SERIES = ("1.2.840.1.1", "1.2.840.1.2")


class Series(RuleBasedStateMachine):
    """A door, workers, a janitor and a person; the node may end at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.options = SpoolOptions(dir=Path(self.folder.name) / "spool", reserve_bytes=0)
        self.custody = self.opened()
        self.came = 0
        self.told: dict[InstanceId, InSeries] = {}

    def opened(self) -> Custody:
        custody = Custody(self.options, exclusive=True)
        custody.open()
        return custody

    def teardown(self) -> None:
        self.custody.close()
        self.folder.cleanup()

    def ids(self, state: str) -> list[InstanceId]:
        rows = self.custody.read(
            "SELECT id FROM instances WHERE state = ? ORDER BY sequence", (state,)
        )
        return [InstanceId(row["id"]) for row in rows]

    @rule(series=st.sampled_from(SERIES), along=st.integers(0, 6), treatment=st.sampled_from("ab"))
    def comes(self, series: str, along: int, treatment: str) -> None:
        """A slice comes, and a worker finds that it waits."""
        self.came += 1
        instance = arrive(self.custody, self.came, series=series)
        order = Spool(self.custody).claim(instance)
        assert isinstance(order, WorkOrder)
        assert order.series is None
        waiting = Waiting(treatment, LIMITS, Place("axial", float(along)))
        Spool(self.custody).hold(order, waiting)

    @rule(seconds=st.sampled_from((10, 60, 300)))
    def time_passes(self, seconds: int) -> None:
        shift(self.custody, seconds)
        WaitingSeries(self.custody).close_due()

    @rule()
    def disk_is_full(self) -> None:
        WaitingSeries(self.custody).close_due(disk_is_low=True)

    @rule()
    def person_releases(self) -> None:
        people = OpenSeriesList(self.custody)
        people.release([one.number for one in people.waiting()[:1]], person="anna")

    @precondition(lambda self: self.ids("received"))
    @rule(which=st.integers(0, 9), ends=st.sampled_from(("delivered", "discarded", "killed")))
    def worker_has_it(self, which: int, ends: str) -> None:
        """A worker is given one that goes on, and ends it, or is killed with the node."""
        waiting = self.ids("received")
        instance = waiting[which % len(waiting)]
        order = Spool(self.custody).claim(instance)
        assert isinstance(order, WorkOrder)
        assert order.series is not None
        assert self.told[instance] == order.series
        match ends:
            case "delivered":
                Spool(self.custody).give_back(instance)
                seal(self.custody, instance, "archive", study="2.25.7")
                deliver(self.custody, instance, "archive")
            case "discarded":
                Spool(self.custody).record(order, Discarded("rule"))
            case _:
                Spool(self.custody).give_back(instance)
                self.node_ends()

    @rule()
    def node_ends(self) -> None:
        self.custody.close()
        self.custody = self.opened()
        Retention(self.custody).reconcile()
        WaitingSeries(self.custody).resume()

    @rule()
    def janitor_sweeps(self) -> None:
        Retention(self.custody).remove_expired()

    @invariant()
    def nothing_is_lost(self) -> None:
        (row,) = self.custody.read("SELECT COUNT(*) AS count FROM instances")
        assert row["count"] == self.came

    @invariant()
    def nobody_is_held_in_a_series_that_is_closed(self) -> None:
        assert not self.custody.read(
            "SELECT 1 FROM instances i JOIN series s ON s.sequence = i.series"
            " WHERE i.state = 'held' AND s.closed_at IS NOT NULL"
        )
        assert not self.custody.read(
            "SELECT 1 FROM series WHERE closed_at IS NULL AND instances >= most_instances"
        )

    @invariant()
    def what_each_is_told_never_changes_and_lies_there(self) -> None:
        for row in self.custody.read("SELECT * FROM instances WHERE state = 'received'"):
            told = in_series(self.custody.read, row, self.custody.blobs.received)
            assert told is not None
            assert self.told.setdefault(row["id"], told) == told
            assert all(one.blob.exists() for one in (*told.before, *told.after))


TestSeries = Series.TestCase
TestSeries.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
