"""The same instance in another transfer syntax is a repeat; another content is a conflict."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from pynetdicom.dsutils import encode

from deid_node.dicom import part10
from deid_node.pipeline import Corridor
from deid_node.spool.again import Again, Selection
from deid_node.spool.arrivals import Acceptance, Arrival
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.withheld import WorkList
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Ending, Postponed, Repeated, Waiting, Withheld
from tests.builders.custody import Spool
from tests.builders.samples import packaged
from tests.builders.values import an_origin
from tests.unit.pipeline.test_corridor import a_corridor, an_order


@pytest.fixture
def custody(tmp_path: Path) -> Iterator[Custody]:
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    yield custody
    custody.close()


@pytest.fixture
def corridor() -> Corridor:
    return a_corridor(compares=True)


def send(custody: Custody, dataset: Dataset, syntax: UID) -> Acceptance:
    if syntax == RLELossless:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = syntax
    content = encode(dataset, syntax == ImplicitVRLittleEndian, True)
    assert content is not None
    uid = str(dataset.SOPInstanceUID)
    header = part10.spool_header(
        sop_class_uid=dataset.SOPClassUID, sop_instance_uid=uid, transfer_syntax=syntax
    )
    origin = replace(an_origin(), transfer_syntax=syntax)
    return Spool(custody).accept(Arrival(origin, dataset.SOPClassUID, uid), [header, content])


def cleaned(corridor: Corridor, order: WorkOrder) -> Ending:
    outcome = corridor.clean(order)
    assert not isinstance(outcome, Postponed | Waiting)
    return outcome


def walk(custody: Custody, corridor: Corridor, acceptance: Acceptance) -> Ending | None:
    order = Spool(custody).claim(acceptance.instance.id)
    assert isinstance(order, WorkOrder)
    return Spool(custody).record(order, cleaned(corridor, order))


def first(custody: Custody, corridor: Corridor, *, gone: bool) -> Acceptance:
    acceptance = send(custody, part10.read(packaged("CT_small.dcm")), ExplicitVRLittleEndian)
    if gone:
        assert isinstance(walk(custody, corridor, acceptance), Cleaned)
        Deliveries(custody).settle(
            Receipt(acceptance.instance.id, "archive", DeliveryResult.DELIVERED, 0)
        )
        assert Retention(custody).remove_expired() == 1
    return acceptance


BYTES = pytest.mark.parametrize("gone", [False, True], ids=["waits", "delivered and removed"])


@BYTES
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless])
def test_the_same_content_in_another_transfer_syntax_is_a_repeat(
    custody: Custody, corridor: Corridor, syntax: UID, gone: bool
) -> None:
    known = first(custody, corridor, gone=gone)
    again = send(custody, part10.read(packaged("CT_small.dcm")), syntax)
    assert not again.conflict

    assert walk(custody, corridor, again) == Repeated()

    assert WorkList(custody).entries() == []
    rows = custody.read("SELECT id, state FROM instances WHERE state = 'discarded'")
    assert [row["id"] for row in rows] == [again.instance.id]
    assert known.instance.id != again.instance.id


@BYTES
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless])
def test_another_content_is_a_conflict_in_any_transfer_syntax(
    custody: Custody, corridor: Corridor, syntax: UID, gone: bool
) -> None:
    first(custody, corridor, gone=gone)
    other = part10.read(packaged("CT_small.dcm"))
    other.PixelData = other.PixelData[:-2] + b"\x01\x02"

    acceptance = send(custody, other, syntax)

    if not acceptance.conflict:
        assert isinstance(walk(custody, corridor, acceptance), Withheld)
    assert [one.code for one in WorkList(custody).entries()] == ["uid_conflict"]


def test_a_repeat_of_what_was_discarded_meanwhile_walks_alone(
    custody: Custody, corridor: Corridor
) -> None:
    known = first(custody, corridor, gone=False)
    again = send(custody, part10.read(packaged("CT_small.dcm")), ImplicitVRLittleEndian)
    order = Spool(custody).claim(again.instance.id)
    assert isinstance(order, WorkOrder)
    outcome = cleaned(corridor, order)
    assert outcome == Repeated()
    held = Spool(custody).claim(known.instance.id)
    assert isinstance(held, WorkOrder)
    Spool(custody).record(held, Withheld("no_rule", "none"))
    WorkList(custody).discard(known.instance.id, person="anna")

    assert Spool(custody).record(order, outcome) is None

    assert isinstance(walk(custody, corridor, again), Cleaned)


def test_a_person_lets_the_later_one_win(custody: Custody, corridor: Corridor) -> None:
    known = first(custody, corridor, gone=True)
    other = part10.read(packaged("CT_small.dcm"))
    other.PatientSex = "F"
    later = send(custody, other, ExplicitVRLittleEndian).instance

    WorkList(custody).release(later.id, person="anna", instead=True)
    order = Spool(custody).claim(later.id)
    assert isinstance(order, WorkOrder)
    outcome = Spool(custody).record(order, cleaned(corridor, order))

    assert isinstance(outcome, Cleaned)
    assert [one.instance.id for one in Deliveries(custody).due("archive", limit=5)] == [later.id]
    # What was delivered before is the past: what comes now is compared with what won.
    repeated = Again(custody).redeliver(Selection(frozenset({known.instance.id})), person="anna")
    assert repeated.left == (known.instance.id,)


def test_a_person_lets_the_later_one_win_over_one_that_waits(
    custody: Custody, corridor: Corridor
) -> None:
    known = first(custody, corridor, gone=False)
    other = part10.read(packaged("CT_small.dcm"))
    other.PatientSex = "F"
    later = send(custody, other, ExplicitVRLittleEndian).instance

    WorkList(custody).release(later.id, person="anna", instead=True)

    assert Spool(custody).received() == {"SCANNER": [later.id]}
    assert Spool(custody).claim(known.instance.id) is None


def test_one_in_conflict_can_be_released_once_the_other_is_discarded(
    custody: Custody, corridor: Corridor
) -> None:
    known = first(custody, corridor, gone=False)
    other = part10.read(packaged("CT_small.dcm"))
    other.PatientSex = "F"
    later = send(custody, other, ExplicitVRLittleEndian).instance
    held = Spool(custody).claim(known.instance.id)
    assert isinstance(held, WorkOrder)
    Spool(custody).record(held, Withheld("no_rule", "none"))
    WorkList(custody).discard(known.instance.id, person="anna")

    WorkList(custody).release(later.id, person="anna")

    assert Spool(custody).received() == {"SCANNER": [later.id]}


def test_tools_without_a_spool_compare_nothing(tmp_path: Path) -> None:
    order = an_order(tmp_path)

    outcome = a_corridor().clean(order)

    assert isinstance(outcome, Cleaned)
    assert outcome.content_sha256 is None
