"""Every change of state, of an instance and of a delivery: the two pictures, and their edges.

::

    (door) <--leave---- RECEIVED, WITHHELD
    (door) ---enter---> RECEIVED ---seal---> CLEAN ---finish---> DELIVERED
       |                 |   ^  |             |  ^                  |
       |            withhold |  |        withhold| release, reopen  |
       |                 v   |  +--discard--+  | |                  |
       +--enter------> WITHHELD <-----------|--+ |                  |
                         |   release,       v    |                  |
                         +--discard----> DISCARDED                  |
                             walk_again: from each of these four back to RECEIVED

    RECEIVED ---hold---> HELD ---go_on---> RECEIVED     HELD ---give_way---> DISCARDED

    seal ---> DUE ---close---> DELIVERED     DUE ---close---> REFUSED
               ^  ---close---> SENT          SENT --confirm-> DELIVERED
               |               SENT --refuse-> REFUSED
               +--send_again (SENT), redeliver (SENT, DELIVERED), release (REFUSED)

Each edge says where it starts from, in the statement that changes the row: the command line
and the desk decide beside a running node, and whoever comes second finds the row moved on.
Then nothing is changed, and False comes back. Each is called inside a transaction.

What walks the corridor anew has forgotten its seal first: bytes that were sealed before
cannot go out in the name of what the corridor says now.
"""

import json
import sqlite3
from collections.abc import Collection
from time import time
from types import MappingProxyType
from typing import Final

from deid_node.errors import DeidNodeError
from deid_node.spool.places import FORGET_SEAL
from deid_node.spool.rows import doubts_json, received_columns, sealed_columns
from deid_node.values.identity import InstanceId
from deid_node.values.instance import ReceivedInstance
from deid_node.values.outcome import Cleaned, Withheld
from deid_node.values.series import Place
from deid_node.values.state import DeliveryState, InstanceState

_SEQUENCE: Final = "(SELECT sequence FROM instances WHERE id = ?)"
_FRESH: Final = MappingProxyType(
    {
        "attempts": 0,
        "in_hand": 0,
        "cut_short": 0,
        "code": None,
        "reason": None,
        "doubts": None,
        "held": 0,
    }
)
"""What an instance has forgotten that a person gives back to the node."""

_WALKED: Final = frozenset(InstanceState) - {InstanceState.RECEIVED, InstanceState.HELD}
_GIVES_WAY: Final = frozenset(InstanceState) - {InstanceState.DELIVERED, InstanceState.DISCARDED}


def enter(
    connection: sqlite3.Connection,
    received: ReceivedInstance,
    *,
    withheld: DeidNodeError | None = None,
) -> None:
    """(door) -> RECEIVED, or WITHHELD for `withheld`: what has just come into custody."""
    columns = {
        "state": InstanceState.WITHHELD if withheld else InstanceState.RECEIVED,
        "changed_at": time(),
        "code": withheld and withheld.code,
        "reason": withheld and str(withheld),
        **received_columns(received),
    }
    connection.execute(
        f"INSERT INTO instances ({', '.join(columns)})"  # noqa: S608
        f" VALUES ({', '.join('?' * len(columns))})",
        tuple(columns.values()),
    )


def leave(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """RECEIVED, WITHHELD -> (door): its bytes did not reach the disk, and its sender hears so."""
    gone = connection.execute(
        "DELETE FROM instances WHERE id = ? AND attempts = 0 AND state IN (?, ?)",
        (instance, InstanceState.RECEIVED, InstanceState.WITHHELD),
    )
    return bool(gone.rowcount)


def hold(connection: sqlite3.Connection, instance: InstanceId, series: int, place: Place) -> bool:
    """RECEIVED -> HELD in the series of that number: it waits for the rest of it.

    The start that has found that out counts for nothing.
    """
    return _move(
        connection,
        instance,
        (InstanceState.RECEIVED,),
        InstanceState.HELD,
        attempts=0,
        in_hand=0,
        series=series,
        stack=place.stack,
        along=place.along,
        late=None,
    )


def go_on(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """HELD -> RECEIVED: its series is not waited for any more, and it is one of its members."""
    return _move(connection, instance, (InstanceState.HELD,), InstanceState.RECEIVED, late=0)


def seal(connection: sqlite3.Connection, outcome: Cleaned) -> bool:
    """RECEIVED -> CLEAN, and what is due with it: (nothing) -> DUE at each destination."""
    clean = outcome.instance
    if not _move(
        connection,
        clean.id,
        (InstanceState.RECEIVED,),
        InstanceState.CLEAN,
        code=None,
        reason=None,
        **sealed_columns(outcome),
    ):
        return False
    connection.executemany(
        "INSERT INTO deliveries (instance_sequence, destination, state, next_at, sender)"
        " SELECT sequence, ?, ?, ?, sender FROM instances WHERE id = ?",
        [(name, DeliveryState.DUE, time(), clean.id) for name in clean.destinations],
    )
    return True


def withhold(
    connection: sqlite3.Connection,
    instance: InstanceId,
    withheld: Withheld,
) -> bool:
    """RECEIVED -> WITHHELD: the corridor, or its file, says that a person has to look."""
    return _move(
        connection,
        instance,
        (InstanceState.RECEIVED,),
        InstanceState.WITHHELD,
        code=withheld.code,
        reason=withheld.reason,
        rule=withheld.rule,
        doubts=doubts_json(withheld.seen),
    )


def withhold_sealed(
    connection: sqlite3.Connection, instance: InstanceId, error: DeidNodeError
) -> bool:
    """CLEAN -> WITHHELD: it cannot be delivered; its rule and its seal stay."""
    return _move(
        connection,
        instance,
        (InstanceState.CLEAN,),
        InstanceState.WITHHELD,
        code=error.code,
        reason=str(error),
    )


def discard_by_rule(
    connection: sqlite3.Connection, instance: InstanceId, rule: str | None = None
) -> bool:
    """RECEIVED -> DISCARDED: a rule drops it, or it is a repeat."""
    return _move(
        connection,
        instance,
        (InstanceState.RECEIVED,),
        InstanceState.DISCARDED,
        code=None,
        reason=None,
        rule=rule,
        doubts=None,
    )


def discard(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """WITHHELD -> DISCARDED: a person drops it."""
    return _move(connection, instance, (InstanceState.WITHHELD,), InstanceState.DISCARDED)


def give_way(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """RECEIVED, HELD, CLEAN, WITHHELD -> DISCARDED: a person decides for another of its UID."""
    return _move(connection, instance, _GIVES_WAY, InstanceState.DISCARDED)


def supersede(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """DELIVERED stays what it is, and has no place any more: another may come under its UID."""
    changed = connection.execute(
        "UPDATE instances SET superseded = 1 WHERE id = ? AND state = ?",
        (instance, InstanceState.DELIVERED),
    )
    return bool(changed.rowcount)


def release(connection: sqlite3.Connection, instance: InstanceId, *, sealed: bool) -> bool:
    """WITHHELD -> CLEAN where it is `sealed`, else RECEIVED; what was REFUSED -> DUE."""
    state = InstanceState.CLEAN if sealed else InstanceState.RECEIVED
    if not _move(connection, instance, (InstanceState.WITHHELD,), state, **_FRESH):
        return False
    connection.execute(
        "UPDATE deliveries SET state = ?, attempts = 0, sendings = 0, next_at = ?"  # noqa: S608
        f" WHERE instance_sequence = {_SEQUENCE} AND state = ?",
        (DeliveryState.DUE, time(), instance, DeliveryState.REFUSED),
    )
    return True


def walk_again(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """WITHHELD, CLEAN, DELIVERED, DISCARDED -> RECEIVED; seal and deliveries are forgotten."""
    if not _move(connection, instance, _WALKED, InstanceState.RECEIVED, **_FRESH):
        return False
    connection.execute(f"UPDATE instances SET {FORGET_SEAL} WHERE id = ?", (instance,))  # noqa: S608
    connection.execute(
        f"DELETE FROM deliveries WHERE instance_sequence = {_SEQUENCE}",  # noqa: S608
        (instance,),
    )
    return True


def finish(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """CLEAN -> DELIVERED, if every destination has it."""
    left = connection.execute(
        f"SELECT 1 FROM deliveries WHERE instance_sequence = {_SEQUENCE} AND state != ?",  # noqa: S608
        (instance, DeliveryState.DELIVERED),
    ).fetchone()
    return left is None and _move(
        connection, instance, (InstanceState.CLEAN,), InstanceState.DELIVERED
    )


def reopen(connection: sqlite3.Connection, instance: InstanceId) -> bool:
    """DELIVERED -> CLEAN: a person wants it to go out again."""
    return _move(connection, instance, (InstanceState.DELIVERED,), InstanceState.CLEAN)


def close(
    connection: sqlite3.Connection,
    instance: InstanceId,
    destination: str,
    state: DeliveryState,
    *,
    status: int | None,
    sha256: str | None = None,
) -> bool:
    """DUE -> DELIVERED, REFUSED or SENT: the destination has answered.

    Only what is due: an archive may have confirmed it while it was sent once more. With
    `sha256` only if those are the sealed bytes still.
    """
    return bool(
        connection.execute(
            "UPDATE deliveries SET state = ?, status = ?, settled_at = ?,"
            " inquiry = CASE WHEN ? THEN NULL ELSE inquiry END"
            " WHERE destination = ? AND state = ? AND instance_sequence ="
            " (SELECT sequence FROM instances WHERE id = ? AND (? IS NULL OR clean_sha256 = ?))",
            (
                *(state, status, time(), state is DeliveryState.SENT),
                *(destination, DeliveryState.DUE, instance, sha256, sha256),
            ),
        ).rowcount
    )


def confirm(connection: sqlite3.Connection, instance: InstanceId, destination: str) -> bool:
    """SENT, DUE -> DELIVERED: the archive commits to it, if late."""
    start = (DeliveryState.SENT, DeliveryState.DUE)
    return _deliver(connection, instance, destination, start, DeliveryState.DELIVERED)


def refuse(connection: sqlite3.Connection, instance: InstanceId, destination: str) -> bool:
    """SENT -> REFUSED: the archive does not commit to it, however often it is sent."""
    start = (DeliveryState.SENT,)
    return _deliver(connection, instance, destination, start, DeliveryState.REFUSED)


def send_again(
    connection: sqlite3.Connection, instance: InstanceId, destination: str, seconds: float
) -> bool:
    """SENT -> DUE in `seconds`: the archive has not committed to it."""
    return bool(
        connection.execute(
            "UPDATE deliveries SET state = ?, sendings = sendings + 1, next_at = ?"  # noqa: S608
            f" WHERE destination = ? AND state = ? AND instance_sequence = {_SEQUENCE}",
            (DeliveryState.DUE, time() + seconds, destination, DeliveryState.SENT, instance),
        ).rowcount
    )


def redeliver(
    connection: sqlite3.Connection, instance: InstanceId, destination: str | None
) -> bool:
    """DUE, SENT, DELIVERED -> DUE now, at `destination` or at all of them.

    A question that is still open at the archive is not about what goes out now.
    """
    return bool(
        connection.execute(
            "UPDATE deliveries SET state = ?, attempts = 0, sendings = 0, inquiry = NULL,"  # noqa: S608
            f" next_at = ? WHERE instance_sequence = {_SEQUENCE} AND state != ?"
            " AND (? IS NULL OR destination = ?)",
            (
                *(DeliveryState.DUE, time(), instance, DeliveryState.REFUSED),
                *(destination, destination),
            ),
        ).rowcount
    )


def _move(
    connection: sqlite3.Connection,
    instance: InstanceId,
    start: Collection[InstanceState],
    to: InstanceState,
    **columns: object,
) -> bool:
    """Change the state of an instance that is in one of `start`, and `columns` with it."""
    also = "".join(f", {name} = ?" for name in columns)
    changed = connection.execute(
        f"UPDATE instances SET state = ?, changed_at = ?{also}"  # noqa: S608
        " WHERE id = ? AND state IN (SELECT value FROM json_each(?))",
        (to, time(), *columns.values(), instance, json.dumps(list(start))),
    )
    return bool(changed.rowcount)


def _deliver(
    connection: sqlite3.Connection,
    instance: InstanceId,
    destination: str,
    start: Collection[DeliveryState],
    to: DeliveryState,
) -> bool:
    changed = connection.execute(
        "UPDATE deliveries SET state = ?, settled_at = ? WHERE destination = ?"  # noqa: S608
        f" AND instance_sequence = {_SEQUENCE}"
        " AND state IN (SELECT value FROM json_each(?))",
        (to, time(), destination, instance, json.dumps(list(start))),
    )
    return bool(changed.rowcount)
