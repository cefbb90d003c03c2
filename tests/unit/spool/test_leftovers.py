"""What nobody looks after is told: destinations that are gone, files that are nobody's."""

from prometheus_client import CollectorRegistry, generate_latest

from deid_node.observe.collectors import aside_trouble, stranded_trouble
from deid_node.observe.metrics import Metrics
from deid_node.spool.again import Again, Selection
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.leftovers import Leftovers
from deid_node.values.delivery import DeliveryResult, Receipt
from tests.builders.custody import Spool
from tests.unit.spool.test_spool import cleaned, receipt


def test_only_what_waits_for_a_destination_that_is_gone_is_stranded(custody: Custody) -> None:
    for number in range(3):
        cleaned(custody, f"1.2.{number}", destinations=("old", "archive"))
    delivered = cleaned(custody, "1.2.3", destinations=("old",))
    Deliveries(custody).settle(receipt(delivered, DeliveryResult.DELIVERED, "old"))
    sent = cleaned(custody, "1.2.4", destinations=("older",))
    Deliveries(custody).hand_over(Receipt(sent.id, "older", DeliveryResult.DELIVERED, 0))

    leftovers = Leftovers(custody, ["archive", "mirror"])

    assert leftovers.stranded() == {"old": 3, "older": 1}
    assert stranded_trouble(leftovers) == "destination_not_configured"
    every = Leftovers(custody, ["archive", "old", "older"])
    assert (every.stranded(), stranded_trouble(every)) == ({}, None)


def test_reprocess_brings_them_back_on_their_way(custody: Custody) -> None:
    order = cleaned(custody, destinations=("old",))
    leftovers = Leftovers(custody, ["archive"])
    assert leftovers.stranded() == {"old": 1}

    Again(custody).reprocess(Selection(destination="old"), person="anna")

    assert leftovers.stranded() == {}
    assert Spool(custody).received() == {"SCANNER": [order.id]}


def test_files_that_are_nobodys_are_counted(custody: Custody) -> None:
    leftovers = Leftovers(custody, [])
    assert (leftovers.set_aside(), aside_trouble(leftovers)) == (0, None)
    (custody.blobs.received / "stray").touch()

    custody.blobs.set_aside(custody.blobs.received / "stray")

    assert (leftovers.set_aside(), aside_trouble(leftovers)) == (1, "files_set_aside")


def test_the_metrics_have_both(custody: Custody) -> None:
    cleaned(custody, destinations=("old",))
    metrics = Metrics(CollectorRegistry())
    metrics.watch_leftovers(Leftovers(custody, ["archive"]))

    told = generate_latest(metrics.registry).decode()

    assert "deid_node_stranded_instances 1.0" in told
    assert "deid_node_files_set_aside 0.0" in told
