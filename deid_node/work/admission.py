"""What is looked at when the spool has been opened, before any part of the node works.

A spool may have been used with another pseudonym key, may hold files that its journal does
not name, or instances for a destination that the configuration does not name any more.
None of these may pass in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.foundlings import Foundlings
from deid_node.spool.key_mark import KeyMark


@dataclass(frozen=True, slots=True)
class Admission:
    """Called once at the start, with the custody open.

    `takes_new_key`: a person has said that another key than before is meant.
    """

    keys: Sequence[KeyMark]
    foundlings: Foundlings
    metrics: Metrics
    log: EventLog
    takes_new_key: bool = False

    def __call__(self) -> None:
        """Raise `ConfigurationError` or `CustodyError` where the node must not start."""
        if not self.takes_new_key:
            for key in self.keys:
                key.require()
        for key in self.keys:
            key.write()
        self._take_in()

    def _take_in(self) -> None:
        found = self.foundlings.take_in()
        for instance in found.adopted:
            self.metrics.instance_withheld("origin_unknown")
            self.log.warning(Event.INSTANCE_WITHHELD, instance=instance, code="origin_unknown")
        if found.adopted:
            self.log.error(Event.INSTANCES_ADOPTED, count=len(found.adopted))
        if found.set_aside:
            self.log.error(Event.FILES_SET_ASIDE, count=found.set_aside)
