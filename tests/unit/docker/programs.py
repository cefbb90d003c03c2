"""Foreign programs that check what we write for them."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCKER = ROOT / "docker"


def program(name: str) -> str:
    """Return the path of `name`, or skip the test with the reason."""
    path = shutil.which(name)
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
