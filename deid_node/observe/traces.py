"""What a process leaves behind when it dies: nothing of its memory.

A core dump of a worker holds the instance that it was cleaning, and one of the
node the site's key. Neither must be written, nor read by a debugger of the same
user.
"""

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def leave_no_core() -> None:
    """Switch core dumps off for this process; its children inherit the limit alone.

    Each process that handles instances calls it for itself: what `prctl` says does
    not outlast the start of another program.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # The limit does not hold where the kernel pipes dumps into a program; this does.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)
