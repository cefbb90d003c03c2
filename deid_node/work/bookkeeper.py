"""Writes outcomes into the journal, and tells of them once they are on disk."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, assert_never

from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.series import Held
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Discarded, Ending, Repeated, Waiting, Withheld
from deid_node.values.stage import Stage
from deid_node.work.closing import tell_closed


class Journal(Protocol):
    """What the bookkeeper asks of the spool; every change is on disk when it returns."""

    def claim(self, instance: InstanceId) -> WorkOrder | Withheld | None:
        """Count a start and return its order; `Withheld` when that ended the instance."""
        ...

    def give_back(self, instance: InstanceId) -> None:
        """Take the last start of `instance` from the count."""
        ...

    def hold(self, order: WorkOrder, waiting: Waiting) -> Held:
        """Let the instance wait for its series, and return what became of that."""
        ...

    def record(self, order: WorkOrder, outcome: Ending) -> Ending | None:
        """Record an outcome and return what holds; None when the instance had moved on."""
        ...


class Bookkeeper:
    """The `Ledger` of the engine: the journal, the metrics and the log in step.

    `cleaned` is called for each instance that is due for delivery.
    """

    def __init__(
        self,
        journal: Journal,
        cleaned: Callable[[CleanInstance], None],
        *,
        metrics: Metrics,
        log: EventLog,
    ) -> None:
        self._journal = journal
        self._cleaned = cleaned
        self._metrics = metrics
        self._log = log

    def claim(self, instance: InstanceId) -> WorkOrder | None:
        """Count a start of `instance` for good and return its order; None: nothing to do."""
        claimed = self._journal.claim(instance)
        if isinstance(claimed, Withheld):
            self._tell_withheld(instance, claimed)
            return None
        return claimed

    def give_back(self, instance: InstanceId) -> bool:
        """Take the last start of `instance` from the count; it was the disk's fault."""
        self._journal.give_back(instance)
        return True

    def hold(self, order: WorkOrder, waiting: Waiting) -> Mapping[str, Sequence[InstanceId]]:
        """Let the instance of `order` wait for its series; return by sender who goes on now."""
        held = self._journal.hold(order, waiting)
        if held.late is not None:
            self._log.info(Event.SERIES_MISSED, instance=order.id, treatment=waiting.treatment)
            return {held.late: (order.id,)}
        if held.waits:
            self._log.info(Event.SERIES_AWAITED, instance=order.id, treatment=waiting.treatment)
        if held.closed is None:
            return {}
        tell_closed(held.closed, metrics=self._metrics, log=self._log)
        return held.closed.going

    def record(self, order: WorkOrder, outcome: Ending) -> None:
        """Record how the corridor ended; on disk when it returns."""
        recorded = self._journal.record(order, outcome)
        match recorded:
            case Cleaned(clean):
                self._tell_cleaned(clean)
                self._cleaned(clean)
            case Withheld():
                self._tell_withheld(order.id, recorded)
            case Discarded(rule):
                self._log.info(Event.INSTANCE_DISCARDED, instance=order.id, rule=rule)
            case Repeated():
                self._log.info(Event.INSTANCE_REPEATED, instance=order.id, peer=order.origin.peer)
            case None:
                pass
            case _:
                assert_never(recorded)

    def _tell_withheld(self, instance: InstanceId, outcome: Withheld) -> None:
        self._metrics.instance_withheld(outcome.code)
        self._log.warning(
            Event.INSTANCE_WITHHELD,
            instance=instance,
            code=outcome.code,
            reason=outcome.reason,
            rule=outcome.rule,
        )

    def _tell_cleaned(self, clean: CleanInstance) -> None:
        report = clean.report
        self._metrics.instance_cleaned(clean.rule)
        if clean.companion is not None:
            self._metrics.instance_marked(clean.rule)
        for step in report.steps:
            self._metrics.stage(step.stage, step.seconds)
        for region in report.regions:
            self._metrics.regions_found(region.fill)
        self._log.info(
            Event.INSTANCE_CLEANED,
            instance=clean.id,
            rule=clean.rule,
            frames=report.frames,
            regions=len(report.regions),
            pixels_changed=report.pixels_changed,
            marked=clean.companion is not None,
            configuration=report.configuration or None,
            seconds=round(
                sum(step.seconds for step in report.steps if step.stage is Stage.TOTAL), 4
            ),
        )
