"""No process that has handled an instance leaves its memory on disk."""

import ctypes
import resource
import subprocess
import sys

import pytest

from deid_node.errors import ConfigurationError
from deid_node.work.contracts import Corridor
from deid_node.work.workers.process import WorkerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="core dumps of Linux")

_PR_GET_DUMPABLE = 3
NOTHING = "0 0 0"


def found() -> str:
    """Return both limits of core dumps, and whether the kernel would write one at all."""
    dumpable = ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE)
    return " ".join(map(str, (*resource.getrlimit(resource.RLIMIT_CORE), dumpable)))


def tell() -> Corridor:
    """Stand in for the building of a corridor: what is found comes back as the fault."""
    raise ConfigurationError("core", found())


@pytest.mark.req("REQ-OB-10")
def test_a_worker_leaves_no_core() -> None:
    worker = WorkerProcess("worker-0")

    with pytest.raises(ConfigurationError) as told:
        worker.build(tell, time_limit_seconds=120)
    worker.end()

    assert told.value.reason == NOTHING


@pytest.mark.req("REQ-OB-10")
def test_every_command_leaves_no_core() -> None:
    ask = (
        "import sys; from deid_node.cli import main;"
        "main(['find', 'missing-folder']);"
        "from tests.unit.observe.test_traces import found; print(found())"
    )

    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True, timeout=120
    )

    assert done.stdout.strip().endswith(NOTHING)
