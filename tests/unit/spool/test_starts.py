"""Which starts count among the three."""

import pytest

from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.values.identity import InstanceId
from deid_node.values.order import MAX_CUT_SHORT, MAX_STARTS, WorkOrder
from deid_node.values.outcome import Withheld
from tests.builders.custody import Spool
from tests.unit.spool.test_spool import accept


def run(options: SpoolOptions, instance: InstanceId, *, claims: int = 1) -> WorkOrder | None:
    """Start a node, claim so often, and let the node end in the middle; return the last order."""
    custody = Custody(options, exclusive=True)
    custody.open()
    Retention(custody).reconcile()
    order: WorkOrder | Withheld | None = None
    for _ in range(claims):
        order = Spool(custody).claim(instance)
    custody.close()
    return order if isinstance(order, WorkOrder) else None


@pytest.fixture
def instance(options: SpoolOptions) -> InstanceId:
    custody = Custody(options, exclusive=True)
    custody.open()
    received = accept(custody).instance
    custody.close()
    return received.id


@pytest.mark.req("REQ-RX-18")
def test_a_start_that_the_end_of_the_node_cut_short_is_given_back(
    options: SpoolOptions, instance: InstanceId
) -> None:
    orders = [run(options, instance) for _ in range(MAX_CUT_SHORT + 1)]

    assert [order.attempt if order else None for order in orders] == [1] * (MAX_CUT_SHORT + 1)


@pytest.mark.req("REQ-RX-21")
def test_a_start_that_is_given_back_counts_for_nothing(custody: Custody) -> None:
    spool = Spool(custody)
    instance = accept(custody).instance.id
    attempts = []
    for _ in range(2 * MAX_STARTS):
        order = spool.claim(instance)
        assert isinstance(order, WorkOrder)
        attempts.append(order.attempt)
        spool.give_back(instance)
    # Only what was claimed can be given back.
    spool.give_back(instance)
    last = spool.claim(instance)

    assert attempts == [1] * (2 * MAX_STARTS)
    assert isinstance(last, WorkOrder)
    assert last.attempt == 1


@pytest.mark.req("REQ-RX-18")
def test_starts_that_lost_their_worker_are_not_given_back(
    options: SpoolOptions, instance: InstanceId
) -> None:
    """Another start in the same run says that the one before lost its worker."""
    run(options, instance, claims=3)

    again = run(options, instance)

    assert again is not None
    assert again.attempt == 3


@pytest.mark.req("REQ-RX-18")
def test_an_instance_that_takes_the_node_down_is_withheld_all_the_same(
    options: SpoolOptions, instance: InstanceId
) -> None:
    starts = 0
    while run(options, instance) is not None:
        starts += 1
        assert starts < 20

    assert starts == MAX_STARTS + MAX_CUT_SHORT


def test_an_instance_that_was_not_in_hand_gets_nothing_back(
    options: SpoolOptions, instance: InstanceId
) -> None:
    run(options, instance, claims=2)
    run(options, instance, claims=0)
    run(options, instance, claims=0)

    order = run(options, instance)

    assert order is not None
    assert order.attempt == 2
