"""The way out: waiting clean instances, to DCMTK's storescp, and to Orthanc by both ways."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from prometheus_client import CollectorRegistry

from deid_node.forward.build import build_destination
from deid_node.forward.options import CStoreOptions, DestinationOptions
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
from tests.bench.slices import write_slices
from tests.bench.table import print_rates
from tests.builders.custody import Spool
from tests.builders.values import a_clean_instance, an_arrival
from tests.fakes.dcmtk import storescp
from tests.fakes.orthanc import orthanc
from tests.fakes.stow_sending import stow
from tests.fakes.waiting import eventually, free_port

WAITING = 400
_STORESCP, _ALONE, _ORTHANC = "storescp", "storescp, one at a time", "Orthanc"
_ORTHANC_WEB = "Orthanc, STOW-RS"


def measure_forward(folder: Path, *, rounds: int, each: int) -> None:
    """Print instances a second, every settlement on disk, two associations at a time."""
    slices = write_slices(folder / "slices", WAITING, series=7)
    rates: dict[str, list[float]] = {_STORESCP: [], _ALONE: [], _ORTHANC: [], _ORTHANC_WEB: []}
    for number in range(rounds):
        for name, measured in rates.items():
            place = folder / f"round-{number}-{len(name)}"
            place.mkdir()
            with _archive(name, place / "archive") as options:
                measured.append(_rate(slices, place / "spool", options))
    print_rates(rates, against=_ORTHANC)


@contextmanager
def _archive(name: str, folder: Path) -> Iterator[DestinationOptions]:
    if name in {_ORTHANC, _ORTHANC_WEB}:
        with orthanc(folder, web=name == _ORTHANC_WEB) as archive:
            yield stow(archive.web_url) if name == _ORTHANC_WEB else _cstore(archive.port)
    else:
        port = free_port()
        with storescp(folder, port, one_at_a_time=name == _ALONE):
            yield _cstore(port)


def _cstore(port: int) -> CStoreOptions:
    return CStoreOptions(kind="cstore", ae_title="RESEARCH", host="127.0.0.1", port=port)


def _rate(slices: list[Path], folder: Path, options: DestinationOptions) -> float:
    custody = Custody(SpoolOptions(dir=folder, reserve_bytes=0), exclusive=True)
    custody.open()
    spool, deliveries = Spool(custody), Deliveries(custody)
    for number, path in enumerate(slices):
        _let_wait(spool, path, number)
    sender = Sender(
        build_destination("archive", options),
        deliveries,
        RetryPolicy(first_seconds=1, factor=2, cap_seconds=5),
        log=EventLog(io.StringIO(), "warning"),
        metrics=Metrics(CollectorRegistry()),
    )
    started = perf_counter()
    sender.start()
    eventually(
        lambda: deliveries.next_due_seconds("archive") is None,
        what="all are settled",
        patience_seconds=120,
    )
    seconds = perf_counter() - started
    sender.stop(finish_seconds=10)
    custody.close()
    return len(slices) / seconds


def _let_wait(spool: Spool, path: Path, number: int) -> None:
    accepted = spool.accept(an_arrival(f"1.2.3.{number}"), [path.read_bytes()])
    order = spool.claim(accepted.instance.id)
    assert isinstance(order, WorkOrder)
    order.output.write_bytes(path.read_bytes())
    written = reference(order.output)
    clean = a_clean_instance(order.id, replace(written, name=f"{order.id}.dcm"))
    series = "1.2.826.0.1.3680043.8.498.88.7"
    clean = replace(clean, sop_instance_uid=f"{series}.{number + 1}")
    spool.record(order, Cleaned(clean))
