"""Exit statuses, the same for every command."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the shell is told."""

    DONE = 0
    MISUSE = 2
    SOME_WITHHELD = 3
    INTERRUPTED = 130
