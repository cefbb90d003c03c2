"""Sealed instances in a real spool, as the corridor leaves them there."""

import dataclasses
from pathlib import Path

from deid_node.forward.base import Parcel
from deid_node.spool.arrivals import Arrivals
from deid_node.spool.blobs import companion_name
from deid_node.spool.claims import Claims
from deid_node.spool.custody import Custody
from deid_node.spool.samples import Drawing
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from tests.builders.values import an_arrival
from tests.fakes.peer_parcels import a_parcel, accompanied


class Spool(Arrivals, Claims):
    """Both sides of custody, for a test that is the door and the workers."""

    def __init__(self, custody: Custody, drawing: Drawing | None = None) -> None:
        Arrivals.__init__(self, custody)
        Claims.__init__(self, custody, drawing)


def sealed(
    custody: Custody,
    folder: Path,
    *,
    number: int,
    destinations: tuple[str, ...] = ("archive",),
    study: int = 1,
    rows: int = 8,
    calling_ae: str = "SCANNER",
    with_companion: bool = False,
) -> Parcel:
    """Take instance `number` into custody, clean and due at `destinations`.

    Its files are also left in `folder`; the parcel that comes back points there.
    """
    spool = Spool(custody)
    arrival = an_arrival(f"1.2.{study}.{number}", calling_ae=calling_ae)
    received = spool.accept(arrival, [b"as sent %d" % number])
    order = spool.claim(received.instance.id)
    assert isinstance(order, WorkOrder)
    parcel = a_parcel(folder, number=number, study=study, rows=rows)
    order.output.write_bytes(parcel.path.read_bytes())
    companion = None
    if with_companion:
        parcel = accompanied(parcel)
        assert parcel.companion is not None
        assert parcel.instance.companion is not None
        order.companion_output.write_bytes(parcel.companion.read_bytes())
        blob = dataclasses.replace(parcel.instance.companion.blob, name=companion_name(order.id))
        companion = dataclasses.replace(parcel.instance.companion, blob=blob)
    instance = dataclasses.replace(
        parcel.instance,
        id=order.id,
        blob=dataclasses.replace(parcel.instance.blob, name=f"{order.id}.dcm"),
        destinations=destinations,
        companion=companion,
    )
    assert spool.record(order, Cleaned(instance))
    return Parcel(instance, parcel.path, parcel.companion)


def delivery_states(custody: Custody, destination: str) -> dict[InstanceId, str]:
    """Return the state of every delivery to `destination`."""
    rows = custody.read(
        "SELECT i.id, d.state FROM deliveries d"
        " JOIN instances i ON i.sequence = d.instance_sequence WHERE d.destination = ?",
        (destination,),
    )
    return {InstanceId(row["id"]): str(row["state"]) for row in rows}
