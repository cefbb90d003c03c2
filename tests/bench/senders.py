"""DCMTK's senders, several at once, as scanners are."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from tests.fakes.dcmtk import ENVIRONMENT
from tests.fakes.programs import program


def send_all(folders: Sequence[Path], port: int, *, called: str) -> float:
    """Send every file, one sender a folder, all at once; return the seconds it took."""
    started = perf_counter()
    processes = [
        subprocess.Popen(
            [
                program("storescu"), "--required", "--scan-directories", "-aec", called,
                "127.0.0.1", str(port), str(folder),
            ],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]  # fmt: skip
    said = [process.communicate()[1] for process in processes]
    seconds = perf_counter() - started
    for process, complaint in zip(processes, said, strict=True):
        if process.returncode or complaint:
            raise SystemExit(f"a sender failed: {complaint[-500:]}")
    return seconds
