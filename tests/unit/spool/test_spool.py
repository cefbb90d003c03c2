"""Custody: what `accept` returned for is on disk; every state has its way on."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deid_node.dicom.bulk import LARGE_BYTES
from deid_node.errors import BlobDamaged, InputError, SpoolFull, SpoolInUse, SpoolUnavailable
from deid_node.spool.arrivals import Acceptance
from deid_node.spool.blobs import intact, reference
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.inventory import Inventory
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.withheld import WorkList
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.geometry import Box, DoubtedRegion
from deid_node.values.order import MAX_STARTS, WorkOrder
from deid_node.values.origin import Dimse, Http, Via
from deid_node.values.outcome import Cleaned, Discarded, Outcome, Withheld
from tests.builders.custody import Spool
from tests.builders.values import a_clean_instance, an_arrival


def accept(custody: Custody, uid: str = "1.2.3", content: bytes = b"bytes") -> Acceptance:
    return Spool(custody).accept(an_arrival(uid), [b"head", content])


def claimed(custody: Custody, uid: str = "1.2.3", content: bytes = b"bytes") -> WorkOrder:
    order = Spool(custody).claim(accept(custody, uid, content).instance.id)
    assert isinstance(order, WorkOrder)
    return order


def test_an_order_knows_under_which_name_its_instance_came(custody: Custody) -> None:
    order = claimed(custody, "1.2.3.4.5")

    assert order.sop_instance_uid == "1.2.3.4.5"
    assert "1.2.3.4.5" not in repr(order)


def cleaned(
    custody: Custody, uid: str = "1.2.3", destinations: tuple[str, ...] = ("archive",)
) -> WorkOrder:
    order = claimed(custody, uid)
    order.output.write_bytes(b"clean " + uid.encode())
    blob = reference(order.output)
    instance = a_clean_instance(
        order.id,
        type(blob)(f"{order.id}.dcm", blob.size_bytes, blob.sha256),
        destinations=destinations,
    )
    Spool(custody).record(order, Cleaned(instance))
    return order


def receipt(order: WorkOrder, result: DeliveryResult, destination: str = "archive") -> Receipt:
    return Receipt(order.id, destination, result, 0)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_accepted_instance_is_there_after_a_restart(options: SpoolOptions) -> None:
    before = Custody(options, exclusive=True)
    before.open()
    instance = accept(before).instance
    before.close()

    after = Custody(options, exclusive=True)
    after.open()

    assert Spool(after).received() == {"SCANNER": [instance.id]}
    assert (after.blobs.received / instance.blob.name).read_bytes() == b"headbytes"
    after.close()


def test_what_waits_is_known_by_its_sender_after_a_restart(options: SpoolOptions) -> None:
    before = Custody(options, exclusive=True)
    before.open()
    order = [("1.1", "CT"), ("1.2", "US"), ("1.3", "CT")]
    ids = [
        Spool(before).accept(an_arrival(uid, calling_ae=sender), [b"bytes"]).instance.id
        for uid, sender in order
    ]
    before.close()

    after = Custody(options, exclusive=True)
    after.open()

    assert Spool(after).received() == {"CT": [ids[0], ids[2]], "US": [ids[1]]}
    after.close()


@pytest.mark.parametrize(
    "via", [Dimse("CT", "DEIDNODE", "10.0.0.1"), Http("CT", "10.0.0.1")], ids=["dimse", "http"]
)
def test_on_which_way_an_instance_came_is_known_after_a_restart(
    via: Via, options: SpoolOptions
) -> None:
    before = Custody(options, exclusive=True)
    before.open()
    arrival = an_arrival()
    sent = replace(arrival, origin=replace(arrival.origin, via=via))
    instance = Spool(before).accept(sent, [b"bytes"]).instance
    before.close()

    after = Custody(options, exclusive=True)
    after.open()
    order = Spool(after).claim(instance.id)

    assert isinstance(order, WorkOrder)
    assert order.origin.via == via
    assert Spool(after).received() == {"CT": [instance.id]}
    after.close()


def test_the_same_bytes_again_are_acknowledged_and_not_kept_twice(custody: Custody) -> None:
    first = accept(custody)

    again = accept(custody)

    assert again.repeated
    assert again.instance == first.instance
    assert len(files(custody.blobs.received)) == 1
    assert files(custody.blobs.partial) == []


def test_other_bytes_of_the_same_uid_are_withheld_beside_the_first(custody: Custody) -> None:
    first = accept(custody)

    other = accept(custody, content=b"other bytes")

    assert other.conflict
    assert Spool(custody).received() == {"SCANNER": [first.instance.id]}
    assert [entry.code for entry in WorkList(custody).entries()] == ["uid_conflict"]
    assert accept(custody, content=b"other bytes").repeated


def test_many_associations_share_the_writer_and_none_is_lost(custody: Custody) -> None:
    ids: set[str] = set()

    def send(sender: int) -> None:
        for number in range(25):
            ids.add(accept(custody, uid=f"1.{sender}.{number}").instance.id)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ids) == 100
    assert set(Spool(custody).received()["SCANNER"]) == ids


def test_below_the_reserve_nothing_is_taken(tmp_path: Path) -> None:
    custody = Custody(SpoolOptions(dir=tmp_path, reserve_bytes=1 << 60), exclusive=True)
    custody.open()

    with pytest.raises(SpoolFull):
        accept(custody)

    assert files(custody.blobs.partial) == []
    custody.close()


def test_a_full_disk_is_told_as_full_and_leaves_nothing_behind(
    custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(SpoolFull):
        accept(custody)

    assert files(custody.blobs.partial) == []


def test_a_commit_that_fails_is_not_success_and_the_next_one_works(
    custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(custody, uid="1.1")
    monkeypatch.setattr("deid_node.spool.syncing.sync_folder", _raise_io_error)
    with pytest.raises(SpoolUnavailable):
        accept(custody, uid="1.2")
    monkeypatch.undo()

    third = accept(custody, uid="1.3")

    assert len(Spool(custody).received()["SCANNER"]) == 2
    assert Retention(custody).reconcile() == 0
    assert (custody.blobs.received / third.instance.blob.name).exists()


def _raise_io_error(_folder: Path) -> Iterator[None]:
    raise OSError(errno.EIO, "input/output error")


def test_starts_are_counted_at_the_claim_and_exhausted_ones_are_withheld(custody: Custody) -> None:
    instance = accept(custody).instance.id
    spool = Spool(custody)

    orders = [spool.claim(instance) for _ in range(MAX_STARTS)]

    assert [order.attempt for order in orders if isinstance(order, WorkOrder)] == [1, 2, 3]
    assert isinstance(spool.claim(instance), Withheld)
    assert [entry.code for entry in WorkList(custody).entries()] == ["worker_lost"]


def test_an_order_says_what_its_blob_is_read_against(custody: Custody) -> None:
    instance = accept(custody).instance

    order = Spool(custody).claim(instance.id)

    assert isinstance(order, WorkOrder)
    assert order.blob_sha256 == instance.blob.sha256
    assert intact(order.blob, order.blob_sha256)[:] == b"headbytes"


@pytest.mark.parametrize("large", [False, True], ids=["held", "read by the piece"])
@pytest.mark.parametrize(
    "harm",
    [lambda blob: blob.write_bytes(b"X" * blob.stat().st_size), Path.unlink],
    ids=["other", "gone"],
)
def test_a_blob_that_is_not_intact_is_not_read(
    tmp_path: Path, harm: Callable[[Path], object], large: bool
) -> None:
    blob = tmp_path / "blob.dcm"
    blob.write_bytes(b"bytes" * (LARGE_BYTES // 4 if large else 1))
    known = reference(blob)
    assert len(intact(blob, known.sha256)) == known.size_bytes

    harm(blob)

    with pytest.raises(BlobDamaged):
        intact(blob, known.sha256)


def test_a_clean_instance_is_due_once_for_each_destination(custody: Custody) -> None:
    order = cleaned(custody, destinations=("archive", "mirror"))
    deliveries = Deliveries(custody)

    due = deliveries.due("archive", limit=10)

    assert [delivery.instance.id for delivery in due] == [order.id]
    assert deliveries.clean_path(due[0].instance).read_bytes() == b"clean 1.2.3"
    assert len(deliveries.due("mirror", limit=10)) == 1
    assert files(custody.blobs.partial) == []


def test_an_instance_is_delivered_when_every_destination_confirmed_it(custody: Custody) -> None:
    order = cleaned(custody, destinations=("archive", "mirror"))
    deliveries, retention = Deliveries(custody), Retention(custody)

    deliveries.settle(receipt(order, DeliveryResult.DELIVERED))
    kept = retention.remove_expired()
    deliveries.settle(receipt(order, DeliveryResult.WARNING, "mirror"))

    assert kept == 0
    assert retention.remove_expired() == 1
    assert files(custody.blobs.clean) == files(custody.blobs.received) == []
    assert accept(custody).repeated


def test_one_destination_that_refuses_does_not_hold_up_the_other(custody: Custody) -> None:
    order = cleaned(custody, destinations=("archive", "mirror"))
    deliveries = Deliveries(custody)

    deliveries.settle(receipt(order, DeliveryResult.REFUSED))

    assert [entry.code for entry in WorkList(custody).entries()] == ["refused_by_destination"]
    assert deliveries.due("archive", limit=10) == []
    assert len(deliveries.due("mirror", limit=10)) == 1


def test_a_refusal_of_our_own_is_told_apart(custody: Custody) -> None:
    order = cleaned(custody, destinations=("archive",))
    refusal = replace(receipt(order, DeliveryResult.REFUSED), code="transcoding_differs")

    Deliveries(custody).settle(refusal)

    assert [entry.code for entry in WorkList(custody).entries()] == ["transcoding_differs"]


def test_a_released_refusal_is_offered_again_with_the_same_bytes(custody: Custody) -> None:
    order = cleaned(custody)
    deliveries = Deliveries(custody)
    before = deliveries.due("archive", limit=1)[0].instance
    deliveries.settle(receipt(order, DeliveryResult.REFUSED))

    WorkList(custody).release(order.id, person="anna")

    assert deliveries.due("archive", limit=1)[0].instance == before


def test_a_postponed_delivery_is_due_later_and_counts_its_attempt(custody: Custody) -> None:
    cleaned(custody)
    deliveries = Deliveries(custody)
    delivery = deliveries.due("archive", limit=1)[0]

    deliveries.postpone(delivery, seconds=1000)

    assert deliveries.due("archive", limit=1) == []
    wait = deliveries.next_due_seconds("archive")
    assert wait is not None
    assert 900 < wait <= 1000
    deliveries.postpone(delivery, seconds=-1)
    assert deliveries.due("archive", limit=1)[0].attempts == 2


def test_deliveries_of_one_study_come_together(custody: Custody) -> None:
    for uid in ("1.1", "1.2", "1.3"):
        cleaned(custody, uid=uid)

    due = Deliveries(custody).due("archive", limit=2)

    assert len(due) == 2
    assert len({delivery.instance.study_instance_uid for delivery in due}) == 1


def test_a_withheld_instance_can_be_released_and_walks_again(custody: Custody) -> None:
    order = claimed(custody)
    Spool(custody).record(order, Withheld("undecodable", "no decoder", rule="everything"))

    WorkList(custody).release(order.id, person="anna")

    assert Spool(custody).received() == {"SCANNER": [order.id]}
    again = Spool(custody).claim(order.id)
    assert isinstance(again, WorkOrder)
    assert again.attempt == 1


def test_a_withheld_instance_can_be_discarded_once(custody: Custody) -> None:
    order = claimed(custody)
    Spool(custody).record(order, Withheld("undecodable", "no decoder"))

    WorkList(custody).discard(order.id, person="anna")

    assert Retention(custody).remove_expired() == 1
    with pytest.raises(InputError):
        WorkList(custody).discard(order.id, person="anna")


def test_an_outcome_for_an_instance_that_moved_on_changes_nothing(custody: Custody) -> None:
    order = claimed(custody)
    spool = Spool(custody)
    spool.record(order, Discarded("everything"))
    order.output.write_bytes(b"late")

    spool.record(order, Withheld("undecodable", "no decoder"))

    assert WorkList(custody).entries() == []
    assert not order.output.exists()


def test_only_what_is_partial_is_swept_at_start(custody: Custody) -> None:
    kept = accept(custody).instance
    for folder in (custody.blobs.partial, custody.blobs.received, custody.blobs.clean):
        (folder / "0000000000000000.dcm").write_bytes(b"orphan")

    removed = Retention(custody).reconcile()

    assert removed == 1
    assert files(custody.blobs.partial) == []
    assert files(custody.blobs.received) == ["0000000000000000.dcm", kept.blob.name]
    assert files(custody.blobs.clean) == ["0000000000000000.dcm"]


def test_a_waiting_instance_without_its_blob_is_withheld_at_start(custody: Custody) -> None:
    instance = accept(custody).instance
    (custody.blobs.received / instance.blob.name).unlink()

    Retention(custody).reconcile()

    assert [entry.code for entry in WorkList(custody).entries()] == ["blob_damaged"]


def test_two_nodes_cannot_hold_one_spool(custody: Custody, options: SpoolOptions) -> None:
    second = Custody(options, exclusive=True)

    with pytest.raises(SpoolInUse):
        second.open()


def test_a_person_works_beside_a_running_node(custody: Custody, options: SpoolOptions) -> None:
    order = claimed(custody)
    Spool(custody).record(order, Withheld("undecodable", "no decoder"))
    beside = Custody(options, exclusive=False)
    beside.open()

    WorkList(beside).release(order.id, person="anna")
    beside.close()

    assert Spool(custody).received() == {"SCANNER": [order.id]}


def test_waiting_instances_are_counted_by_state(custody: Custody) -> None:
    accept(custody, uid="1.1")
    cleaned(custody, uid="1.2")

    waiting = Inventory(custody).waiting()

    assert {state: count for state, (count, _) in waiting.items()} == {
        "received": 1,
        "held": 0,
        "clean": 1,
        "withheld": 0,
    }


def test_no_value_of_a_peer_shows_in_a_repr(custody: Custody) -> None:
    shown = repr(accept(custody, uid="1.9.8.7"))

    assert "1.9.8.7" not in shown
    assert "SCANNER" not in shown


def test_nobody_else_on_the_machine_can_read_the_spool(custody: Custody) -> None:
    accept(custody)

    for path in [custody.blobs.root, *custody.blobs.root.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_an_instance_in_conflict_can_be_discarded_but_not_released(custody: Custody) -> None:
    accept(custody)
    other = accept(custody, content=b"other bytes").instance.id

    with pytest.raises(InputError):
        WorkList(custody).release(other, person="anna")
    WorkList(custody).discard(other, person="anna")

    assert WorkList(custody).entries() == []


def test_clean_bytes_that_are_damaged_are_withheld_as_that(custody: Custody) -> None:
    order = cleaned(custody, destinations=("archive", "mirror"))
    deliveries = Deliveries(custody)
    delivery = deliveries.due("archive", limit=1)[0]
    (custody.blobs.clean / delivery.instance.blob.name).write_bytes(b"rot")
    with pytest.raises(BlobDamaged):
        deliveries.clean_path(delivery.instance)

    deliveries.withhold_damaged(delivery)

    assert [(entry.id, entry.code) for entry in WorkList(custody).entries()] == [
        (order.id, "blob_damaged")
    ]
    assert deliveries.due("archive", limit=1) == []


def test_the_boxes_that_an_instance_waits_for_are_shown_until_it_walks_again(
    custody: Custody,
) -> None:
    order = claimed(custody)
    regions = (DoubtedRegion(3, Box(1, 2, 30, 40), 0.5, "crnn-1a2b3c4d"),)
    Spool(custody).record(order, Withheld("text_uncertain", "in doubt", seen=regions))

    shown = WorkList(custody).entry(order.id).regions
    WorkList(custody).release(order.id, person="anna")
    again = Spool(custody).claim(order.id)
    assert isinstance(again, WorkOrder)
    Spool(custody).record(again, Withheld("undecodable", "no decoder"))

    assert shown == regions
    assert WorkList(custody).entry(order.id).regions == ()


def test_what_would_leave_under_the_new_uid_of_another_is_withheld(custody: Custody) -> None:
    """Two spellings of one original UID, say: an archive would take the second for the first."""
    first, second = claimed(custody, "1.2.3"), claimed(custody, "1.2.3 ")
    outcome: Outcome | None = None
    for order, content in ((first, b"one"), (second, b"two")):
        order.output.write_bytes(content)
        blob = reference(order.output)
        named = type(blob)(f"{order.id}.dcm", blob.size_bytes, blob.sha256)
        instance = replace(a_clean_instance(order.id, named), sop_instance_uid="2.25.77")
        outcome = Spool(custody).record(order, Cleaned(instance))

    assert isinstance(outcome, Withheld)
    assert [(entry.id, entry.code) for entry in WorkList(custody).entries()] == [
        (second.id, "uid_conflict")
    ]
    assert [one.instance.id for one in Deliveries(custody).due("archive", limit=5)] == [first.id]
    assert files(custody.blobs.clean) == [f"{first.id}.dcm"]
    assert files(custody.blobs.partial) == []
