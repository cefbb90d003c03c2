"""Whether the node lives and whether it is ready, asked of its parts.

*Live* is false only when a restart is the cure. *Ready* is false whenever the
node should be left alone for now: it starts, it stops, the disk is full. A
destination that is down changes neither: the node goes on taking instances.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from deid_node.errors import DeidNodeError


class Check(Protocol):
    """A part that can say how it is.

    Promise: `trouble` answers within a second, from any thread, and changes
    nothing. It may raise `DeidNodeError` or `OSError`, which counts as trouble.
    """

    @property
    def name(self) -> str:
        """Name of the part (``spool``, ``receive``, ``work``)."""
        ...

    def trouble(self) -> str | None:
        """Return a stable code of what is wrong (``spool_full``), or None when all is well."""
        ...


@dataclass(frozen=True, slots=True)
class PartCheck:
    """A `Check` made of a name and a function."""

    name: str
    ask: Callable[[], str | None]

    def trouble(self) -> str | None:
        """Return what the function says."""
        return self.ask()


class Lifecycle(StrEnum):
    """Where the node stands in its life."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Condition:
    """The answer of a health question; `parts` are pairs of a part's name and ``ok`` or a code."""

    well: bool
    parts: tuple[tuple[str, str], ...]


OK: Final = "ok"
CHECK_FAILED: Final = "check_failed"


class Health:
    """Asks the parts.

    `checks` decide readiness. `vital` do so too, and they are those that only a
    restart of the process can cure. `advisory` are told beside them and decide
    nothing: a destination that is down is worth knowing, but the node still
    takes instances.
    """

    def __init__(
        self,
        checks: Iterable[Check] = (),
        *,
        vital: Iterable[Check] = (),
        advisory: Iterable[Check] = (),
    ) -> None:
        self._vital = tuple(vital)
        self._checks = (*self._vital, *checks)
        self._advisory = tuple(advisory)
        self._lifecycle = Lifecycle.STARTING

    def enter(self, lifecycle: Lifecycle) -> None:
        """Note where the node stands now; called by the node as it starts and stops."""
        self._lifecycle = lifecycle

    def advise(self, advisory: Iterable[Check]) -> None:
        """Tell of these parts beside the others from now on, and of no others."""
        self._advisory = tuple(advisory)

    def live(self) -> Condition:
        """Return whether the process is worth keeping."""
        return _condition(_answers(self._vital))

    def ready(self) -> Condition:
        """Return whether the node runs and no part that it needs is in trouble."""
        node = OK if self._lifecycle is Lifecycle.RUNNING else str(self._lifecycle)
        decisive = (("node", node), *_answers(self._checks))
        return _condition(decisive, _answers(self._advisory))


def _answers(checks: Iterable[Check]) -> tuple[tuple[str, str], ...]:
    """Return what each check says, one after the other."""
    return tuple(_answer(check) for check in checks)


def _answer(check: Check) -> tuple[str, str]:
    try:
        return check.name, check.trouble() or OK
    except DeidNodeError as error:
        return check.name, error.code
    except OSError:
        return check.name, CHECK_FAILED


def _condition(
    decisive: tuple[tuple[str, str], ...], beside: tuple[tuple[str, str], ...] = ()
) -> Condition:
    return Condition(well=all(code == OK for _, code in decisive), parts=(*decisive, *beside))
