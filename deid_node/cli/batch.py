"""Files walked through the corridor by worker processes, without spool or network.

The engine is the node's own, so a file that kills its worker is withheld here
as it is there. Results come in the order of the inputs.
"""

import secrets
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry

from deid_node.assembly import CorridorFactory
from deid_node.errors import UidConflict
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.blobs import reference
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance, Sealed
from deid_node.values.order import WorkOrder
from deid_node.values.origin import Dimse, Origin
from deid_node.values.outcome import Cleaned, Ending, Withheld
from deid_node.work.build import build_engine
from deid_node.work.queue import WorkQueue
from deid_node.work.workers.options import EngineOptions

_FINISH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one input: its clean file and the companion of that, if there are any."""

    path: Path
    outcome: Ending
    output: Path | None
    companion: Path | None
    seconds: float


class Batch:
    """Cleans `paths` into ``output/<Study UID>/<Series UID>/<SOP UID>.dcm``, new UIDs."""

    def __init__(
        self,
        paths: Sequence[Path],
        output: Path,
        *,
        factory: CorridorFactory,
        engine: EngineOptions,
    ) -> None:
        self._paths = tuple(paths)
        self._output = output
        self._partial = output / f".partial-{secrets.token_hex(4)}"
        self._ledger = _Ledger(self._paths, self._partial)
        self._queue = WorkQueue()
        self._engine = build_engine(
            engine,
            at_most=len(self._paths),
            queue=self._queue,
            ledger=self._ledger,
            corridor_factory=factory,
            log=EventLog(sys.stderr, "error"),
            # Nobody reads them; the engine counts all the same.
            metrics=Metrics(CollectorRegistry()),
        )

    def results(self) -> Iterator[Item]:
        """Clean all and yield each result as soon as it and those before it are known."""
        self._partial.mkdir(mode=0o700)
        try:
            self._engine.start()
            self._queue.offer_all(self._ledger.ids)
            for number, path in enumerate(self._paths):
                yield self._placed(path, *self._ledger.wait(number))
        finally:
            self._engine.stop(finish_seconds=_FINISH_SECONDS)
            shutil.rmtree(self._partial, ignore_errors=True)

    def _placed(self, path: Path, order: WorkOrder, outcome: Ending, seconds: float) -> Item:
        if not isinstance(outcome, Cleaned):
            return Item(path, outcome, None, None, seconds)
        clean = outcome.instance
        files: dict[Path, Sealed] = {order.output: clean}
        if clean.companion is not None:
            files[order.companion_output] = clean.companion
        moves = {file: self._target(clean, content) for file, content in files.items()}
        for file, target in moves.items():
            if target.exists() and reference(target).sha256 != files[file].blob.sha256:
                withheld = Withheld.because(UidConflict(), clean.rule)
                return Item(path, withheld, None, None, seconds)
        for file, target in moves.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
        return Item(path, outcome, moves[order.output], moves.get(order.companion_output), seconds)

    def _target(self, clean: CleanInstance, content: Sealed) -> Path:
        folder = self._output / clean.study_instance_uid / content.series_instance_uid
        return folder / f"{content.sop_instance_uid}.dcm"


class _Ledger:
    """Keeps outcomes in memory: the inputs stay where they are, so nothing can be lost."""

    def __init__(self, paths: Sequence[Path], partial: Path) -> None:
        self._paths = paths
        self._partial = partial
        self._starts = [0] * len(paths)
        self._began = [0.0] * len(paths)
        self._ended: dict[int, tuple[WorkOrder, Ending, float]] = {}
        self._changed = threading.Condition()

    @property
    def ids(self) -> Sequence[InstanceId]:
        """One id an input, in order."""
        return [InstanceId(f"{number:016x}") for number in range(len(self._paths))]

    def claim(self, instance: InstanceId) -> WorkOrder | None:
        """Count a start and return its order."""
        number = int(instance, 16)
        self._starts[number] += 1
        self._began[number] = perf_counter()
        output = self._partial / instance
        order = WorkOrder(
            instance, self._starts[number], self._paths[number], output, _offline_origin()
        )
        for file in order.outputs:
            file.unlink(missing_ok=True)
        return order

    def give_back(self, instance: InstanceId) -> bool:  # noqa: ARG002 - what a ledger is asked
        """Return False: who waits for the command wants to hear that the disk is full."""
        return False

    def record(self, order: WorkOrder, outcome: Ending) -> None:
        """Keep the outcome for `wait`."""
        number = int(order.id, 16)
        with self._changed:
            self._ended[number] = (order, outcome, perf_counter() - self._began[number])
            self._changed.notify_all()

    def wait(self, number: int) -> tuple[WorkOrder, Ending, float]:
        """Return order, outcome and seconds of input `number`, once there is an outcome."""
        with self._changed:
            self._changed.wait_for(lambda: number in self._ended)
            return self._ended.pop(number)


def _offline_origin() -> Origin:
    return Origin(
        peer="any",
        via=Dimse(calling_ae="", called_ae="", address=""),
        association="offline",
        received_at=datetime.now(UTC),
        transfer_syntax="",
    )
