"""Runs the command line of the package with a fuse in it.

``python -m tests.crash.launcher FUSE sound|poisoned serve --config FILE``

Worker processes import the main module of their parent under another name, with
the parent's arguments: so they get the same fuse.
"""

import sys
from functools import partial
from pathlib import Path

from deid_node.cli import main
from tests.crash.fuse import Burner, Fuse
from tests.crash.points import arm, hurry_the_janitor, poison

NO_POINT = "none"
SOUND, POISONED = "sound", "poisoned"
"""In a poisoned node, instances of senders named like a `Poison` harm their workers."""

if __name__ in {"__main__", "__mp_main__"}:
    hurry_the_janitor()
    arm(Burner(partial(Fuse.read, Path(sys.argv[1]))))
    if __name__ == "__mp_main__" and sys.argv[2] == POISONED:
        poison()

if __name__ == "__main__":
    sys.exit(main(sys.argv[3:]))
