"""Foreign programs that tests speak to, found where the system keeps them."""

import os
import shutil
import sys
from pathlib import Path

import pytest

_PLUGINS = Path("/usr/share/orthanc/plugins")
"""Where Debian puts what Orthanc loads."""


def found(name: str) -> Path | None:
    """Return the program `name`, or the plug-in of Orthanc, or None.

    The folder of the interpreter is left out: pynetdicom installs programs of
    DCMTK's names there.
    """
    if name.startswith("libOrthanc"):
        return _PLUGINS / name if (_PLUGINS / name).exists() else None
    own = Path(sys.executable).parent
    places = [place for place in os.get_exec_path() if Path(place) != own]
    path = shutil.which(name, path=os.pathsep.join([*places, "/usr/sbin"]))
    return None if path is None else Path(path)


def require(*names: str) -> None:
    """Skip where a program is missing; in CI, fail."""
    missing = [name for name in names if found(name) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"CI lacks {', '.join(missing)}", pytrace=False)
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def program(name: str) -> str:
    """Return the path of a program that the test's marker requires."""
    path = found(name)
    assert path is not None, f"the test lacks the marker peer({name!r})"
    return str(path)
