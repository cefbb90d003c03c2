"""Who sits at the command line, as the operating system knows it."""

import os
import pwd
from pathlib import Path
from typing import Final

_LOGIN: Final = Path("/proc/self/loginuid")
_NOBODY_LOGGED_IN: Final = 0xFFFFFFFF


def system_user(login: Path = _LOGIN) -> str:
    """Return the name of the user who logged in, or of the one the process runs as.

    The first is kept by Linux from the log-in on, through ``sudo`` and ``su``, and no
    process can take another's. It is not known in containers. The environment is not
    asked: anybody can set it.
    """
    number = os.getuid()
    try:
        logged_in = int(login.read_text(encoding="ascii"))
    except (OSError, ValueError):
        pass
    else:
        number = number if logged_in == _NOBODY_LOGGED_IN else logged_in
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"
