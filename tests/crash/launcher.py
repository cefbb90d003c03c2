"""Runs the command line of the package with a fuse in it.

``python -m tests.crash.launcher POINT PASSES VICTIM MARK serve --config FILE``

Worker processes import the main module of their parent under another name, with
the parent's arguments: so they get the same fuse.
"""

import sys
from dataclasses import replace

from deid_node.cli import main
from tests.crash.fuse import Burner, Fuse
from tests.crash.points import arm, hurry_the_janitor, poison

NO_POINT = "none"
POISON = "poison"
"""No point either; instances of senders named like a `Poison` harm their workers."""
POISON_TOO = "+poison"
"""Behind the name of a point: both."""

if __name__ in {"__main__", "__mp_main__"}:
    fuse = Fuse.from_arguments(sys.argv[1:5])
    is_poisoned = fuse.point == POISON or fuse.point.endswith(POISON_TOO)
    fuse = replace(fuse, point=fuse.point.removesuffix(POISON_TOO))
    hurry_the_janitor()
    arm(Burner(fuse))
    if is_poisoned and __name__ == "__mp_main__":
        poison()

if __name__ == "__main__":
    sys.exit(main(sys.argv[5:]))
