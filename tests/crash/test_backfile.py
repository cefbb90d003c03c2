"""A back-file is killed at named points and at random moments, and gone on with each time.

At the end every input has ended once, and the results are those of a run that nobody disturbed,
byte for byte. ``DEID_NODE_CRASH_ROUNDS`` and ``DEID_NODE_CRASH_SEED`` are those of the node's.
"""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from deid_node.batch.walk import Walk
from deid_node.metadata.apply.keys import new_key_file
from tests.crash.backfile import POINTS, WORKER_POINTS
from tests.crash.fuse import Fuse, Victim

ROUNDS = int(os.environ.get("DEID_NODE_CRASH_ROUNDS", "4"))
SEED = int(os.environ.get("DEID_NODE_CRASH_SEED", random.randrange(10**6)))
LONGEST_SECONDS = 3.0
COUNT = 150

pytestmark = [
    pytest.mark.slow,
    # What nobody disturbs is run once.
    pytest.mark.xdist_group("back_file"),
    pytest.mark.timeout(300 + 60 * ROUNDS),
]


class BackFile:
    """Inputs, what becomes of them where nobody disturbs, and one command at a time on them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._runs = 0
        (root / "in" / "sub").mkdir(parents=True)
        new_key_file(root / "key")
        (root / "node.yaml").write_text("metadata: {pseudonym_key_file: ./key}\n")
        for number in range(COUNT):
            # Some are withheld, some are discarded, some have a companion, some are in conflict.
            text = f"UID {number % 120} {'marked' if number % 7 == 0 else ''} {number // 120}"
            text = {5: "withhold", 6: "discard"}.get(number % 11, text)
            folder = root / "in" / ("sub" if number % 3 else ".")
            (folder / f"n{number:03}").write_text(text)
        undisturbed = Results(self, "undisturbed")
        undisturbed.run()
        self.lines, self.files = undisturbed.lines(), undisturbed.files()
        walk = Walk(root / "in")
        paths = [str(walk.path_of(key)) for key in sorted(one.key for one in walk)]
        assert [line["input"] for line in self.lines] == paths

    def fuse(self, point: str, passes: int, victim: Victim = Victim.SELF) -> Fuse:
        self._runs += 1
        return Fuse(point, passes, victim, self._root / f"blown-{self._runs}")

    def start(self, fuse: Fuse, output: Path) -> "subprocess.Popen[bytes]":
        command = [
            sys.executable, "-m", "tests.crash.backfile", *fuse.arguments,
            "clean", str(self._root / "in"), str(output), "--resume",
            "--report", str(output.with_suffix(".jsonl")), "--jobs", "2",
            "--config", str(self._root / "node.yaml"),
        ]  # fmt: skip
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def folder(self, name: str) -> Path:
        """Return where the results of that name are put, with all that lies beside them."""
        made = self._root / name
        made.mkdir()
        return made / "out"


class Results:
    """One folder of results of the back-file."""

    def __init__(self, back_file: BackFile, name: str) -> None:
        self._back_file = back_file
        self._output = back_file.folder(name)

    def start(self, fuse: Fuse) -> "subprocess.Popen[bytes]":
        return self._back_file.start(fuse, self._output)

    def run(self) -> None:
        """Run undisturbed to the end, in which some are withheld."""
        process = self.start(self._back_file.fuse("none", 1))
        _, told = process.communicate()
        assert process.returncode == 3, told

    def lines(self) -> list[dict[str, Any]]:
        """Return the report, without what differs from run to run."""
        found = []
        for text in self._output.with_suffix(".jsonl").read_text().splitlines():
            line = json.loads(text)
            for name in ("output", "provenance"):
                line[name] = line[name] and line[name].removeprefix(str(self._output))
            found.append({**line, "seconds": None})
        return found

    def files(self) -> dict[str, bytes]:
        """Return every file of the output, by its path."""
        return {
            str(path.relative_to(self._output)): path.read_bytes()
            for path in self._output.rglob("*")
            if path.is_file()
        }

    def check(self) -> None:
        """See that nobody could tell from the results that anything had happened."""
        assert self.lines() == self._back_file.lines
        assert self.files() == self._back_file.files
        assert not list(self._output.parent.glob("*.worklist*"))


@pytest.fixture(scope="module")
def back_file(tmp_path_factory: pytest.TempPathFactory) -> BackFile:
    return BackFile(tmp_path_factory.mktemp("back-file"))


@pytest.mark.parametrize(
    ("point", "victim"),
    [(point, Victim.SELF) for point in POINTS] + [(one, Victim.PARENT) for one in WORKER_POINTS],
)
def test_killed_at_the_point_it_goes_on_as_if_nothing_had_happened(
    back_file: BackFile, point: str, victim: Victim
) -> None:
    results = Results(back_file, point)
    fuse = back_file.fuse(point, 1 if point == "list-removed" else 3, victim)
    process = results.start(fuse)
    process.communicate()
    assert fuse.has_blown
    assert process.returncode == -signal.SIGKILL

    results.run()

    results.check()


def test_killed_at_random_moments_it_ends_every_input_once(back_file: BackFile) -> None:
    draw = random.Random(SEED)
    results = Results(back_file, "random")
    print(f"seed {SEED}, {ROUNDS} rounds")  # noqa: T201 - pytest shows it where the test fails
    for _ in range(ROUNDS):
        process = results.start(back_file.fuse("none", 1))
        sleep(draw.uniform(0, LONGEST_SECONDS))
        process.kill()
        process.communicate()

    results.run()

    results.check()
