"""The instances that wait for a person.

A person may release one (it walks the corridor again, or is offered again to
the destination that refused it) or discard it. Both work beside a running
node, which notices within its next sweep.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from deid_node.dicom.bulk import Bulk
from deid_node.errors import InputError, UidConflict
from deid_node.spool import rows, transitions
from deid_node.spool.blobs import blob_name, intact
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb, note
from deid_node.spool.rows import doubts_from
from deid_node.values.geometry import DoubtedRegion
from deid_node.values.identity import InstanceId
from deid_node.values.state import InstanceState


@dataclass(frozen=True, slots=True)
class WithheldEntry:
    """One withheld instance, without anything of the patient."""

    id: InstanceId
    code: str
    reason: str
    rule: str | None
    peer: str
    sop_class_uid: str
    transfer_syntax: str
    size_bytes: int
    attempts: int
    received_at: datetime
    withheld_at: datetime
    regions: tuple[DoubtedRegion, ...] = ()
    """The boxes that it is withheld for, where it is for boxes."""
    held: bool = False
    """Whether a person has put it aside at the review desk."""
    series: str = field(default="", repr=False)
    """Its Series Instance UID as sent; empty where that is not known."""
    is_sample: bool = False
    """Whether it is not withheld, but was delivered, and is drawn for a look."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of them: all that is said must hold, and of each list any one.

    `instances` are ids, or how they begin; `study` is asked about the Study Instance UID
    that an instance was sent with; `since` is a Unix time.
    """

    instances: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    peers: frozenset[str] = frozenset()
    study: Callable[[str], bool] | None = None
    since: float | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is said, so that every one is meant."""
        return self == Choice()


class WorkList:
    """Lists, releases, discards and hands out withheld instances."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def entries(self) -> Sequence[WithheldEntry]:
        """Return what is withheld, oldest first."""
        rows = self._custody.read(
            "SELECT * FROM instances WHERE state = ? ORDER BY sequence", (InstanceState.WITHHELD,)
        )
        return [_entry_of(row) for row in rows]

    def entry(self, instance: str) -> WithheldEntry:
        """Return the entry of an id, or of how one alone begins; raise `InputError`."""
        return _entry_of(self._row(instance))

    def chosen(self, choice: Choice) -> Sequence[WithheldEntry]:
        """Return the entries that `choice` means, oldest first.

        Raises `InputError` for an id that is none, or that more than one begins with.
        """
        named = {self._row(one)["id"] for one in choice.instances}
        since = float("-inf") if choice.since is None else choice.since
        return [
            _entry_of(row)
            for row in self._custody.read(
                "SELECT * FROM instances WHERE state = ? ORDER BY sequence",
                (InstanceState.WITHHELD,),
            )
            if (not choice.instances or row["id"] in named)
            and (not choice.codes or row["code"] in choice.codes)
            and (not choice.rules or row["rule"] in choice.rules)
            and (not choice.peers or row["peer"] in choice.peers)
            and (choice.study is None or choice.study(row["study_instance_uid"] or ""))
            and row["changed_at"] >= since
        ]

    def content(self, instance: InstanceId, *, person: str) -> Bulk:
        """Return the bytes of the file as it was received, for `person`, and note that.

        Raises `InputError` when it is not withheld, `BlobDamaged`, `CustodyError`.
        """
        row = self._row(instance)
        blobs = self._custody.blobs
        content = intact(blobs.received / blob_name(instance), row["blob_sha256"], blobs.files)
        self._custody.write(
            lambda transaction: note(transaction, instance, Verb.EXPORT, person), name="export"
        )
        return content

    def release_all(
        self, instances: Sequence[InstanceId], *, person: str, instead: bool = False
    ) -> Mapping[InstanceId, str]:
        """Release many in one transaction; return which were left, each with the reason."""
        return self._each(instances, partial(release, person=person, instead=instead))

    def discard_all(
        self, instances: Sequence[InstanceId], *, person: str
    ) -> Mapping[InstanceId, str]:
        """Discard many in one transaction; return which were left, each with the reason."""
        return self._each(instances, partial(discard, person=person))

    def _each(
        self, instances: Sequence[InstanceId], do: Callable[[Transaction, InstanceId], None]
    ) -> Mapping[InstanceId, str]:
        def every(transaction: Transaction) -> Mapping[InstanceId, str]:
            left: dict[InstanceId, str] = {}
            for instance in instances:
                try:
                    # It refuses before it writes: the others are not touched by that.
                    do(transaction, instance)
                except InputError as error:
                    left[instance] = str(error)
            return left

        return self._custody.write(every)

    def _row(self, instance: str) -> sqlite3.Row:
        found = self._custody.read(
            "SELECT * FROM instances WHERE state = ? AND substr(id, 1, ?) = ? LIMIT 2",
            (InstanceState.WITHHELD, len(instance), instance),
        )
        if not found or not instance:
            raise InputError("no withheld instance of that id")
        if len(found) > 1:
            raise InputError(f"more than one id begins with {instance}")
        return found[0]

    def release(self, instance: InstanceId, *, person: str, instead: bool = False) -> None:
        """Give the instance back to the node, as `person` (a system user) decided.

        Where another instance has its SOP Instance UID, `instead` says that this one wins:
        what has not been delivered of the other is discarded, and what has been is to be
        replaced at its destinations. Raises `InputError` when it is not withheld, or in such
        a conflict and `instead` is not said.
        """
        self._custody.write(
            lambda transaction: release(transaction, instance, person=person, instead=instead)
        )

    def discard(self, instance: InstanceId, *, person: str) -> None:
        """Drop the instance for good, as `person` decided; raise `InputError` as `release`."""
        self._custody.write(lambda transaction: discard(transaction, instance, person=person))


def release(
    transaction: Transaction,
    instance: InstanceId,
    *,
    person: str,
    instead: bool = False,
    verb: Verb = Verb.RELEASE,
    at: float | None = None,
    detail: str | None = None,
) -> None:
    """Give it back to the node; as `WorkList.release`, and noted as `note` says."""
    connection = transaction.connection
    row = connection.execute(
        "SELECT sequence, code, clean_sha256, sop_instance_uid FROM instances"
        " WHERE id = ? AND state = ?",
        (instance, InstanceState.WITHHELD),
    ).fetchone()
    if row is None:
        raise InputError("no withheld instance of that id")
    others = rows.others_of(connection, row["sop_instance_uid"], sequence=row["sequence"])
    if row["code"] == UidConflict.code and others and not instead:
        # It would be delivered under the UID that other bytes already have.
        raise InputError("another instance has its UID: release it --instead, or discard it")
    if instead:
        for other in others:
            _give_way(transaction, other, person)
    note(transaction, instance, verb, person, at=at, detail=detail)
    transitions.release(connection, instance, sealed=row["clean_sha256"] is not None)


def discard(
    transaction: Transaction,
    instance: InstanceId,
    *,
    person: str,
    at: float | None = None,
    detail: str | None = None,
) -> None:
    """Drop it for good; as `WorkList.discard`, and noted as `note` says."""
    if not transitions.discard(transaction.connection, instance):
        raise InputError("no withheld instance of that id")
    note(transaction, instance, Verb.DISCARD, person, at=at, detail=detail)


def _give_way(transaction: Transaction, other: sqlite3.Row, person: str) -> None:
    """Let `other` have no place any more, because a person decided for another of its UID."""
    instance = InstanceId(other["id"])
    if transitions.supersede(transaction.connection, instance):
        return
    note(transaction, instance, Verb.DISCARD, person)
    transitions.give_way(transaction.connection, instance)


def _entry_of(row: sqlite3.Row) -> WithheldEntry:
    return WithheldEntry(
        id=InstanceId(row["id"]),
        code=row["code"],
        reason=row["reason"],
        rule=row["rule"],
        peer=row["peer"],
        sop_class_uid=row["sop_class_uid"],
        transfer_syntax=row["transfer_syntax"],
        size_bytes=row["blob_size_bytes"],
        attempts=row["attempts"],
        received_at=datetime.fromtimestamp(row["received_at"], UTC),
        withheld_at=datetime.fromtimestamp(row["changed_at"], UTC),
        regions=doubts_from(row),
        held=bool(row["held"]),
        series=row["series_instance_uid"],
    )
