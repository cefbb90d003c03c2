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
from tests.crash.points import arm, hurry_other_starts, hurry_the_janitor, poison

NO_POINT = "none"
SOUND, POISONED, HURRIED = "sound", "poisoned", "hurried"
"""In a poisoned node, instances of senders named like a `Poison` harm their workers.

One that is hurried is poisoned, and has the harmful started again soon.
"""

if __name__ in {"__main__", "__mp_main__"}:
    hurry_the_janitor()
    arm(Burner(partial(Fuse.read, Path(sys.argv[1]))))
    if sys.argv[2] == HURRIED:
        hurry_other_starts()
    if __name__ == "__mp_main__" and sys.argv[2] != SOUND:
        poison()

if __name__ == "__main__":
    sys.exit(main(sys.argv[3:]))
