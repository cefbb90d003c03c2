"""What the demo asserts of itself before it calls its run a success."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deid_node.demo.canary import traces_below, traces_in
from deid_node.demo.samples import CANARY_CT, CANARY_MR
from deid_node.demo.table import Row
from deid_node.demo.unharmed import flow_harmed, harmed
from deid_node.demo.workplace import Workplace
from deid_node.values.state import InstanceState


@dataclass(frozen=True, slots=True)
class Check:
    """A claim, and what speaks against it (nothing: it holds)."""

    claim: str
    against: tuple[str, ...]


def checks_of(
    workplace: Workplace, rows: Sequence[Row], *, metrics: bytes, exit_status: int
) -> Sequence[Check]:
    """Return every check of a run that has ended."""
    delivered = sum(row.ended.journey.state == InstanceState.DELIVERED for row in rows)
    archived = len(list(workplace.archive.iterdir()))
    return (
        Check(
            f"{len(rows)} sent = {delivered} in the archive + {len(rows) - delivered} withheld",
            _unless(archived == delivered, f"the archive holds {archived}"),
        ),
        Check("the canary's burned-in text was found and filled", _unfilled(rows)),
        Check(
            "text-free instances (small MR, mosaic) arrived with the pixels they were sent with",
            harmed(rows, workplace.archive),
        ),
        Check(
            "no power Doppler was filled: it arrived as sent, or waits for a person",
            flow_harmed(rows, workplace.archive),
        ),
        Check("no archived byte tells of the canary", _told(workplace.archive)),
        Check(
            "neither does the node's log",
            (*_told(workplace.log), *_told(workplace.log.with_suffix(".err"))),
        ),
        Check("nor do its metrics", _unless(not traces_in(metrics), "/metrics")),
        Check(
            "the node ended in order",
            _unless(exit_status == 0, f"its exit status is {exit_status}"),
        ),
    )


def _unfilled(rows: Sequence[Row]) -> tuple[str, ...]:
    canaries = [row for row in rows if row.title in {CANARY_CT, CANARY_MR}]
    return tuple(
        row.title
        for row in canaries
        if row.ended.journey.clean is None or not row.ended.journey.clean.report.regions
    )


def _told(place: Path) -> tuple[str, ...]:
    return tuple(path.name for path in traces_below(place))


def _unless(holds: bool, what: str) -> tuple[str, ...]:
    return () if holds else (what,)
