"""`redeliver` and `reprocess`: what a person gives back to the node, beside it or without it."""

from collections.abc import Callable
from pathlib import Path
from time import time

import pytest

from deid_node.errors import BlobDamaged
from deid_node.spool.again import Again, Ordered, Selection
from deid_node.spool.archive_commitments import Confirmations
from deid_node.spool.blobs import reference
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.withheld import WorkList
from deid_node.values.commitment import Reference
from deid_node.values.confirmation import ConfirmationReport
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Discarded, Withheld
from deid_node.values.retry import RetryPolicy
from tests.builders.custody import Spool, delivery_states, sealed
from tests.builders.values import a_clean_instance
from tests.unit.spool.test_commitments import verdict
from tests.unit.spool.test_spool import accept, claimed, cleaned, files

BOTH = ("archive", "mirror")
ALL = Selection()


def keeping(options: SpoolOptions) -> Custody:
    custody = Custody(options.model_copy(update={"keep_delivered_seconds": 3600}), exclusive=False)
    custody.open()
    return custody


def deliver(custody: Custody, instance: InstanceId, *destinations: str) -> None:
    for name in destinations or ("archive",):
        Deliveries(custody).settle(Receipt(instance, name, DeliveryResult.DELIVERED, 0))


def state_of(custody: Custody, instance: InstanceId) -> str:
    (row,) = custody.read("SELECT state FROM instances WHERE id = ?", (instance,))
    return str(row["state"])


def due(custody: Custody, destination: str = "archive") -> list[InstanceId]:
    return [one.instance.id for one in Deliveries(custody).due(destination, limit=10)]


def test_what_was_delivered_goes_out_again_with_the_same_bytes(
    custody: Custody, tmp_path: Path
) -> None:
    parcel = sealed(custody, tmp_path, number=1, with_companion=True)
    deliver(custody, parcel.instance.id)

    ordered = Again(custody).redeliver(ALL, person="anna")

    assert ordered.done == (parcel.instance.id,)
    (delivery,) = Deliveries(custody).due("archive", limit=5)
    assert delivery.instance == parcel.instance
    assert Deliveries(custody).clean_path(delivery.instance).read_bytes() == (
        parcel.path.read_bytes()
    )
    deliver(custody, parcel.instance.id)
    assert state_of(custody, parcel.instance.id) == "delivered"


def test_only_the_destination_that_is_named_gets_it_again(custody: Custody) -> None:
    order = cleaned(custody, destinations=BOTH)
    deliver(custody, order.id, *BOTH)

    Again(custody).redeliver(Selection(destination="mirror"), person="anna")

    assert (due(custody), due(custody, "mirror")) == ([], [order.id])
    assert delivery_states(custody, "archive") == {order.id: "delivered"}


def test_a_part_that_was_delivered_goes_again_while_the_rest_still_waits(custody: Custody) -> None:
    order = cleaned(custody, destinations=BOTH)
    deliver(custody, order.id, "mirror")

    Again(custody).redeliver(Selection(instances=frozenset({order.id})), person="anna")

    assert due(custody) == due(custody, "mirror") == [order.id]


def test_what_has_a_long_wait_is_due_now(custody: Custody) -> None:
    cleaned(custody)
    deliveries = Deliveries(custody)
    deliveries.postpone(deliveries.due("archive", limit=1)[0], seconds=1e9)

    Again(custody).redeliver(ALL, person="anna")

    assert [one.attempts for one in deliveries.due("archive", limit=1)] == [0]


def test_an_answer_to_an_earlier_question_does_not_stop_it(
    custody: Custody, tmp_path: Path
) -> None:
    clean = sealed(custody, tmp_path, number=1).instance
    Deliveries(custody).hand_over(Receipt(clean.id, "archive", DeliveryResult.DELIVERED, 0))
    confirmations = Confirmations(custody, {"archive": 3}, RetryPolicy(1, 2, 4))
    assert confirmations.gather("archive", limit=5)
    (inquiry,) = confirmations.due("archive")
    confirmations.asked(inquiry)

    Again(custody).redeliver(ALL, person="anna")
    reference = Reference(clean.sop_class_uid, clean.sop_instance_uid)
    confirmations.hear(ConfirmationReport(inquiry.transaction_uid, (reference,), ()))

    assert due(custody) == [clean.id]


@pytest.mark.parametrize("command", [Again.redeliver, Again.reprocess])
def test_without_its_bytes_it_walks_when_its_sender_sends_it_again(
    custody: Custody, command: Callable[..., Ordered]
) -> None:
    before = cleaned(custody).id
    deliver(custody, before)
    Retention(custody).remove_expired()
    assert accept(custody).repeated

    ordered = command(Again(custody), ALL, person="anna")
    again = cleaned(custody).id

    assert ordered.awaited == (before,)
    assert again != before
    assert due(custody) == [again]
    deliver(custody, again)
    assert accept(custody).repeated


def test_what_is_awaited_is_not_held_for_a_scanner_that_asks(custody: Custody) -> None:
    deliver(custody, cleaned(custody).id)
    Retention(custody).remove_expired()
    assert verdict(custody).confirmed

    Again(custody).redeliver(ALL, person="anna")

    assert not verdict(custody).confirmed


def test_neither_sends_nor_walks_what_is_in_a_workers_hands(custody: Custody) -> None:
    order = claimed(custody)

    for command in (Again(custody).redeliver, Again(custody).reprocess):
        ordered = command(Selection(instances=frozenset({order.id})), person="anna")
        assert ordered.left == (order.id,)

    assert state_of(custody, order.id) == "received"


@pytest.mark.parametrize("state", ["withheld", "refused", "clean", "delivered", "discarded"])
def test_what_ended_in_any_way_walks_again_and_forgets_its_seal(
    options: SpoolOptions, state: str
) -> None:
    custody = keeping(options)
    instance = _ended(custody, state)

    ordered = Again(custody).reprocess(ALL, person="anna")

    assert ordered.done == (instance,)
    assert Spool(custody).received() == {"SCANNER": [instance]}
    assert files(custody.blobs.clean) == files(custody.blobs.partial) == []
    order = Spool(custody).claim(instance)
    assert isinstance(order, WorkOrder)
    # The corridor says no today: what was sealed yesterday must not go out for it.
    Spool(custody).record(order, Withheld("identifier_left", "found again"))
    WorkList(custody).release(instance, person="anna")
    assert due(custody) == []
    assert Spool(custody).received() == {"SCANNER": [instance]}
    custody.close()


def _ended(custody: Custody, state: str) -> InstanceId:
    if state in {"withheld", "discarded"}:
        order = claimed(custody)
        outcome = Discarded("rule") if state == "discarded" else Withheld("no_rule", "none")
        Spool(custody).record(order, outcome)
        return order.id
    order = cleaned(custody)
    if state == "delivered":
        deliver(custody, order.id)
    if state == "refused":
        Deliveries(custody).settle(Receipt(order.id, "archive", DeliveryResult.REFUSED, 0xC000))
    return order.id


def test_what_was_sent_before_it_walked_again_settles_nothing_for_the_new_bytes(
    custody: Custody,
) -> None:
    order = cleaned(custody)
    (before,) = Deliveries(custody).due("archive", limit=1)
    Again(custody).reprocess(ALL, person="anna")
    again = Spool(custody).claim(order.id)
    assert isinstance(again, WorkOrder)
    _seal_other_bytes(custody, again)

    with pytest.raises(BlobDamaged):
        Deliveries(custody).clean_path(before.instance)
    Deliveries(custody).settle(
        Receipt(order.id, "archive", DeliveryResult.DELIVERED, 0), before.instance
    )
    Deliveries(custody).withhold_damaged(before)

    assert due(custody) == [order.id]
    assert state_of(custody, order.id) == "clean"


def _seal_other_bytes(custody: Custody, order: WorkOrder) -> None:
    order.output.write_bytes(b"made by another model")
    blob = reference(order.output)
    named = type(blob)(f"{order.id}.dcm", blob.size_bytes, blob.sha256)
    assert Spool(custody).record(order, Cleaned(a_clean_instance(order.id, named)))


def test_a_discarded_one_whose_place_is_taken_stays_discarded(options: SpoolOptions) -> None:
    custody = keeping(options)
    first = _ended(custody, "discarded")
    corrected = accept(custody, content=b"corrected").instance.id

    ordered = Again(custody).reprocess(Selection(instances=frozenset({first})), person="anna")

    assert ordered.left == (first,)
    assert Spool(custody).received() == {"SCANNER": [corrected]}
    custody.close()


def test_a_removal_that_had_begun_does_not_take_what_walks_again(options: SpoolOptions) -> None:
    custody = keeping(options)
    instance = _ended(custody, "discarded")
    removing = Custody(options, exclusive=False)
    removing.open()
    read = removing.read

    def meanwhile(*arguments: object) -> object:
        found = read(*arguments)  # type: ignore[arg-type]
        Again(custody).reprocess(ALL, person="anna")
        return found

    removing.read = meanwhile  # type: ignore[method-assign, assignment]

    assert Retention(removing).remove_expired() == 0

    assert (custody.blobs.received / f"{instance}.dcm").read_bytes() == b"headbytes"
    removing.close()
    custody.close()


def test_studies_and_times_choose(custody: Custody, tmp_path: Path) -> None:
    one, two = (sealed(custody, tmp_path, number=n, study=n).instance for n in (1, 2))
    for clean in (one, two):
        deliver(custody, clean.id)
    custody.write(
        lambda transaction: transaction.connection.execute(
            "UPDATE deliveries SET settled_at = settled_at - 7200 WHERE instance_sequence = 1"
        )
    )
    again = Again(custody)

    def dry(selection: Selection) -> tuple[InstanceId, ...]:
        return again.redeliver(selection, person="anna", dry=True).done

    assert dry(Selection(studies=frozenset({one.study_instance_uid}))) == (one.id,)
    assert dry(Selection(since=time() - 3600)) == (two.id,)
    assert dry(Selection(studies=frozenset({"1.2.3"}))) == ()
    assert dry(Selection(destination="mirror")) == ()
    assert dry(ALL) == (one.id, two.id)
    assert due(custody) == []
    assert Decisions(custody).untold() == []
    assert len(files(custody.blobs.clean)) == 2


def test_each_order_is_kept_for_the_log_with_the_person(custody: Custody) -> None:
    order = cleaned(custody)
    deliver(custody, order.id)

    Again(custody).redeliver(ALL, person="anna")
    Again(custody).reprocess(ALL, person="bert")

    assert [(one.verb, one.code, one.person) for one in Decisions(custody).untold()] == [
        ("redeliver", "delivered", "anna"),
        ("reprocess", "clean", "bert"),
    ]
