"""Foreign programs that check what we write for them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCKER = ROOT / "docker"


def program(name: str) -> str:
    """Return the path of `name`, or skip the test with the reason."""
    # Some are programs inside Python packages: beside the interpreter.
    own = str(Path(sys.executable).parent)
    path = shutil.which(name, path=os.pathsep.join([*os.get_exec_path(), own]))
    if path is None:
        pytest.skip(f"{name} is not installed here")
    return path


def must_accept(name: str, *arguments: str) -> str:
    """Run `name` and return what it says; fail with its words where it does not exit with 0."""
    done = subprocess.run(
        [program(name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=DOCKER,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
