"""What a configuration makes of the parts that may change: for the start, and for each reload.

Nothing is opened or started here, and nothing that is at work is touched.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from deid_node.audit.build import Audit
from deid_node.checks import key_marks
from deid_node.config.schema import Config
from deid_node.forward.build import (
    build_destination,
    build_inquirers,
    build_retry,
    is_export,
    reporting_titles,
)
from deid_node.forward.outgoing import Outgoing
from deid_node.forward.sender import Sender
from deid_node.metadata.plan.table import EDITION
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.pipeline import Corridor
from deid_node.pixels.fill.build import inpainter_name
from deid_node.pixels.text.find.build import finder_name
from deid_node.receive.build import build_terms
from deid_node.receive.dimse.commitment_reporter import LONGEST_WAIT_SECONDS
from deid_node.reload.renewal import Built
from deid_node.spool.claims import Claims
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.files import BlobFiles
from deid_node.spool.samples import Drawing
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.work.bookkeeper import Bookkeeper
from deid_node.work.build import build_engine
from deid_node.work.queue import WorkQueue


@dataclass(frozen=True, slots=True)
class PartsBuilder:
    """A `Builder` on what stays: spool, queue, audit trail, log and metrics."""

    corridor_of: Callable[[Config], Callable[[], Corridor]]
    custody: Custody
    files: BlobFiles
    queue: WorkQueue
    outgoing: Outgoing
    audit: Audit
    metrics: Metrics
    log: EventLog
    drawing: Drawing | None = None
    owed: set[InstanceId] = field(default_factory=set)

    def __call__(self, config: Config) -> Built:
        """Return what `config` makes; raise `ConfigurationError`."""
        destinations = config.forward.destinations
        retry = build_retry(config.forward.retry)
        hearing, inquirers = build_inquirers(
            destinations, self.custody, retry, metrics=self.metrics, log=self.log
        )
        deliveries = Deliveries(self.custody)
        senders = {
            name: Sender(
                build_destination(name, options, self.files),
                deliveries,
                retry,
                log=self.log,
                metrics=self.metrics,
                record=self.audit.delivery(name, exports=is_export(options)),
                inquirer=inquirers.get(name),
            )
            for name, options in destinations.items()
        }
        factory = self.corridor_of(config)
        engine = build_engine(
            config.work.engine,
            queue=self.queue,
            ledger=Bookkeeper(
                Claims(self.custody, self.drawing),
                self._wake,
                metrics=self.metrics,
                log=self.log,
            ),
            corridor_factory=factory,
            log=self.log,
            metrics=self.metrics,
            owed=self.owed,
        )
        return Built(
            engine=engine,
            factory=factory,
            senders=senders,
            terms=build_terms(config.receive, reporting_titles(destinations)),
            hear=hearing.hear,
            key_marks=tuple(key_marks(config, self.custody)),
            longest_wait_seconds=max(retry.cap_seconds, LONGEST_WAIT_SECONDS),
            build_info={
                "standard_edition": EDITION,
                "finder": finder_name(config.pixels.finder),
                "inpainter": inpainter_name(
                    config.pixels.inpainter, (one.fill for one in config.treatments.values())
                ),
            },
        )

    def _wake(self, instance: CleanInstance) -> None:
        for name in instance.destinations:
            self.outgoing.wake(name)
