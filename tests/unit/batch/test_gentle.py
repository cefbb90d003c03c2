"""A gentle worker asks for what nobody else wants, and its parent is as it was."""

import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from deid_node.batch.gentle import GentleFactory
from tests.fakes.light_corridor import LightCorridor, LightFactory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what the kernel tells is Linux's")


def _built(line: Connection) -> None:
    corridor = GentleFactory(LightFactory())()
    autogroup = Path("/proc/self/autogroup")
    line.send(
        (
            type(corridor),
            os.getpriority(os.PRIO_PROCESS, 0),
            os.getsid(0) == os.getpid(),
            autogroup.read_text() if autogroup.exists() else "nice 19",
        )
    )
    # On a busy machine its turn to tidy up would not come for long.
    os._exit(0)


def test_a_gentle_worker_steps_back_and_its_parent_does_not() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    before = os.getpriority(os.PRIO_PROCESS, 0)

    worker = context.Process(target=_built, args=(theirs,))
    worker.start()
    kind, priority, has_session, autogroup = ours.recv()
    worker.join()

    assert kind is LightCorridor
    assert (priority, has_session) == (19, True)
    assert "nice 19" in autogroup
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
