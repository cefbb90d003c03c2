"""Runs the command line of the package with a fuse in it.

``python -m tests.crash.launcher POINT PASSES VICTIM MARK serve --config FILE``

Worker processes import the main module of their parent under another name, with
the parent's arguments: so they get the same fuse.
"""

import sys

from deid_node.cli import main
from tests.crash.fuse import Burner, Fuse
from tests.crash.points import arm, hurry_the_janitor, poison

NO_POINT = "none"
POISON = "POISON"
"""The AE title whose instances take every worker down, where the point is of the same name."""

if __name__ in {"__main__", "__mp_main__"}:
    fuse = Fuse.from_arguments(sys.argv[1:5])
    hurry_the_janitor()
    arm(Burner(fuse))
    if fuse.point == POISON and __name__ == "__mp_main__":
        poison(POISON)

if __name__ == "__main__":
    sys.exit(main(sys.argv[5:]))
