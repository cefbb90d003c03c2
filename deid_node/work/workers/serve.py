"""The inside of a worker process: builds its corridor once, then cleans what it is handed.

It is alone with one instance at a time, so that it may crash. Nothing that
happens here may print: a traceback would quote values.
"""

import ctypes
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection

from deid_node.errors import ConfigurationError, DeidNodeError, MemoryLimit, Unexpected
from deid_node.observe.traces import leave_no_core
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Outcome, Postponed, Withheld, stopped_by
from deid_node.work.contracts import Corridor, CorridorFactory
from deid_node.work.workers.memory import be_killed_first, hand_over

_PR_SET_PDEATHSIG = 1
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Ready:
    """Said once, when the corridor stands."""


@dataclass(frozen=True, slots=True)
class NotReady:
    """Said instead, with what a person needs to mend it; the worker ends."""

    path: str
    reason: str


def serve(line: Connection) -> None:
    """Receive a corridor factory, then orders; answer each order with its outcome.

    Before that the node is handed the kernel's account of this process's memory.
    """
    _prepare_process()
    try:
        hand_over(line)
        corridor = _built(line)
        if corridor is None:
            return
        while True:
            line.send(_outcome(corridor, line.recv()))
    except (EOFError, OSError):
        # The parent is gone or has let go of us.
        return
    # Left to itself, the process would print a traceback on its way out.
    except Exception:  # noqa: BLE001
        os._exit(1)


def _prepare_process() -> None:
    # The parent decides when a worker ends: a signal to the whole group (Ctrl-C, an init
    # system) must not take the instance away that it wants to see finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        # A worker deep in native code would not notice that its parent was killed.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Before the next: a process that may not be dumped cannot change this any more.
    be_killed_first()
    leave_no_core()
    # One process for each core: threads on top of that only wait for each other.
    for name in _THREAD_COUNTS:
        os.environ.setdefault(name, "1")
    # Only now: it imports pydicom, that imports numpy, and numpy reads the environment.
    from deid_node.dicom.silence import silence_libraries

    silence_libraries()


def _built(line: Connection) -> Corridor | None:
    # Received, not given at the start: unpickling it imports the heavy libraries, which
    # read the environment when they are imported.
    try:
        factory: CorridorFactory = line.recv()
        corridor = factory()
    except ConfigurationError as error:
        line.send(NotReady(error.path, error.reason))
    except EOFError:
        raise
    # Whatever a library raises while it loads its model, the text may be anything.
    except Exception as error:  # noqa: BLE001
        reason = str(error) if isinstance(error, DeidNodeError) else type(error).__name__
        line.send(NotReady("", f"the corridor cannot be built ({reason})"))
    else:
        line.send(Ready())
        return corridor
    return None


def _outcome(corridor: Corridor, order: WorkOrder) -> Outcome:
    try:
        outcome = corridor.clean(order)
        _require_outcome(outcome)
        return outcome
    except DeidNodeError as error:
        return stopped_by(error)
    except MemoryError:
        return Postponed.because(MemoryLimit())
    # The last net under the corridor: its type is told, its text may quote values.
    except Exception as error:  # noqa: BLE001
        return Withheld.because(Unexpected(error))


def _require_outcome(answer: object) -> None:
    if not isinstance(answer, Outcome):
        raise TypeError
