"""DCMTK as a peer: its senders, its archive, its judgement."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.programs import program
from tests.fakes.waiting import eventually, listens

# Without it each answer waits 40 ms for an acknowledgement that the kernel delays.
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}


def run(name: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end and return what it said."""
    return subprocess.run(
        [program(name), *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=240,
        check=False,
    )


@contextmanager
def storescp(
    folder: Path,
    port: int,
    *,
    options: Sequence[str] = ("+xa",),
    ae_title: str = "RESEARCH",
    one_at_a_time: bool = False,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run DCMTK's archive for the length of a ``with`` block; it writes to `folder`.

    As it comes it serves one association at a time and leaves other callers without an
    answer; here it does so only with `one_at_a_time`.
    """
    folder.mkdir(exist_ok=True)
    log = folder.with_suffix(".storescp.log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                program("storescp"), *options, "--aetitle", ae_title,
                *(() if one_at_a_time else ("--fork",)),
                "--bit-preserving", "--unique-filenames", "--output-directory", str(folder),
                str(port),
            ],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )  # fmt: skip
    try:
        eventually(lambda: listens(port), what="storescp listens")
        assert process.poll() is None, log.read_text(errors="replace")
        yield process
    finally:
        ended(process)


def ended(process: "subprocess.Popen[bytes]") -> None:
    """End a process by its own id and wait for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
