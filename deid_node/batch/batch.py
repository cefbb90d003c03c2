"""A back-file walked through the corridor by worker processes, without spool or network.

The engine is the node's own, so a file that kills its worker is withheld here as it is there.
Inputs end in the order of their paths, however many workers there are: of two that say something
else under one UID it is always the same one that is withheld.
"""

import json
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from prometheus_client import CollectorRegistry

from deid_node.batch.ledger import ListLedger
from deid_node.batch.line import report_line, withheld_instead
from deid_node.batch.placing import Moves, Placing, made_whole
from deid_node.batch.walk import Walk
from deid_node.batch.work_list import Row, State, WorkList
from deid_node.errors import InputError, UidConflict, WorkerLost
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.values.identity import InstanceId, new_instance_id
from deid_node.values.outcome import Withheld
from deid_node.work.build import build_engine
from deid_node.work.contracts import CorridorFactory
from deid_node.work.engine import Engine
from deid_node.work.queue import WorkQueue
from deid_node.work.workers.options import EngineOptions

_FINISH_SECONDS: Final = 5.0
_AHEAD: Final = 512
"""How many inputs may be under way: so many are held in memory, and wait for a slow one."""
_AT_ONCE: Final = 64
"""How many inputs are put in their place in one commit."""
MOST_CUT_SHORT: Final = 5
"""How often the command may die with an input in hand before that is withheld for it."""


@dataclass(slots=True)
class _Pending:
    row: Row
    instance: InstanceId | None


class Batch:
    """Cleans the inputs of `work_list`, which were taken in from `walk`.

    `partial` is the folder of files under way, on the disk of the results; `jobs` is how many
    worker processes there are at most, where the options of the engine say more.
    """

    def __init__(
        self,
        work_list: WorkList,
        walk: Walk,
        *,
        output: Path,
        partial: Path,
        placing: Placing,
        factory: CorridorFactory,
        engine: EngineOptions,
        jobs: int | None = None,
    ) -> None:
        self._list = work_list
        self._walk = walk
        self._output = output
        self._partial = partial
        self._placing = placing
        self._ledger = ListLedger(work_list, partial)
        self._queue = WorkQueue()
        self._pending: deque[_Pending] = deque()
        self._engine: Engine | None = None
        self._recover()
        waiting = work_list.totals()[State.WAITING]
        if waiting:
            self._engine = build_engine(
                engine,
                at_most=min(waiting, waiting if jobs is None else jobs),
                queue=self._queue,
                ledger=self._ledger,
                corridor_factory=factory,
                log=EventLog(sys.stderr, "error"),
                # Nobody reads them; the engine counts all the same.
                metrics=Metrics(CollectorRegistry()),
            )

    def __enter__(self) -> Self:
        """Start the workers; raises `ConfigurationError` where no corridor can be built."""
        if self._engine is not None:
            try:
                self._engine.start()
            except BaseException:
                self._engine.stop(finish_seconds=0)
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the workers; what they finish in a moment is kept, the rest waits."""
        if self._engine is not None:
            self._engine.stop(finish_seconds=_FINISH_SECONDS)
        with suppress(InputError):
            self._list.let_go()

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the line of every input, in the order of paths, as soon as those before it are.

        Those that ended in an earlier run come first where they stand, from the list.

        Raises `InputError` where disk or list can take nothing more.
        """
        for row in self._list.rows():
            self._pending.append(_Pending(row, self._offered(row)))
            while len(self._pending) >= _AHEAD:
                yield from self._next()
        while self._pending:
            yield from self._next()

    def _recover(self) -> None:
        """Clear what the last run left: files of what it had in hand, and rows without files."""
        kept = set()
        for row in self._list.cleaned():
            moves = Moves.read(row.files)
            if self._placing.is_there(moves):
                kept |= {move.name for move in moves.own}
            else:
                self._list.wait_again(row.key)
        for file in self._partial.iterdir():
            if file.name not in kept:
                file.unlink()

    def _offered(self, row: Row) -> InstanceId | None:
        if row.state is not State.WAITING or row.cut_short >= MOST_CUT_SHORT:
            return None
        instance = new_instance_id()
        self._ledger.expect(instance, row.key, self._walk.path_of(row.key))
        self._queue.offer(instance)
        return instance

    def _next(self) -> Iterator[dict[str, Any]]:
        """Wait for the first of what is under way, and end it with all behind it that is done."""
        lines: list[dict[str, Any]] = []
        ended: list[tuple[bytes, str]] = []
        while self._pending and len(lines) < _AT_ONCE and self._is_ready(self._pending[0], lines):
            pending = self._pending.popleft()
            line, is_new = self._settled(pending)
            lines.append(line)
            if is_new:
                ended.append((pending.row.key, json.dumps(line)))
        if ended:
            try:
                self._placing.settle()
            except OSError as error:
                raise _unwritable(error) from None
            self._list.end(ended)
        for line in lines:
            yield made_whole(line, self._output)

    def _is_ready(self, pending: _Pending, lines: list[dict[str, Any]]) -> bool:
        """Return whether it is worth its turn: the first is waited for, the others are not."""
        return not lines or pending.instance is None or self._ledger.has_ended(pending.instance)

    def _settled(self, pending: _Pending) -> tuple[dict[str, Any], bool]:
        """Return the line of an input, its files in their place, and whether it ends only now."""
        row = pending.row
        path = str(self._walk.path_of(row.key))
        if row.state is State.ENDED:
            return {**json.loads(row.line or "{}"), "input": path}, False
        if pending.instance is not None:
            text, files = self._ledger.wait(pending.instance)
        elif row.state is State.CLEANED:
            text, files = row.line or "{}", row.files
        else:
            lost = WorkerLost(
                f"the command itself ended while it was in hand, {row.cut_short} times"
            )
            return report_line(path, Withheld.because(lost), seconds=0), True
        line = {**json.loads(text), "input": path}
        try:
            is_placed = self._placing.place(Moves.read(files))
        except OSError as error:
            raise _unwritable(error) from None
        if not is_placed:
            line = withheld_instead(line, Withheld.because(UidConflict(), line["rule"]))
        return line, True


def _unwritable(error: OSError) -> InputError:
    return InputError(f"the results cannot be written: {error.strerror}")
