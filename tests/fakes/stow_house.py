"""The door of STOW-RS with a spool behind it, and callers that say what they like."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry

from deid_node.audit.message import AuditMessage
from deid_node.audit.records import DoorRecord
from deid_node.dicom.web.store_answer import StoreAnswer, answer_in
from deid_node.errors import SpoolFull
from deid_node.observe.metrics import Metrics
from deid_node.receive.intake import Intake
from deid_node.receive.status import status_of
from deid_node.receive.stow.server import StowServer
from deid_node.receive.stow_options import StowOptions
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.values.identity import InstanceId
from tests.builders.audit import NODE
from tests.builders.custody import Spool
from tests.fakes.event_log import RecordingLog

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What a caller got."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def report(self) -> StoreAnswer:
        """The data set of the answer."""
        return answer_in(self.content)

    @property
    def stored(self) -> list[str]:
        """The SOP Instance UIDs that it says are stored."""
        return [one.sop_instance_uid for one in self.report.stored]

    @property
    def failed(self) -> list[tuple[str, int | None]]:
        """Those that are not, and why."""
        return [(one.sop_instance_uid, one.reason) for one in self.report.failed]


class StowHouse:
    """A door, its spool, and everything that it may tell."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.custody = Custody(SpoolOptions(dir=folder, reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.registry = CollectorRegistry()
        self.offered: dict[InstanceId, str] = {}
        self.told: list[AuditMessage] = []
        self.room = True
        record = DoorRecord(
            lambda *messages: self.told.extend(messages),
            NODE,
            new_uid=lambda uid: f"new-{uid}",
            names_patient=False,
        )
        metrics = Metrics(self.registry)
        self.intake = Intake(
            Spool(self.custody),
            self.offered.__setitem__,
            status_of=status_of,
            metrics=metrics,
            log=self.log,
            record=record,
        )
        self.door = StowServer(
            StowOptions.model_validate({"host": "127.0.0.1", "port": 0, **options}),
            self.intake,
            require_room=self._require_room,
            metrics=metrics,
            log=self.log,
            record=record,
        )
        self.door.start()

    def _require_room(self) -> None:
        if not self.room:
            raise SpoolFull("no room")

    def close(self) -> None:
        """Close door and spool."""
        self.door.stop(finish_seconds=2)
        self.custody.close()

    def call(self) -> socket.socket:
        """Return a connection to the door."""
        return socket.create_connection(("127.0.0.1", self.door.port), PATIENCE_SECONDS)

    def ask(self, request: bytes) -> Answer:
        """Return the answer to `request`, sent in one go."""
        with self.call() as connection:
            # Who is refused early may be gone before all is said.
            with suppress(OSError):
                connection.sendall(request)
            return answer_on(connection)

    def blobs(self) -> list[Path]:
        """Return the files in custody."""
        return sorted(self.custody.blobs.received.iterdir())

    def kept(self, *uids: str) -> list[str]:
        """Return the SOP Instance UIDs in the journal, as they were sent; of `uids` alone, if any.

        One that stands there twice is there twice.
        """
        rows = self.custody.read(
            "SELECT sop_instance_uid FROM instances"
            " WHERE ? = '[]' OR sop_instance_uid IN (SELECT value FROM json_each(?))"
            " ORDER BY sequence",
            (json.dumps(uids), json.dumps(uids)),
        )
        return [row["sop_instance_uid"] for row in rows]

    def partial(self) -> list[Path]:
        """Return the files that are being written."""
        return sorted(self.custody.blobs.partial.iterdir())

    def count(self, name: str, **labels: str) -> float:
        """Return a counter of this door."""
        found = self.registry.get_sample_value(
            f"deid_node_{name}_total", {"door": "stow", **labels}
        )
        return found or 0.0


def answer_on(connection: socket.socket, *, method: str = "POST") -> Answer:
    """Return the next answer on a connection."""
    response = HTTPResponse(cast("Any", connection), method=method)
    response.begin()
    content = response.read()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)


@contextmanager
def stow_house(folder: Path, **options: object) -> Iterator[StowHouse]:
    """Run a house for the length of a ``with`` block."""
    house = StowHouse(folder, **options)
    try:
        yield house
    finally:
        house.close()
