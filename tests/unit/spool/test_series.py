"""Series that are waited for: when each is closed, who goes on, and who lies beside whom."""

import dataclasses
from collections.abc import Sequence
from itertools import permutations
from time import time

import pytest

from deid_node.spool.clock import Clock
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.open_series import OpenSeriesList
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.series import Held, WaitingSeries
from deid_node.spool.withheld import WorkList
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Discarded, Waiting
from deid_node.values.series import ClosedBy, Place, WaitLimits
from tests.builders.custody import Spool
from tests.unit.spool.test_inventory import SERIES, arrive, deliver, seal

SIZE_BYTES = 396
"""Of what `arrive` lets come."""

LIMITS = WaitLimits(quiet_seconds=60, most_seconds=3600, most_instances=100, most_bytes=10**9)


def waits(
    custody: Custody,
    number: int,
    *,
    limits: WaitLimits = LIMITS,
    series: str = SERIES,
    treatment: str = "research",
    expected: int | None = None,
    stack: str = "axial",
) -> tuple[InstanceId, Held]:
    """Let instance `number` come, at that many millimetres, and be told to wait."""
    instance = arrive(custody, number, series=series)
    return instance, told_to_wait(
        custody,
        instance,
        Waiting(treatment, limits, Place(stack, float(number)), expected),
    )


def told_to_wait(custody: Custody, instance: InstanceId, waiting: Waiting) -> Held:
    order = Spool(custody).claim(instance)
    assert isinstance(order, WorkOrder)
    return Spool(custody).hold(order, waiting)


def order_of(custody: Custody, instance: InstanceId) -> WorkOrder:
    order = Spool(custody).claim(instance)
    assert isinstance(order, WorkOrder)
    return order


def beside(custody: Custody, instance: InstanceId) -> tuple[list[str], list[str]]:
    """Return which lie before an instance and after it, by the names of their files."""
    series = order_of(custody, instance).series
    assert series is not None
    return [one.blob.stem for one in series.before], [one.blob.stem for one in series.after]


def state_of(custody: Custody, instance: InstanceId) -> str:
    (row,) = custody.read("SELECT state FROM instances WHERE id = ?", (instance,))
    return str(row["state"])


def shift(custody: Custody, seconds: float) -> None:
    """Let so much time have passed since each series was opened and since the last of it came."""
    custody.write(
        lambda one: one.connection.execute(
            "UPDATE series SET opened_at = opened_at - ?, changed_at = changed_at - ?",
            (seconds, seconds),
        )
    )


def test_what_waits_is_in_no_workers_way_and_has_all_its_starts(custody: Custody) -> None:
    instance, held = waits(custody, 1)

    assert held == Held(waits=True)
    assert state_of(custody, instance) == "held"
    assert Spool(custody).received() == {}
    assert Spool(custody).claim(instance) is None
    WaitingSeries(custody).close_due(disk_is_low=True)
    assert order_of(custody, instance).attempt == 1


@pytest.mark.req("REQ-RX-30")
def test_a_series_is_closed_when_nothing_of_it_has_come_for_a_while(custody: Custody) -> None:
    series = WaitingSeries(custody)
    first, _ = waits(custody, 1)
    shift(custody, 59)
    second, _ = waits(custody, 2)

    assert series.close_due() == ()
    shift(custody, 60)
    (closed,) = series.close_due()

    assert (closed.by, closed.treatment, closed.instances) == (ClosedBy.QUIET, "research", 2)
    assert closed.going == {"SCANNER": [first, second]} == Spool(custody).received()
    assert series.close_due() == ()


def test_it_is_not_quiet_while_some_of_it_wait_for_a_worker(custody: Custody) -> None:
    series = WaitingSeries(custody)
    waits(custody, 1)
    arrive(custody, 2)
    arrive(custody, 3, series="1.2.840.1.2")
    shift(custody, 100)

    assert series.close_due() == ()
    shift(custody, 3600)
    assert [one.by for one in series.close_due()] == [ClosedBy.TIME]


@pytest.mark.req("REQ-RX-30")
@pytest.mark.parametrize(
    ("limits", "expected", "by"),
    [
        (LIMITS, 3, ClosedBy.COUNT),
        (dataclasses.replace(LIMITS, most_instances=3), None, ClosedBy.INSTANCES),
        (dataclasses.replace(LIMITS, most_bytes=3 * SIZE_BYTES - 1), None, ClosedBy.BYTES),
    ],
    ids=str,
)
def test_a_series_is_closed_by_the_one_that_makes_it_whole_or_too_large(
    custody: Custody, limits: WaitLimits, expected: int | None, by: ClosedBy
) -> None:
    three = [waits(custody, number, limits=limits, expected=expected) for number in (2, 3, 1)]

    sizes = {row["blob_size_bytes"] for row in custody.read("SELECT * FROM instances")}
    assert sizes == {SIZE_BYTES}
    assert [held.closed and held.closed.by for _, held in three] == [None, None, by]
    last = three[-1][1].closed
    assert last is not None
    # Along the stack, not as they came.
    assert last.going == {"SCANNER": [three[2][0], three[0][0], three[1][0]]}


def test_a_disk_that_takes_no_more_lets_all_of_them_go_on(custody: Custody) -> None:
    waits(custody, 1)
    waits(custody, 2, series="1.2.840.1.2")

    closed = WaitingSeries(custody).close_due(disk_is_low=True)

    assert [one.by for one in closed] == [ClosedBy.DISK, ClosedBy.DISK]


def test_series_and_projects_do_not_wait_for_each_other(custody: Custody) -> None:
    ours, _ = waits(custody, 1, expected=2)
    others, _ = waits(custody, 2, expected=2, series="1.2.840.1.2")
    project, _ = waits(custody, 3, expected=2, treatment="project")
    _, last = waits(custody, 4, expected=2)

    assert last.closed is not None
    assert last.closed.going["SCANNER"][0] == ours
    assert (state_of(custody, others), state_of(custody, project)) == ("held", "held")


def test_what_comes_late_goes_straight_on_and_costs_no_start(custody: Custody) -> None:
    early = [waits(custody, number, expected=2)[0] for number in (1, 4)]
    late = arrive(custody, 3)
    waiting = Waiting("research", LIMITS, Place("axial", 3.0), 2)

    held = told_to_wait(custody, late, waiting)

    assert held == Held(waits=False, late="SCANNER")
    assert state_of(custody, late) == "received"
    order = order_of(custody, late)
    assert order.attempt == 1
    assert order.series is not None
    assert [one.blob.stem for one in order.series.before] == [early[0]]
    assert [one.blob.stem for one in order.series.after] == [early[1]]
    # What they are told has not changed by it.
    assert beside(custody, early[0]) == ([], [early[1]])


def test_late_ones_know_those_that_were_late_before_them(custody: Custody) -> None:
    waits(custody, 9, expected=1)
    first, second = (waits(custody, number)[0] for number in (1, 2))

    assert beside(custody, first)[1] == [order_name(custody, 9)]
    assert beside(custody, second)[0] == [first]


def order_name(custody: Custody, number: int) -> str:
    (row,) = custody.read("SELECT id FROM instances WHERE sop_instance_uid = ?", (f"1.2.{number}",))
    return str(row["id"])


@pytest.mark.parametrize("order", list(permutations((1, 2, 3, 4))), ids=str)
def test_who_is_beside_whom_is_no_matter_of_who_came_first(
    custody: Custody, order: Sequence[int]
) -> None:
    ids = {number: waits(custody, number, expected=4)[0] for number in order}

    assert beside(custody, ids[2]) == ([ids[1]], [ids[3], ids[4]])
    found = order_of(custody, ids[3]).series
    assert found is not None
    assert found.number == 2


def test_only_the_nearest_of_the_same_stack_are_told_of(custody: Custody) -> None:
    ids = {number: waits(custody, number)[0] for number in range(1, 10)}
    # At the place of the fifth, and another stack.
    again = arrive(custody, 50)
    told_to_wait(custody, again, Waiting("research", LIMITS, Place("axial", 5.0)))
    waits(custody, 51, stack="sagittal")
    WaitingSeries(custody).close_due(disk_is_low=True)

    before, after = beside(custody, ids[5])

    assert before == [ids[4], ids[3], ids[2]]
    assert after == [ids[6], ids[7], ids[8]]


def test_bytes_stay_until_all_of_the_series_are_worked_on(custody: Custody) -> None:
    first, second = (waits(custody, number, expected=2)[0] for number in (1, 2))
    seal(custody, first, "archive", study="2.25.7")
    deliver(custody, first, "archive")
    retention = Retention(custody)

    assert retention.remove_expired() == 0
    told = beside(custody, second)
    order = order_of(custody, second)
    Spool(custody).record(order, Discarded("rule"))

    assert told == ([first], [])
    assert retention.remove_expired() == 2


def test_bytes_of_what_was_late_before_stay_too(custody: Custody) -> None:
    early, late = waits(custody, 1, expected=1)[0], waits(custody, 2)[0]
    seal(custody, early, "archive", study="2.25.7")
    deliver(custody, early, "archive")

    assert Retention(custody).remove_expired() == 0
    assert beside(custody, late) == ([early], [])


def test_a_start_of_the_node_loses_nothing_and_waits_on(options: SpoolOptions) -> None:
    before = Custody(options, exclusive=True)
    before.open()
    instance, _ = waits(before, 1)
    shift(before, 1000)
    before.close()
    now = Custody(options, exclusive=True)
    now.open()
    series = WaitingSeries(now)

    Retention(now).reconcile()
    series.resume()

    # While the node was away nothing could come: the quiet begins anew.
    assert series.close_due() == ()
    assert state_of(now, instance) == "held"
    shift(now, 60)
    assert [one.instances for one in series.close_due()] == [1]
    now.close()


def test_a_person_lets_a_series_go_on_and_the_decision_is_kept(custody: Custody) -> None:
    first, second = (waits(custody, number)[0] for number in (1, 2))
    other, _ = waits(custody, 3, series="1.2.840.1.2")
    people = OpenSeriesList(custody)
    (ours, _) = people.waiting()

    going = people.release([ours.number, 99], person="anna")

    assert going == 2
    assert [state_of(custody, one) for one in (first, second, other)] == [
        *("received", "received", "held")
    ]
    (told,) = Decisions(custody).untold()
    assert (told.verb, told.instance, told.person) == (Verb.RELEASE_SERIES, first, "anna")
    assert (told.code, told.detail) == ("held", f"series {ours.number}: 2 instances")
    assert people.release([ours.number], person="anna") == 0


@pytest.mark.parametrize(("said", "going"), [(3, 0), (2, 2), (1, 2)])
def test_a_person_says_how_many_there_are(custody: Custody, said: int, going: int) -> None:
    # What the header says counts until then.
    waits(custody, 1, expected=7)
    waits(custody, 2, expected=7)
    people = OpenSeriesList(custody)

    assert people.expect(1, said, person="anna") == going
    assert [one.expected for one in people.waiting()] == ([said] if not going else [])
    if not going:
        _, last = waits(custody, 3, expected=7)
        assert last.closed is not None
        assert last.closed.by is ClosedBy.COUNT


def test_what_is_known_of_an_open_series(custody: Custody) -> None:
    waits(custody, 1)
    (one,) = OpenSeriesList(custody).waiting()

    assert (one.treatment, one.instances, one.expected) == ("research", 1, None)
    assert one.closes_at == pytest.approx(time() + 60, abs=30)
    assert SERIES not in repr(one)


def test_another_of_its_uid_may_win_while_it_waits(custody: Custody) -> None:
    loser, _ = waits(custody, 1)
    rival = arrive(custody, 1, study="1.2.840.9")
    assert state_of(custody, rival) == "withheld"

    WorkList(custody).release_all([rival], person="anna", instead=True)

    assert (state_of(custody, loser), state_of(custody, rival)) == ("discarded", "received")
    WaitingSeries(custody).close_due(disk_is_low=True)
    assert state_of(custody, loser) == "discarded"


def test_a_wrong_clock_does_not_keep_a_series_for_ever(custody: Custody) -> None:
    waits(custody, 1)
    shift(custody, -1e7)

    assert Clock(custody, 300).correct() == 2
    shift(custody, 60)
    assert len(WaitingSeries(custody).close_due()) == 1
