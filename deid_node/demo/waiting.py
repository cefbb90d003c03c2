"""Waiting for instances to end: the journal is asked, the clock only bounds the wait."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from types import MappingProxyType
from typing import Final

from deid_node.config.load import load
from deid_node.demo.failure import DemoFailed
from deid_node.spool.custody import Custody
from deid_node.spool.inventory import Inventory, Journey
from deid_node.spool.withheld import WorkList
from deid_node.values.state import InstanceState

ENDED: Final = frozenset({InstanceState.DELIVERED, InstanceState.WITHHELD, InstanceState.DISCARDED})
_LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Ended:
    """How an instance ended, and why if it is withheld."""

    journey: Journey
    reason: str | None


def wait_until_ended(
    config: Path, sop_instance_uids: Sequence[str], *, patience_seconds: float
) -> Mapping[str, Ended]:
    """Return how each instance ended, by its original SOP Instance UID.

    Reads the journal of the node that runs on `config`. Raises `DemoFailed`
    when not all have ended after `patience_seconds`.
    """
    custody = Custody(load(config).spool, exclusive=False)
    custody.open()
    with closing(custody):
        inventory, until = Inventory(custody), monotonic() + patience_seconds
        while True:
            ended = {
                journey.sop_instance_uid: journey
                for journey in inventory.journeys()
                if journey.state in ENDED
            }
            open_ = [uid for uid in sop_instance_uids if uid not in ended]
            if not open_:
                break
            if monotonic() > until:
                raise DemoFailed(f"{len(open_)} instances were not finished in time")
            sleep(_LOOK_SECONDS)
        reasons = {entry.id: entry.reason for entry in WorkList(custody).entries()}
    return MappingProxyType(
        {uid: Ended(ended[uid], reasons.get(ended[uid].id)) for uid in sop_instance_uids}
    )
