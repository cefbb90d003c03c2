"""What the journal says of whole studies: how much of one came, and where it is.

A study is asked for by its Study Instance UID as it was sent or as it leaves; both are for
the eyes of those who ask, never for a log.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deid_node.spool.custody import Custody
from deid_node.values.state import DeliveryState, InstanceState

_OF_STUDY: Final = """i.sequence IN (
    SELECT sequence FROM instances
    WHERE study_instance_uid IN (SELECT value FROM json_each(:studies))
    UNION SELECT sequence FROM instances
    WHERE clean_study_instance_uid IN (SELECT value FROM json_each(:studies))
)"""
"""By the indexes of both UIDs."""

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


class Inventory:
    """Reads the journal; changes nothing. Every method may raise `CustodyError`."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def study(self, *uids: str) -> StudyStatus | None:
        """Return where the study of these UIDs, as sent or as it leaves, is; None: nothing of it.

        Of what an older version of the node took, only the new UID is known.
        """
        wanted = {"studies": json.dumps([uid for uid in uids if uid])}
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
