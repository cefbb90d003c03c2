"""Receivers to compare with each other, each a process of its own.

``python -m tests.bench.receivers bare FOLDER`` is pynetdicom with its own server
and a handler that keeps the bytes in memory. ``door`` is our door with custody
on, and a queue behind it that nobody takes from; ``stow`` is that of STOW-RS. Each writes its
port to ``FOLDER/port``.
"""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, evt

from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.scp import StorageScp
from deid_node.receive.dimse.store import StoreHandler
from deid_node.receive.intake import Intake
from deid_node.receive.options import Listening, ReceiveOptions
from deid_node.receive.status import status_of
from deid_node.receive.stow.server import StowServer
from deid_node.receive.stow_options import StowOptions
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.work.queue import WorkQueue
from tests.builders.custody import Spool
from tests.fakes.dcmtk import ended
from tests.fakes.waiting import eventually

AE_TITLE = "RESEARCH"


@dataclass(frozen=True)
class Receiver:
    """A process that listens."""

    port: int
    process_id: int


@contextmanager
def receiver(kind: str, folder: Path, *, silence_seconds: float = 60) -> Iterator[Receiver]:
    """Run a receiver for the length of a ``with`` block; it may write below `folder`."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.bench.receivers", kind, str(folder)]
    process = subprocess.Popen([*command, str(silence_seconds)])
    try:
        port = folder / "port"
        eventually(port.exists, what="the receiver listens")
        yield Receiver(int(port.read_text()), process.pid)
    finally:
        ended(process)


def _bare(_folder: Path, _silence_seconds: float) -> int:
    kept: list[bytes] = []

    def store(event: Any) -> int:
        kept.append(event.request.DataSet.getvalue())
        return 0x0000

    entity = AE(AE_TITLE)
    # The same length that our door announces, so that the two read the same PDUs.
    entity.maximum_pdu_size = ReceiveOptions().max_pdu_bytes
    entity.add_supported_context(CTImageStorage, ExplicitVRLittleEndian)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    assert server is not None
    return int(server.server_address[1])


def _door(folder: Path, silence_seconds: float) -> int:
    custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    metrics, log = Metrics(CollectorRegistry()), EventLog(io.StringIO(), "warning")
    door = StorageScp(
        Listening(
            "",
            "receive",
            ReceiveOptions(
                ae_title=AE_TITLE,
                host="127.0.0.1",
                port=0,
                association_seconds=silence_seconds,
                max_associations_per_address=32,
                max_refusals_per_minute=0,
            ),
        ),
        # A queue that nobody takes from: it grows as in a node whose workers are slow.
        StoreHandler(
            Intake(Spool(custody), WorkQueue().offer, status_of=status_of, metrics=metrics, log=log)
        ),
        require_room=custody.require_room,
        metrics=metrics,
        log=log,
    )
    door.start()
    return door.port


def _stow(folder: Path, silence_seconds: float) -> int:
    custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    metrics, log = Metrics(CollectorRegistry()), EventLog(io.StringIO(), "error")
    door = StowServer(
        StowOptions(
            host="127.0.0.1",
            port=0,
            silence_seconds=silence_seconds,
            max_requests_per_address=32,
            max_refusals_per_minute=0,
        ),
        Intake(Spool(custody), WorkQueue().offer, status_of=status_of, metrics=metrics, log=log),
        require_room=custody.require_room,
        metrics=metrics,
        log=log,
    )
    door.start()
    return door.port


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    place = Path(sys.argv[2])
    listening = {"bare": _bare, "door": _door, "stow": _stow}[sys.argv[1]](
        place, float(sys.argv[3])
    )
    (place / "port.partial").write_text(str(listening))
    (place / "port.partial").rename(place / "port")
    threading.Event().wait()
