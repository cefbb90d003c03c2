"""The ledger of the engine on a work list: inputs stay where they are, so nothing is in custody.

An input has a random id while it is under way, and goes by it in the names of its files.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Final

from deid_node.batch.line import report_line
from deid_node.batch.placing import Moves, targets
from deid_node.batch.work_list import WorkList
from deid_node.errors import InputError, SpoolUnavailable, Unexpected
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.origin import Dimse, Origin
from deid_node.values.outcome import Cleaned, Ending, Waiting, Withheld

_NO_ROOM: Final = "the disk of the results is full, or cannot be written any more"


class _UnderWay:
    """One input between its offer and its outcome."""

    def __init__(self, key: bytes, path: Path) -> None:
        self.key = key
        self.path = path
        self.starts = 0
        self.began = 0.0
        self.ended: tuple[str, str | None] | None = None


class ListLedger:
    """Counts starts in memory, and keeps every outcome in the list at once.

    `partial` is the folder of files under way.
    """

    def __init__(self, work_list: WorkList, partial: Path) -> None:
        self._list = work_list
        self._partial = partial
        self._changed = threading.Condition()
        self._under_way: dict[InstanceId, _UnderWay] = {}
        self._trouble: str | None = None

    def expect(self, instance: InstanceId, key: bytes, path: Path) -> None:
        """Let the input at `path` be under way as `instance`."""
        with self._changed:
            self._under_way[instance] = _UnderWay(key, path)

    def claim(self, instance: InstanceId) -> WorkOrder:
        """Count a start and return its order."""
        one = self._under_way[instance]
        self._guarded(lambda: self._list.take_in_hand(one.key))
        one.starts += 1
        one.began = perf_counter()
        order = WorkOrder(
            instance, one.starts, one.path, self._partial / instance, _offline_origin()
        )
        for file in order.outputs:
            file.unlink(missing_ok=True)
        return order

    def give_back(self, instance: InstanceId) -> bool:
        """Return True, and have the command end: it would wait for room on the disk for ever."""
        self._under_way[instance].starts -= 1
        self._stop(_NO_ROOM)
        return True

    def hold(self, order: WorkOrder, _: Waiting) -> Mapping[str, Sequence[InstanceId]]:
        """Withhold what would wait: here nothing comes later, and nobody would let it go on."""
        self.record(order, Withheld.because(Unexpected(NotImplementedError())))
        return {}

    def record(self, order: WorkOrder, outcome: Ending) -> None:
        """Keep the outcome in the list, for `wait` to return."""
        one = self._under_way[order.id]
        moves = Moves.of(order, outcome.instance) if isinstance(outcome, Cleaned) else Moves(())
        output, companion = targets(moves)
        line = report_line(
            str(one.path),
            outcome,
            seconds=perf_counter() - one.began,
            output=output,
            companion=companion,
        )
        ended = json.dumps(line), moves.written() if moves.own else None
        self._guarded(lambda: self._list.keep_outcome(one.key, *ended))
        with self._changed:
            one.ended = ended
            self._changed.notify_all()

    def has_ended(self, instance: InstanceId) -> bool:
        """Return whether `wait` would return at once."""
        with self._changed:
            return self._under_way[instance].ended is not None

    def wait(self, instance: InstanceId) -> tuple[str, str | None]:
        """Return line and files of an input, once there is an outcome, and forget it.

        Raises `InputError` where the disk or the work list takes nothing more.
        """
        one = self._under_way[instance]
        with self._changed:
            self._changed.wait_for(lambda: one.ended is not None or self._trouble is not None)
            if one.ended is None:
                raise InputError(str(self._trouble))
            del self._under_way[instance]
            return one.ended

    def _guarded(self, change: Callable[[], None]) -> None:
        try:
            change()
        except InputError as error:
            self._stop(str(error))
            raise SpoolUnavailable("the work list cannot be written") from None

    def _stop(self, trouble: str) -> None:
        with self._changed:
            self._trouble = self._trouble or trouble
            self._changed.notify_all()


def _offline_origin() -> Origin:
    return Origin(
        peer="any",
        via=Dimse(calling_ae="", called_ae="", address=""),
        association="offline",
        received_at=datetime.now(UTC),
        transfer_syntax="",
    )
