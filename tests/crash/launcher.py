"""Runs the command line of the package with a fuse in it.

``python -m tests.crash.launcher FUSE sound|poisoned|hurried serve --config FILE``

Worker processes import the main module of their parent under another name, with
the parent's arguments: so they get the same fuse.
"""

import sys
from functools import partial
from pathlib import Path

from deid_node.cli import main
from tests.crash.fuse import Burner, Fuse
from tests.crash.points import (
    arm_node,
    arm_worker,
    hurry_other_starts,
    hurry_the_janitor,
    poison,
)

NO_POINT = "none"
SOUND, POISONED, HURRIED = "sound", "poisoned", "hurried"
"""In a poisoned node, instances of senders named like a `Poison` harm their workers.

One that is hurried is poisoned, and has the harmful started again soon.
"""


def burner() -> Burner:
    """Return what burns the fuse that lies in the file of this run."""
    return Burner(partial(Fuse.read, Path(sys.argv[1])))


if __name__ == "__mp_main__":
    arm_worker(burner())
    if sys.argv[2] != SOUND:
        poison()

if __name__ == "__main__":
    arm_node(burner())
    hurry_the_janitor()
    if sys.argv[2] == HURRIED:
        hurry_other_starts()
    sys.exit(main(sys.argv[3:]))
