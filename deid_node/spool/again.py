"""What a person wants to go out once more, or to be cleaned once more.

`redeliver` sends the bytes that were sealed again; `reprocess` lets an instance walk the
corridor again, by the rules and models of today. Neither makes bytes that are gone: of a
delivered instance whose bytes were removed the place is given free, so that it walks
again when its sender sends it again. Both work beside a running node.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Final

from deid_node.dicom.spooled import HEAD_BYTES, lineage_in
from deid_node.errors import UidConflict
from deid_node.spool import rows, transitions
from deid_node.spool.blobs import Blobs, blob_name, companion_name
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb, note
from deid_node.values.identity import InstanceId
from deid_node.values.state import DeliveryState, InstanceState

_BATCH: Final = 200
_SEALED: Final = frozenset({InstanceState.CLEAN, InstanceState.DELIVERED, InstanceState.WITHHELD})

_UNDER_WAY: Final = frozenset({InstanceState.RECEIVED, InstanceState.HELD})


@dataclass(frozen=True, slots=True)
class Selection:
    """Which instances are meant: those that fit all that is said; None leaves it open.

    `studies` are Study Instance UIDs as sent or as they leave. `since` is a Unix time:
    delivered since (`redeliver`), received since (`reprocess`).
    """

    instances: frozenset[InstanceId] | None = None
    studies: frozenset[str] | None = field(default=None, repr=False)
    destination: str | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """What came of an order.

    `done` go out, or walk, again. Of `awaited` the bytes are gone: each walks when its sender
    sends it again. `left` are as they were: in a worker's hands, waiting for their series, never
    delivered, or another instance has their UID.
    """

    done: tuple[InstanceId, ...] = ()
    awaited: tuple[InstanceId, ...] = ()
    left: tuple[InstanceId, ...] = ()


class _Ending(Enum):
    DONE = auto()
    AWAITED = auto()
    LEFT = auto()


@dataclass(frozen=True, slots=True)
class _Order:
    verb: Verb
    person: str
    dry: bool


class Again:
    """Gives instances back to the node; each is decided on in a transaction of its own state.

    `person` is a system user. With ``dry=True`` nothing is changed, and what comes back is
    what would have been done. Every method may raise `CustodyError`.
    """

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def redeliver(self, selection: Selection, *, person: str, dry: bool = False) -> Ordered:
        """Let what was delivered go out again, the same bytes, to the destinations meant.

        What is due already, whatever the wait that is left, is due now.
        """
        chosen = self._delivered(selection)
        return self._each(selection, chosen, self._redeliver, _Order(Verb.REDELIVER, person, dry))

    def reprocess(self, selection: Selection, *, person: str, dry: bool = False) -> Ordered:
        """Let what is withheld, clean, delivered or discarded walk the corridor again."""
        chosen = self._ended(selection)
        return self._each(selection, chosen, self._reprocess, _Order(Verb.REPROCESS, person, dry))

    def _each(
        self,
        selection: Selection,
        chosen: Sequence[InstanceId],
        carry_out: Callable[[Transaction, sqlite3.Row, Selection, _Order], _Ending],
        order: _Order,
    ) -> Ordered:
        ended: dict[_Ending, list[InstanceId]] = {ending: [] for ending in _Ending}
        for start in range(0, len(chosen), _BATCH):
            part = chosen[start : start + _BATCH]

            def write(
                transaction: Transaction, part: Sequence[InstanceId] = part
            ) -> Sequence[tuple[InstanceId, _Ending]]:
                found = []
                for instance in part:
                    row = transaction.connection.execute(
                        "SELECT * FROM instances WHERE id = ?", (instance,)
                    ).fetchone()
                    found.append((instance, carry_out(transaction, row, selection, order)))
                return found

            for instance, ending in self._custody.write(write):
                ended[ending].append(instance)
                remove_aside(self._custody.blobs, instance)
        unknown = sorted((selection.instances or frozenset()).difference(chosen))
        return Ordered(
            tuple(ended[_Ending.DONE]),
            tuple(ended[_Ending.AWAITED]),
            (*ended[_Ending.LEFT], *unknown),
        )

    def _redeliver(
        self, transaction: Transaction, row: sqlite3.Row, selection: Selection, order: _Order
    ) -> _Ending:
        connection = transaction.connection
        if row["superseded"] or row["state"] not in _SEALED:
            return _Ending.LEFT
        if row["state"] == InstanceState.DELIVERED and not self._is_sealed(row):
            return self._await(transaction, row, order)
        if not connection.execute(
            "SELECT 1 FROM deliveries WHERE instance_sequence = ? AND state != ?"
            " AND (? IS NULL OR destination = ?)",
            (
                *(row["sequence"], DeliveryState.REFUSED),
                *(selection.destination, selection.destination),
            ),
        ).fetchone():
            return _Ending.LEFT
        if order.dry:
            return _Ending.DONE
        instance = InstanceId(row["id"])
        note(transaction, instance, order.verb, order.person)
        transitions.redeliver(connection, instance, selection.destination)
        transitions.reopen(connection, instance)
        return _Ending.DONE

    def _reprocess(
        self, transaction: Transaction, row: sqlite3.Row, _: Selection, order: _Order
    ) -> _Ending:
        connection, instance = transaction.connection, InstanceId(row["id"])
        if row["superseded"] or row["state"] in _UNDER_WAY:
            return _Ending.LEFT
        if not row["blob_kept"] or not self._path(instance).exists():
            if row["state"] == InstanceState.DELIVERED:
                return self._await(transaction, row, order)
            return _Ending.LEFT
        has_lost_place = row["state"] == InstanceState.DISCARDED or row["code"] == UidConflict.code
        if has_lost_place and rows.others_of(
            connection, row["sop_instance_uid"], sequence=row["sequence"]
        ):
            return _Ending.LEFT
        if order.dry:
            return _Ending.DONE
        note(transaction, instance, order.verb, order.person)
        send_back(transaction, self._custody.blobs, instance)
        return _Ending.DONE

    def _await(self, transaction: Transaction, row: sqlite3.Row, order: _Order) -> _Ending:
        """Give the place of what was delivered free: its bytes are gone, its sender has them."""
        if not order.dry:
            note(transaction, InstanceId(row["id"]), order.verb, order.person)
            transitions.supersede(transaction.connection, InstanceId(row["id"]))
        return _Ending.AWAITED

    def _is_sealed(self, row: sqlite3.Row) -> bool:
        path = self._custody.blobs.clean / blob_name(InstanceId(row["id"]))
        return bool(row["blob_kept"]) and path.exists()

    def _path(self, instance: InstanceId) -> Path:
        return self._custody.blobs.received / blob_name(instance)

    def _delivered(self, selection: Selection) -> Sequence[InstanceId]:
        found = self._custody.read(
            "SELECT DISTINCT i.sequence, i.id, i.study_instance_uid, i.clean_study_instance_uid,"
            " i.blob_kept FROM instances i"
            " JOIN deliveries d ON d.instance_sequence = i.sequence"
            " WHERE i.state IN ('clean', 'delivered', 'withheld') AND i.superseded = 0"
            " AND (:destination IS NULL OR d.destination = :destination)"
            " AND (:since IS NULL OR d.settled_at >= :since) ORDER BY i.sequence",
            {"destination": selection.destination, "since": selection.since},
        )
        return self._of(found, selection)

    def _ended(self, selection: Selection) -> Sequence[InstanceId]:
        found = self._custody.read(
            "SELECT i.* FROM instances i WHERE (:since IS NULL OR i.received_at >= :since)"
            " AND i.state NOT IN ('received', 'held') AND i.superseded = 0"
            " AND (:destination IS NULL OR EXISTS (SELECT 1 FROM deliveries d"
            " WHERE d.instance_sequence = i.sequence AND d.destination = :destination))"
            " ORDER BY i.sequence",
            {"destination": selection.destination, "since": selection.since},
        )
        return self._of(found, selection)

    def _of(self, found: Sequence[sqlite3.Row], selection: Selection) -> Sequence[InstanceId]:
        return [
            InstanceId(row["id"])
            for row in found
            if (selection.instances is None or row["id"] in selection.instances)
            and (selection.studies is None or self._is_of(row, selection.studies))
        ]

    def _is_of(self, row: sqlite3.Row, studies: frozenset[str]) -> bool:
        if studies.intersection({row["study_instance_uid"], row["clean_study_instance_uid"]}):
            return True
        if row["study_instance_uid"] or not row["blob_kept"]:
            return False
        # A journal of before kept no Study Instance UID as sent: the bytes themselves say it.
        try:
            head = self._custody.blobs.files.open(self._path(InstanceId(row["id"])))[:HEAD_BYTES]
        except OSError:
            return False
        return lineage_in(head).study_instance_uid in studies


def send_back(transaction: Transaction, blobs: Blobs, instance: InstanceId) -> bool:
    """Let it walk again, what was sealed of it out of the way; call `remove_aside` afterwards."""
    for name in _seal_names(instance):
        sealed = blobs.clean / name
        if sealed.exists():
            # Out of the way of what a worker will seal under this name.
            transaction.place(sealed, _aside(blobs, name))
    return transitions.walk_again(transaction.connection, instance)


def remove_aside(blobs: Blobs, instance: InstanceId) -> None:
    """Remove what was sealed of it before, once the journal has committed."""
    for name in _seal_names(instance):
        _aside(blobs, name).unlink(missing_ok=True)


def _aside(blobs: Blobs, name: str) -> Path:
    return blobs.partial / f"{name}.old"


def _seal_names(instance: InstanceId) -> tuple[str, str]:
    return blob_name(instance), companion_name(instance)
