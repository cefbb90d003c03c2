"""A corridor that lets everything else on the machine go first.

A back-file may run for days beside a node that serves scanners. Its workers ask for what nobody
else wants, of the processor and of the disk, as far as the kernel lets them.
"""

import ctypes
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from deid_node.work.contracts import Corridor, CorridorFactory

_LEAST: Final = 19
# Of ioprio_set(2): class "idle" of this process.
_SYS_IOPRIO_SET: Final = MappingProxyType({"x86_64": 251, "aarch64": 30})
_IOPRIO_WHO_PROCESS: Final = 1
_IOPRIO_IDLE: Final = 3 << 13


@dataclass(frozen=True, slots=True)
class GentleFactory:
    """Builds the corridor of `factory` in a worker that has stepped back first."""

    factory: CorridorFactory

    def __call__(self) -> Corridor:
        """Return the corridor; raises what the other raises."""
        step_back()
        return self.factory()


def step_back() -> None:
    """Give this process the lowest priority for the processor and the disk; it is for good.

    Workers are given a session of their own: where the kernel shares the processor out by
    session, the priority of a process counts inside its own alone.
    """
    with suppress(OSError):
        os.setsid()
    os.nice(_LEAST)
    if sys.platform != "linux":
        return
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_LEAST), encoding="ascii")
    number = _SYS_IOPRIO_SET.get(os.uname().machine)
    if number is not None:
        ctypes.CDLL(None).syscall(number, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_IDLE)
