"""What the journal says of a whole study."""

import dataclasses
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode

from deid_node.dicom import part10
from deid_node.spool.again import Again, Selection
from deid_node.spool.arrivals import Arrival
from deid_node.spool.blobs import reference
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.foundlings import Foundlings
from deid_node.spool.inventory import Inventory
from deid_node.spool.withheld import WorkList
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Withheld
from tests.builders.custody import Spool
from tests.builders.values import a_clean_instance, an_origin

STUDY, SERIES = "1.2.840.1", "1.2.840.1.1"


def arrive(
    custody: Custody,
    number: int,
    *,
    study: str = STUDY,
    series: str = SERIES,
    syntax: str = ExplicitVRLittleEndian,
    through_the_door: bool = True,
) -> InstanceId:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", f"1.2.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    content = encode(dataset, syntax == ImplicitVRLittleEndian, True)
    assert content is not None
    header = part10.spool_header(
        sop_class_uid=dataset.SOPClassUID,
        sop_instance_uid=dataset.SOPInstanceUID,
        transfer_syntax=syntax,
    )
    spool = Spool(custody)
    incoming = spool.begin()
    if through_the_door:
        incoming.begin(header)
        incoming.write(content)
    else:
        incoming.write(header + content)
    origin = dataclasses.replace(an_origin(), transfer_syntax=syntax)
    arrival = Arrival(origin, dataset.SOPClassUID, dataset.SOPInstanceUID)
    return spool.accept(arrival, incoming).instance.id


def seal(custody: Custody, instance: InstanceId, *destinations: str, study: str) -> None:
    order = Spool(custody).claim(instance)
    assert isinstance(order, WorkOrder)
    order.output.write_bytes(b"clean")
    blob = dataclasses.replace(reference(order.output), name=f"{instance}.dcm")
    clean = dataclasses.replace(
        a_clean_instance(instance, blob),
        sop_instance_uid=f"2.25.9{instance}",
        study_instance_uid=study,
        destinations=destinations,
    )
    Spool(custody).record(order, Cleaned(clean))


def deliver(custody: Custody, instance: InstanceId, destination: str) -> None:
    Deliveries(custody).settle(Receipt(instance, destination, DeliveryResult.DELIVERED, 0))


@pytest.mark.parametrize("uid", [STUDY, "2.25.7"], ids=["as sent", "as it leaves"])
def test_a_study_is_counted_by_state_code_and_destination(custody: Custody, uid: str) -> None:
    ids = [arrive(custody, number, series=f"{SERIES}.{number % 2}") for number in range(6)]
    arrive(custody, 9, study="1.2.840.2")
    for instance in ids[:2]:
        seal(custody, instance, "archive", "folder", study="2.25.7")
        deliver(custody, instance, "archive")
    deliver(custody, ids[0], "folder")
    for instance, code in zip(ids[2:5], ("no_rule", "undecodable", "no_rule"), strict=True):
        order = Spool(custody).claim(instance)
        assert isinstance(order, WorkOrder)
        Spool(custody).record(order, Withheld(code, "for a reason"))

    found = Inventory(custody).study(STUDY, "2.25.7")
    by_one = Inventory(custody).study(uid)

    assert found is not None
    assert by_one is not None
    assert (found.instances, found.series, found.superseded) == (6, 2, 0)
    assert found.states == {"delivered": 1, "clean": 1, "withheld": 3, "received": 1}
    assert found.withheld == {"no_rule": 2, "undecodable": 1}
    assert found.deliveries == {
        "archive": {"delivered": 2},
        "folder": {"delivered": 1, "due": 1},
    }
    assert by_one.deliveries == found.deliveries
    assert by_one.instances == (6 if uid == STUDY else 2)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("through_the_door", [True, False], ids=["by the door", "as a file"])
def test_what_comes_is_entered_under_its_study(
    custody: Custody, syntax: str, through_the_door: bool
) -> None:
    arrive(custody, 1, syntax=syntax, through_the_door=through_the_door)

    (row,) = custody.read("SELECT study_instance_uid, series_instance_uid, sender FROM instances")

    assert tuple(row) == (STUDY, SERIES, an_origin().sender)


def test_what_is_found_without_a_row_is_entered_under_its_study(custody: Custody) -> None:
    arrive(custody, 1)
    custody.write(lambda transaction: transaction.connection.execute("DELETE FROM instances"))

    assert len(Foundlings(custody).take_in().adopted) == 1

    found = Inventory(custody).study(STUDY)
    assert found is not None
    assert found.withheld == {"origin_unknown": 1}


def test_what_gave_its_place_to_another_is_told(custody: Custody) -> None:
    instance = arrive(custody, 1)
    seal(custody, instance, "archive", study="2.25.7")
    deliver(custody, instance, "archive")
    custody.blobs.clean.joinpath(f"{instance}.dcm").unlink()
    Again(custody).redeliver(Selection(studies=frozenset({STUDY})), person="anna")

    found = Inventory(custody).study(STUDY)

    assert found is not None
    assert (found.instances, found.superseded) == (1, 1)


@pytest.mark.parametrize("uid", ["", "1.2.3"])
def test_a_study_of_which_nothing_came_is_not_found(custody: Custody, uid: str) -> None:
    Spool(custody).accept(
        Arrival(an_origin(), "1.2.840.10008.5.1.4.1.1.7", "1.2"), [b"nothing that names a study"]
    )

    assert Inventory(custody).study(uid) is None


def test_a_study_is_found_without_looking_at_every_instance(custody: Custody) -> None:
    for table in ("study_instance_uid", "clean_study_instance_uid"):
        plan = custody.read(
            f"EXPLAIN QUERY PLAN SELECT sequence FROM instances WHERE {table} IN"  # noqa: S608
            " (SELECT value FROM json_each('[\"1.2\"]'))"
        )

        assert any("USING" in row["detail"] and "INDEX" in row["detail"] for row in plan)


def test_a_release_is_by_the_uid_as_sent_too(custody: Custody, tmp_path: Path) -> None:
    instance = arrive(custody, 1)
    order = Spool(custody).claim(instance)
    assert isinstance(order, WorkOrder)
    Spool(custody).record(order, Withheld("no_rule", "none"))
    # Not even the bytes are asked: the journal knows.
    order.blob.rename(tmp_path / "elsewhere")
    assert [entry.id for entry in WorkList(custody).entries()] == [instance]

    ordered = Again(custody).reprocess(
        Selection(studies=frozenset({STUDY})), person="anna", dry=True
    )

    assert ordered.left == (instance,)
