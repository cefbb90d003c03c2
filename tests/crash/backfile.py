"""``deid-node clean`` with a fuse in it, and a corridor that has no models.

``python -m tests.crash.backfile POINT PASSES VICTIM MARK clean INPUT OUTPUT ...``
"""

import sys
from collections.abc import Callable
from typing import Any

from deid_node.cli import main
from tests.crash.fuse import Burner, Fuse
from tests.fakes.light_corridor import LightCorridor, LightFactory

POINTS = (
    "taken-in",
    "in-hand",
    "outcome-made",
    "outcome-kept",
    "placed",
    "settled",
    "ended",
    "list-removed",
)
"""Passed by the command itself."""

WORKER_POINTS = ("before-output", "after-output")
"""Passed by a worker; the command dies with it."""


def arm_command(burner: Burner) -> None:
    """Wrap what passes the points of the command, in this process."""
    # Heavy to import, and a worker passes none of them.
    from deid_node.batch.placing import Folder
    from deid_node.batch.work_list import WorkList

    burn = burner.pass_by
    _behind(WorkList, "_write", lambda: burn("taken-in"))
    _behind(WorkList, "take_in_hand", lambda: burn("in-hand"))
    _before(WorkList, "keep_outcome", lambda: burn("outcome-made"))
    _behind(WorkList, "keep_outcome", lambda: burn("outcome-kept"))
    _behind(Folder, "place", lambda: burn("placed"))
    _behind(Folder, "settle", lambda: burn("settled"))
    _behind(WorkList, "end", lambda: burn("ended"))
    _behind(WorkList, "remove", lambda: burn("list-removed"))


def arm_worker(burner: Burner) -> None:
    """Wrap what passes the points of a worker, in this process."""
    burn = burner.pass_by
    _before(LightCorridor, "clean", lambda: burn("before-output"))
    _behind(LightCorridor, "clean", lambda: burn("after-output"))


def _before(owner: Any, name: str, then: Callable[[], None]) -> None:
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        then()
        return original(*arguments, **named)

    setattr(owner, name, wrapped)


def _behind(owner: Any, name: str, then: Callable[[], None]) -> None:
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        then()
        return result

    setattr(owner, name, wrapped)


if __name__ == "__mp_main__":
    worker_fuse = Fuse.from_arguments(sys.argv[1:5])
    arm_worker(Burner(lambda: worker_fuse))

if __name__ == "__main__":
    from deid_node.cli import offline

    fuse = Fuse.from_arguments(sys.argv[1:5])
    arm_command(Burner(lambda: fuse))
    setattr(offline, "corridor_factory", lambda *_, **__: LightFactory())  # noqa: B010
    sys.exit(main(sys.argv[5:]))
