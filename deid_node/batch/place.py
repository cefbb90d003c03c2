"""Where the work list of an output lies.

Beside the output, not in it: what is handed on is the folder of results, and the list names the
inputs. Only where nothing can be written beside it, as in a container that mounts it alone, the
list lies inside.
"""

import os
from pathlib import Path
from typing import Final

SUFFIX: Final = ".worklist"


def list_of(output: Path) -> Path:
    """Return where the list of `output` lies, or would lie where there is none yet."""
    whole = Path(os.path.realpath(output))
    beside = whole.with_name(whole.name + SUFFIX) if whole.name else None
    inside = whole / f".deid-node{SUFFIX}"
    if beside is None or inside.exists():
        return inside
    if beside.exists() or os.access(beside.parent, os.W_OK | os.X_OK):
        return beside
    return inside
