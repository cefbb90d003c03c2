"""The taking over: everything new is built first, then every part hands over in order.

The order: the ways out first, so that nothing is cleaned for a destination that nobody serves;
then the doors; the workers last. From then on nothing is begun under the old configuration.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from deid_node import __version__
from deid_node.checks import check_all, configured_names
from deid_node.config.schema import Config
from deid_node.errors import CustodyError
from deid_node.forward.outgoing import Outgoing
from deid_node.forward.sender import Sender
from deid_node.observe.events import Event
from deid_node.observe.health import Check, Health
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.pipeline import Corridor
from deid_node.receive.build import Reception, ReceptionTerms
from deid_node.reload.changes import changes, require_changeable
from deid_node.spool.clock import Clock
from deid_node.spool.custody import Custody
from deid_node.spool.key_mark import KeyMark
from deid_node.spool.leftovers import Leftovers
from deid_node.values.confirmation import ConfirmationReport
from deid_node.work.engine import Engine
from deid_node.work.shifts import Shifts


@dataclass
class InForce:
    """The configuration that the node works under at this moment."""

    config: Config


@dataclass(frozen=True, slots=True)
class Built:
    """What a configuration makes, not started: see `Builder`."""

    engine: Engine
    factory: Callable[[], Corridor]
    senders: Mapping[str, Sender]
    terms: ReceptionTerms
    hear: Callable[[ConfirmationReport], bool]
    key_marks: tuple[KeyMark, ...]
    longest_wait_seconds: float
    build_info: Mapping[str, str]


class Builder(Protocol):
    """Builds what may change; opens nothing, and raises `ConfigurationError`."""

    def __call__(self, config: Config) -> Built:
        """Return what `config` makes."""
        ...


@dataclass(frozen=True, slots=True)
class Living:
    """The parts of the running node that hand over, or are told."""

    custody: Custody
    reception: Reception
    outgoing: Outgoing
    shifts: Shifts
    leftovers: Leftovers
    clock: Clock
    health: Health
    metrics: Metrics
    log: EventLog
    advice: Callable[[], list[Check]]
    show: Callable[[Callable[[], Corridor]], None]
    """Lets the review desk show what another corridor makes."""


@dataclass(slots=True)
class Renewal:
    """Takes another configuration over; used by one thread, but for `give_up`."""

    in_force: InForce
    living: Living
    build: Builder
    _candidate: Engine | None = field(default=None, init=False)
    _is_given_up: bool = field(default=False, init=False)

    def take_over(self, config: Config) -> None:
        """Let the node work under `config` from now on.

        Raises `ConfigurationError` or `CustodyError`: then nothing has changed.
        """
        before, living = self.in_force.config, self.living
        require_changeable(before, config)
        check_all(config)
        living.custody.require_room()
        built = self.build(config)
        for mark in built.key_marks:
            mark.require()
        self._prepare(built.engine)
        self._hand_over(before, config, built)

    def give_up(self) -> None:
        """Break off what is being prepared, if anything is; nothing can be after that."""
        self._is_given_up = True
        candidate = self._candidate
        if candidate is not None:
            candidate.give_up(finish_seconds=0)

    def _prepare(self, engine: Engine) -> None:
        self._candidate = engine
        try:
            if self._is_given_up:
                engine.give_up(finish_seconds=0)
            engine.prepare()
        finally:
            self._candidate = None

    def _hand_over(self, before: Config, config: Config, built: Built) -> None:
        living = self.living
        destinations = config.forward.destinations
        retries_alike = before.forward.retry == config.forward.retry
        changed = {
            name: sender
            for name, sender in built.senders.items()
            if not retries_alike
            or name not in before.forward.destinations
            or any(changes(before.forward.destinations[name], destinations[name]))
        }
        gone = frozenset(before.forward.destinations).difference(destinations)
        steps = ExitStack()
        # What is pushed last is called first.
        steps.callback(living.show, built.factory)
        steps.callback(living.shifts.hand_over, built.engine)
        steps.callback(living.reception.adopt, built.terms, built.hear)
        steps.callback(self._tell, config, built)
        steps.callback(living.outgoing.replace, changed, gone=gone)
        for mark in built.key_marks:
            steps.callback(mark.write)
        steps.callback(living.metrics.learn, configured_names(config))
        try:
            # Each step is taken whatever another raises: a node half way would be the worst.
            steps.close()
        except CustodyError as error:
            # The disk was full in this moment: what was to be written down is written later.
            living.log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))

    def _tell(self, config: Config, built: Built) -> None:
        living = self.living
        self.in_force.config = config
        living.leftovers.adopt(tuple(config.forward.destinations))
        living.clock.adopt(built.longest_wait_seconds)
        living.health.advise(living.advice())
        living.metrics.build_info(version=__version__, **built.build_info)
