"""What is in custody: how much waits and how long, what became of each instance and study.

A journey names the original SOP Instance UID, and a study is asked for by its Study Instance
UID as it was sent or as it leaves: they are for the eyes of those who sent the instances (the
demo, a site's own reconciliation), never for a log.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import time
from typing import Final

from deid_node.spool.custody import Custody
from deid_node.spool.rows import clean_from
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.values.state import WAITING_STATES, DeliveryState, InstanceState

_OF_STUDY: Final = """i.sequence IN (
    SELECT sequence FROM instances
    WHERE study_instance_uid IN (SELECT value FROM json_each(:studies))
    UNION SELECT sequence FROM instances
    WHERE clean_study_instance_uid IN (SELECT value FROM json_each(:studies))
    UNION SELECT sequence FROM instances
    WHERE accession_mark = :mark AND accession_mark != ''
)"""
"""By the indexes of both UIDs, and of the Accession Number."""

_STATES: Final = f"""
SELECT i.state, i.code, i.superseded, COUNT(*) AS count FROM instances i WHERE {_OF_STUDY}
GROUP BY i.state, i.code, i.superseded
"""  # noqa: S608
_DELIVERIES: Final = f"""
SELECT d.destination, d.state, COUNT(*) AS count FROM deliveries d
JOIN instances i ON i.sequence = d.instance_sequence WHERE {_OF_STUDY}
GROUP BY d.destination, d.state ORDER BY d.destination
"""  # noqa: S608
_SERIES: Final = f"""
SELECT COUNT(DISTINCT NULLIF(i.series_instance_uid, '')) AS count FROM instances i
WHERE {_OF_STUDY}
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class StudyStatus:
    """Where the instances of one study are, in numbers.

    `states` counts them by state, `withheld` what is withheld by its code, `deliveries` by
    destination and the state of the delivery. `superseded` are those that others have taken
    the place of: they are in `states`, too. `series` is how many series they say they
    belong to; 0 where the journal does not know.
    """

    instances: int
    series: int
    states: Mapping[InstanceState, int]
    withheld: Mapping[str, int]
    deliveries: Mapping[str, Mapping[DeliveryState, int]]
    superseded: int


@dataclass(frozen=True, slots=True)
class Journey:
    """One instance: where it stands, why if it is withheld, what it became if it is clean."""

    id: InstanceId
    sop_instance_uid: str = field(repr=False)
    state: InstanceState
    code: str | None
    rule: str | None
    clean: CleanInstance | None


class Inventory:
    """Reads the journal; changes nothing. Every method may raise `CustodyError`."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def study(self, *uids: str, accession_mark: str = "") -> StudyStatus | None:
        """Return where the study of these UIDs, as sent or as it leaves, is; None: nothing of it.

        `accession_mark` is that of an Accession Number (`Pseudonyms.accession_mark`), which
        several studies may have. Of what an older version of the node took, only the new UID
        is known.
        """
        wanted = {"studies": json.dumps([uid for uid in uids if uid]), "mark": accession_mark}
        states: Counter[InstanceState] = Counter()
        withheld: Counter[str] = Counter()
        superseded = 0
        for row in self._custody.read(_STATES, wanted):
            states[InstanceState(row["state"])] += row["count"]
            superseded += row["count"] if row["superseded"] else 0
            if row["state"] == InstanceState.WITHHELD:
                withheld[row["code"]] += row["count"]
        if not states:
            return None
        deliveries: dict[str, Counter[DeliveryState]] = {}
        for row in self._custody.read(_DELIVERIES, wanted):
            counts = deliveries.setdefault(row["destination"], Counter())
            counts[DeliveryState(row["state"])] += row["count"]
        (series,) = self._custody.read(_SERIES, wanted)
        return StudyStatus(
            instances=states.total(),
            series=series["count"],
            states=dict(states),
            withheld=dict(withheld),
            deliveries={name: dict(counts) for name, counts in deliveries.items()},
            superseded=superseded,
        )

    def left_study(self, uid: str) -> StudyStatus | None:
        """Return where the study of this new UID is; an UID as it was sent finds nothing."""
        found = self._custody.read(
            "SELECT DISTINCT study_instance_uid FROM instances WHERE clean_study_instance_uid = ?",
            (uid,),
        )
        return self.study(uid, *(row["study_instance_uid"] for row in found)) if found else None

    def journeys(self) -> Sequence[Journey]:
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

    def waiting(self) -> Mapping[str, tuple[int, float]]:
        """Return, for each state, how many instances are in it and the age of the oldest."""
        now = time()
        counts: dict[str, tuple[int, float]] = {state.value: (0, 0.0) for state in WAITING_STATES}
        for row in self._custody.read(
            # Whichever is earlier: a clock that ran ahead may have written one of them.
            "SELECT state, COUNT(*) AS count, MIN(MIN(received_at, changed_at)) AS oldest"
            " FROM instances"
            " WHERE state IN (SELECT value FROM json_each(?)) GROUP BY state",
            (json.dumps(list(counts)),),
        ):
            counts[row["state"]] = (row["count"], max(0.0, now - row["oldest"]))
        return counts

    def unconfirmed(self, destination: str) -> tuple[int, float]:
        """Return how many wait for the archive's word, and how many seconds the oldest has.

        Raises `SpoolUnavailable` when the journal cannot be read.
        """
        row = self._custody.read(
            "SELECT COUNT(*) AS count, MIN(settled_at) AS since FROM deliveries"
            " WHERE destination = ? AND state = ?",
            (destination, DeliveryState.SENT),
        )[0]
        return row["count"], 0.0 if row["since"] is None else max(0.0, time() - row["since"])

    def free_bytes(self) -> int:
        """Return how many bytes the spool's disk can still take."""
        return self._custody.blobs.free_bytes()

    def failures(self) -> Mapping[str, int]:
        """Return how many writes and reads of the spool have failed, by the error's code."""
        return self._custody.failures()
