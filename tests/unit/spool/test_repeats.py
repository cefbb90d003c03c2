"""Success for a repeat is said only while its bytes are held, or once it was delivered."""

from pathlib import Path

import pytest

from deid_node.errors import BlobDamaged, SpoolUnavailable
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.retention import Retention
from deid_node.spool.withheld import WorkList
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Discarded, Withheld
from tests.builders.custody import Spool
from tests.unit.spool.test_spool import accept, claimed, cleaned, files


def discarded(custody: Custody, by: str, *, removed: bool) -> InstanceId:
    order = claimed(custody)
    if by == "a rule":
        Spool(custody).record(order, Discarded("everything"))
    else:
        Spool(custody).record(order, Withheld("no_rule", "no routing rule matched"))
        WorkList(custody).discard(order.id, person="anna")
    if removed:
        assert Retention(custody).remove_expired() >= 1
    return order.id


def held(custody: Custody) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in custody.blobs.received.iterdir()}


@pytest.mark.parametrize("removed", [False, True], ids=["bytes still there", "bytes removed"])
@pytest.mark.parametrize("by", ["a rule", "a person"])
def test_the_same_bytes_of_what_was_discarded_are_kept_and_walk(
    custody: Custody, by: str, removed: bool
) -> None:
    before = discarded(custody, by, removed=removed)

    again = accept(custody)

    assert (again.repeated, again.conflict) == (False, False)
    assert again.instance.id != before
    assert Spool(custody).received() == {"SCANNER": [again.instance.id]}
    order = Spool(custody).claim(again.instance.id)
    assert isinstance(order, WorkOrder)
    assert order.blob.read_bytes() == b"headbytes"


def test_what_is_discarded_again_and_again_is_taken_again_and_again(custody: Custody) -> None:
    ids = {discarded(custody, "a rule", removed=removed) for removed in (False, True, True)}

    assert len(ids) == 3
    assert not accept(custody).repeated


def test_removing_what_was_discarded_leaves_the_bytes_that_came_again(custody: Custody) -> None:
    before = discarded(custody, "a rule", removed=False)
    again = accept(custody).instance

    assert Retention(custody).remove_expired() == 1

    assert list(held(custody)) == [again.blob.name]
    assert f"{before}.dcm" not in held(custody)


@pytest.mark.parametrize("removed", [False, True], ids=["bytes still there", "bytes removed"])
def test_other_bytes_of_a_discarded_uid_are_no_conflict(custody: Custody, removed: bool) -> None:
    discarded(custody, "a person", removed=removed)

    corrected = accept(custody, content=b"corrected")

    assert (corrected.repeated, corrected.conflict) == (False, False)
    assert Spool(custody).received() == {"SCANNER": [corrected.instance.id]}


@pytest.mark.parametrize("loss", ["missing", "changed"])
@pytest.mark.parametrize("state", ["received", "clean", "withheld"])
def test_a_repeat_of_what_is_not_held_any_more_is_kept(
    custody: Custody, state: str, loss: str
) -> None:
    if state == "clean":
        known = cleaned(custody).id
    else:
        order = claimed(custody)
        known = order.id
        if state == "withheld":
            Spool(custody).record(order, Withheld("no_rule", "no routing rule matched"))
    blob = custody.blobs.received / f"{known}.dcm"
    if loss == "missing":
        blob.unlink()
    else:
        blob.write_bytes(b"otherbyte")

    again = accept(custody)

    assert not again.repeated
    assert again.instance.id == known
    assert held(custody) == {f"{known}.dcm": b"headbytes"}
    (row,) = custody.read("SELECT state FROM instances")
    assert row["state"] == state
    assert files(custody.blobs.partial) == []


def test_a_repeat_whose_commit_fails_costs_what_is_held_nothing(
    custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(custody)
    before = held(custody)

    def broken(_folder: Path) -> None:
        raise OSError("input/output error")

    monkeypatch.setattr("deid_node.spool.syncing.sync_folder", broken)
    for content in (b"bytes", b"other bytes"):
        try:
            accept(custody, content=content)
        except SpoolUnavailable:
            continue
    monkeypatch.undo()

    assert held(custody).items() >= before.items()


def test_the_same_bytes_again_mend_what_has_lost_its_clean_bytes(custody: Custody) -> None:
    order = cleaned(custody, destinations=("archive", "mirror"))
    deliveries = Deliveries(custody)
    deliveries.settle(Receipt(order.id, "mirror", DeliveryResult.DELIVERED, 0))
    (delivery,) = deliveries.due("archive", limit=1)
    (custody.blobs.clean / f"{order.id}.dcm").write_bytes(b"rot")
    with pytest.raises(BlobDamaged):
        deliveries.clean_path(delivery.instance)
    deliveries.withhold_damaged(delivery)

    again = accept(custody)
    cleaned(custody)

    assert again.instance.id == order.id
    assert [one.instance.id for one in deliveries.due("archive", limit=5)] == [order.id]
    assert deliveries.clean_path(deliveries.due("archive", limit=1)[0].instance).exists()
