"""Damaged files through the corridor, in a worker process like the node's own.

A crash of a codec or an endless loop then ends the worker and not the fuzzing,
and is told apart from a verdict of the corridor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deid_node.config.load import load
from deid_node.corridor import corridor_factory, keys_of
from deid_node.spool.files import PLAIN
from deid_node.values.identity import new_instance_id
from deid_node.values.order import WorkOrder
from deid_node.values.origin import Dimse, Origin
from deid_node.values.outcome import Cleaned, Postponed, Withheld
from deid_node.work.workers.base import WorkerDied, WorkerHung, WorkerOutgrown
from deid_node.work.workers.process import WorkerProcess
from tests.fuzz.files import DamagedFile
from tests.fuzz.findings import KEPT, Findings
from tests.wire.canary_study import AE_TITLE, marks_in
from tests.wire.nodes import node_folder

_BUILD_SECONDS: Final = 300.0
LIMIT_SECONDS: Final = 300.0
"""The slowest of these small files need 3 s of a processor; on a machine that is busy with other
things that was seen to take 41 s, and what hangs goes on for ever."""
LIMIT_BYTES: Final = 4_000_000_000
"""Of memory: a file of that size may claim frames that are much larger."""


class Walker:
    """A corridor of the defaults in a process of its own; a new one after each death."""

    def __init__(self, folder: Path, findings: Findings) -> None:
        self._folder = folder
        self._findings = findings
        config = load(node_folder(folder / "node").config)
        self._factory = corridor_factory(config, keys=tuple(keys_of(config).values()), files=PLAIN)
        self._worker = self._new()

    def walk(self, damaged: DamagedFile) -> str:
        """Return the verdict on one file: ``clean``, a fault, or the code it was withheld with."""
        blob, output = self._folder / "blob.dcm", self._folder / "clean.dcm"
        blob.write_bytes(damaged.content)
        output.unlink(missing_ok=True)
        origin = Origin(
            "fuzz",
            Dimse(AE_TITLE, "DEIDNODE", "127.0.0.1"),
            "a00000000",
            datetime.now(UTC),
            "1.2",
        )
        order = WorkOrder(new_instance_id(), 1, blob, output, origin)
        about: dict[str, object] = {"source": damaged.name, "kinds": damaged.kinds}
        try:
            outcome = self._worker.clean(
                order, time_limit_seconds=LIMIT_SECONDS, memory_limit_bytes=LIMIT_BYTES
            )
        except WorkerHung:
            verdict = "hang"
        except WorkerOutgrown as outgrown:
            verdict = "swollen"
            about["bytes"] = outgrown.held_bytes
        except WorkerDied as death:
            verdict = "worker_died"
            about["signal"] = death.signal
        else:
            about["outcome"] = repr(outcome)
            if isinstance(outcome, Cleaned):
                marks = marks_in(output.read_bytes())
                verdict = "dirty" if marks else "clean"
                about["marks"] = marks
            else:
                verdict = outcome.code if isinstance(outcome, Withheld | Postponed) else "discarded"
                # What is not sealed leaves nothing behind that could be delivered.
                verdict = "dirty" if output.exists() else verdict
        self._findings.note(damaged.kinds, verdict)
        if verdict in KEPT:
            self._findings.keep(verdict, damaged.content, ".dcm", **about)
        # After it was kept: on a machine in trouble a new one may not come up either.
        if not self._worker.is_alive():
            self._worker.end()
            self._worker = self._new()
        return verdict

    def close(self) -> None:
        """End the worker."""
        self._worker.end()

    def _new(self) -> WorkerProcess:
        worker = WorkerProcess("fuzz")
        worker.build(self._factory, time_limit_seconds=_BUILD_SECONDS)
        return worker


@contextmanager
def walking(folder: Path, findings: Findings) -> Iterator[Walker]:
    """Have a corridor for the length of a ``with`` block."""
    walker = Walker(folder, findings)
    try:
        yield walker
    finally:
        walker.close()
