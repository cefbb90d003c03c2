"""The node of the demo: a process of its own, started the way a site starts it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final
from urllib.request import urlopen

from deid_node.demo.failure import DemoFailed

READY_SECONDS: Final = 180.0
"""Patience with a start: models are loaded on whatever machine this is."""

STOP_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class RunningNode:
    """A node that is ready: its ports, and the process that is ended in the end."""

    process: "subprocess.Popen[bytes]"
    port: int
    http_port: int

    def metrics(self) -> bytes:
        """Return what ``/metrics`` says."""
        with urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=60) as answer:
            return bytes(answer.read())

    def stop(self) -> int:
        """Ask the node to stop by SIGTERM and return its exit status.

        Raises `DemoFailed` when it has not ended after 90 seconds.
        """
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise DemoFailed("the node did not stop in time") from None


@contextmanager
def running_node(config: Path, log: Path) -> Iterator[RunningNode]:
    """Run ``serve`` on `config` for the length of a ``with`` block, its log written to `log`.

    What it says on standard error goes to the same name with the suffix ``.err``.
    The process is ended however the block is left. Raises `DemoFailed` when the
    node does not become ready.
    """
    command = [sys.executable, "-m", "deid_node", "serve", "--config", os.fspath(config)]
    with log.open("wb") as out, log.with_suffix(".err").open("wb") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)  # noqa: S603
    try:
        ready = _ready(process, log)
        yield RunningNode(process, ready["port"], ready["http_port"])
    finally:
        _end(process)


def _ready(process: "subprocess.Popen[bytes]", log: Path) -> dict[str, Any]:
    until = monotonic() + READY_SECONDS
    while monotonic() < until:
        ended = process.poll()
        for line in events_in(log):
            if line.get("event") == "node_ready":
                return line
        if ended is not None:
            said = log.with_suffix(".err").read_text(encoding="utf-8", errors="replace").strip()
            raise DemoFailed(f"the node ended with status {ended} before it was ready: {said}")
        sleep(_LOOK_SECONDS)
    raise DemoFailed("the node was not ready in time")


def events_in(log: Path) -> Iterator[dict[str, Any]]:
    """Yield the events in the log so far; a line that is still being written is left out."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
