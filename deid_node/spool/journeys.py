"""What became of each instance that was received, for reports to its sender's side.

A journey names the original SOP Instance UID: it is for the eyes of those who
sent the instance (the demo, a site's own reconciliation), never for a log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deid_node.spool.custody import Custody
from deid_node.spool.rows import clean_from
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.values.state import InstanceState


@dataclass(frozen=True, slots=True)
class Journey:
    """One instance: where it stands, why if it is withheld, what it became if it is clean."""

    id: InstanceId
    sop_instance_uid: str = field(repr=False)
    state: InstanceState
    code: str | None
    rule: str | None
    clean: CleanInstance | None


class Journeys:
    """Reads the journal; changes nothing."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def all(self) -> Sequence[Journey]:
        """Return every instance in the journal, in the order of arrival."""
        destinations: dict[int, list[str]] = {}
        for row in self._custody.read("SELECT instance_sequence, destination FROM deliveries"):
            destinations.setdefault(row["instance_sequence"], []).append(row["destination"])
        return [
            Journey(
                id=InstanceId(row["id"]),
                sop_instance_uid=row["sop_instance_uid"],
                state=InstanceState(row["state"]),
                code=row["code"],
                rule=row["rule"],
                clean=(
                    clean_from(row, tuple(destinations.get(row["sequence"], ())))
                    if row["clean_sha256"] is not None
                    else None
                ),
            )
            for row in self._custody.read("SELECT * FROM instances ORDER BY sequence")
        ]
