"""How long 10,000 instances that wait take to leave, once their destination is there again."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter

from prometheus_client import CollectorRegistry

from deid_node.forward.build import build_destination
from deid_node.forward.options import CStoreOptions, DestinationOptions, FolderOptions
from deid_node.forward.sender import Sender
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.blobs import reference
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from deid_node.values.retry import RetryPolicy
from tests.builders.custody import Spool
from tests.builders.values import a_clean_instance, an_arrival
from tests.fakes.dcmtk import storescp
from tests.fakes.peer_parcels import a_parcel
from tests.fakes.waiting import eventually, free_port

WAITING = 10_000
_PER_STUDY = 100
_ROWS = 128
"""With 128 columns of two bytes: 32 KiB an instance."""
_FILLING = 16
_PATIENCE_SECONDS = 3600.0


def measure_drain(folder: Path, *, rounds: int, each: int) -> None:
    """Print seconds and instances a second, to DCMTK's storescp and to a folder."""
    for number in range(rounds):
        place = folder / f"round-{number}"
        place.mkdir()
        custody = Custody(SpoolOptions(dir=place / "spool", reserve_bytes=0), exclusive=True)
        custody.open()
        began = perf_counter()
        _fill(custody, place)
        print(f"  {WAITING} sealed in {perf_counter() - began:.0f} s")
        port = free_port()
        with storescp(place / "archive", port):
            archive = CStoreOptions(kind="cstore", ae_title="RESEARCH", host="127.0.0.1", port=port)
            _print("storescp", _drained(custody, "archive", archive))
        _print("folder", _drained(custody, "other", FolderOptions(kind="folder", dir=place / "o")))
        custody.close()


def _print(name: str, seconds: float) -> None:
    print(f"  {name:10} {seconds:6.1f} s  {WAITING / seconds:6.0f} instances/s")


def _fill(custody: Custody, folder: Path) -> None:
    template = a_parcel(folder, rows=_ROWS, columns=_ROWS).path.read_bytes()
    with ThreadPoolExecutor(_FILLING) as threads:
        list(threads.map(partial(_let_wait, Spool(custody), template), range(WAITING)))


def _let_wait(spool: Spool, template: bytes, number: int) -> None:
    accepted = spool.accept(an_arrival(f"1.2.3.{number}"), [b"as sent %d" % number])
    order = spool.claim(accepted.instance.id)
    assert isinstance(order, WorkOrder)
    order.output.write_bytes(template)
    written = reference(order.output)
    clean = replace(
        a_clean_instance(
            order.id,
            replace(written, name=f"{order.id}.dcm"),
            destinations=("archive", "other"),
        ),
        sop_instance_uid=f"2.25.7.{number}",
        series_instance_uid=f"2.25.{number // _PER_STUDY + 1}.0",
        study_instance_uid=f"2.25.{number // _PER_STUDY + 1}",
    )
    assert spool.record(order, Cleaned(clean))


def _drained(custody: Custody, name: str, options: DestinationOptions) -> float:
    deliveries = Deliveries(custody)
    sender = Sender(
        build_destination(name, options),
        deliveries,
        RetryPolicy(first_seconds=1, factor=2, cap_seconds=5),
        log=EventLog(io.StringIO(), "warning"),
        metrics=Metrics(CollectorRegistry()),
    )
    began = perf_counter()
    sender.start()
    eventually(
        lambda: deliveries.next_due_seconds(name) is None,
        what="all are settled",
        patience_seconds=_PATIENCE_SECONDS,
    )
    seconds = perf_counter() - began
    sender.stop(finish_seconds=10)
    return seconds
