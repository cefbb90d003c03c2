"""What a person decides is kept until the node has told of it."""

from time import time

import pytest

from deid_node.errors import InputError
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.options import SpoolOptions
from deid_node.spool.withheld import WorkList
from deid_node.values.identity import InstanceId
from deid_node.values.outcome import Withheld
from tests.builders.custody import Spool
from tests.unit.spool.test_spool import claimed


def withheld(custody: Custody, uid: str) -> InstanceId:
    order = claimed(custody, uid)
    Spool(custody).record(order, Withheld("no_rule", "no routing rule matched"))
    return order.id


@pytest.mark.req("REQ-RX-17")
def test_each_decision_is_told_once(custody: Custody, options: SpoolOptions) -> None:
    first, second = withheld(custody, "1.2.3"), withheld(custody, "1.2.4")
    beside = Custody(options, exclusive=False)
    beside.open()
    WorkList(beside).release(first, person="anna")
    WorkList(beside).discard(second, person="bert")
    beside.close()
    decisions = Decisions(custody)

    untold = decisions.untold()
    decisions.told(untold)

    assert [(one.instance, one.verb, one.code, one.person) for one in untold] == [
        (first, Verb.RELEASE, "no_rule", "anna"),
        (second, Verb.DISCARD, "no_rule", "bert"),
    ]
    assert all(abs(one.at.timestamp() - time()) < 60 for one in untold)
    assert decisions.untold() == []


def test_a_decision_that_was_not_possible_is_none(custody: Custody) -> None:
    order = claimed(custody)

    for decide in (WorkList(custody).release, WorkList(custody).discard):
        with pytest.raises(InputError):
            decide(order.id, person="anna")

    assert Decisions(custody).untold() == []
