"""What was decided at the review desk and can still be taken back.

A decision waits here, in the journal, until it is due: what an archive has cannot be
undone. Until then its instance is withheld like before. What is due is carried out by
the node, also after a restart in between, in the name of the person and with the time
at which they decided.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import time
from typing import Final

from deid_node.errors import InputError
from deid_node.spool import withheld
from deid_node.spool.blobs import blob_name
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb, note
from deid_node.spool.rows import (
    doubts_from,
    markings_from,
    markings_json,
    received_from,
)
from deid_node.spool.withheld import WithheldEntry, WorkList
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId
from deid_node.values.markings import Markings
from deid_node.values.order import WorkOrder
from deid_node.values.state import InstanceState

CHOICES: Final = (Verb.FILL, Verb.NO_TEXT, Verb.RELEASE, Verb.DISCARD, Verb.HOLD)
"""What can be decided at the desk."""

_MARKING: Final = frozenset({Verb.FILL, Verb.NO_TEXT})


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decided about one instance; `reason` is a code of why it is discarded.

    `markings` go with `Verb.FILL` and `Verb.NO_TEXT` and with nothing else. `sample` is the
    instance that the person looked at, where they decided about several at once; else None.
    """

    instance: InstanceId
    verb: Verb
    person: str
    reason: str | None = None
    markings: Markings | None = None
    sample: InstanceId | None = None

    def __post_init__(self) -> None:
        if self.verb not in CHOICES:
            raise ValueError("not decided at the desk")
        if (self.markings is not None) is not (self.verb in _MARKING):
            raise ValueError("markings go with a decision about pixels, and with no other")


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A decision that holds now; `sender` is whose turn the instance has if it walks."""

    instance: InstanceId
    verb: Verb
    sender: str


class Desk:
    """Stages, takes back and carries out what people decide; every change is on disk.

    Any thread may call. Every method may raise `CustodyError`.
    """

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._withheld = WorkList(custody)

    def entries(self) -> Sequence[WithheldEntry]:
        """Return what is withheld and not decided on, oldest first."""
        staged = {choice.instance for choice in self.staged()}
        return [entry for entry in self._withheld.entries() if entry.id not in staged]

    def entry(self, instance: InstanceId) -> WithheldEntry:
        """Return one withheld instance; raise `InputError` where there is none of that id."""
        return self._withheld.entry(instance)

    def order(self, instance: InstanceId, markings: Markings | None = None) -> WorkOrder:
        """Return what a worker would be handed for it with `markings`; nothing is claimed.

        Raises `InputError` where it is not withheld.
        """
        blobs = self._custody.blobs
        found = self._custody.read(
            "SELECT * FROM instances WHERE id = ? AND state = ?",
            (instance, InstanceState.WITHHELD),
        )
        if not found:
            raise InputError("no withheld instance of that id")
        return WorkOrder(
            id=instance,
            attempt=1,
            blob=blobs.received / blob_name(instance),
            output=blobs.partial / f"{instance}.preview",
            origin=received_from(found[0]).origin,
            markings=markings,
        )

    def stage(self, choice: Choice, *, wait_seconds: float) -> None:
        """Write down `choice`, due after `wait_seconds`.

        Raises `InputError` where the instance is not withheld, somebody has decided about
        it already, or it has been sealed and pixels are spoken of.
        """
        now = time()
        self._custody.write(
            lambda transaction: _stage(transaction, choice, at=now, due_at=now + wait_seconds)
        )

    def stage_alike(
        self, choice: Choice, others: Sequence[InstanceId], *, wait_seconds: float
    ) -> int:
        """Write down `choice` for its own instance and for `others`, or for none of them.

        Returns for how many. Of the others those are left out that are not withheld any
        more, or that somebody has decided about; raises `InputError` as `stage` for its own.
        """
        now, sample = time(), choice.instance

        def write(transaction: Transaction) -> int:
            count = 0
            for instance in (sample, *others):
                one = replace(choice, instance=instance, sample=sample)
                try:
                    _stage(transaction, one, at=now, due_at=now + wait_seconds)
                except InputError:
                    # It refuses before it writes.
                    if instance == sample:
                        raise
                else:
                    count += 1
            return count

        return self._custody.write(write)

    def staged(self) -> Sequence[Choice]:
        """Return what waits to be carried out, the oldest first."""
        found = self._custody.read("SELECT * FROM staged ORDER BY staged_at, instance_id")
        return [_choice_of(row) for row in found]

    def undo(self, person: str) -> InstanceId | None:
        """Take back the newest decision of `person` that is not carried out; None: there is none.

        One about several is taken back for all of them that still wait; what comes back is
        the one that was looked at. Nobody takes back what another has decided.
        """

        def write(transaction: Transaction) -> InstanceId | None:
            row = transaction.connection.execute(
                "SELECT instance_id, sample, staged_at FROM staged WHERE person = ?"
                " ORDER BY staged_at DESC, instance_id LIMIT 1",
                (person,),
            ).fetchone()
            if row is None:
                return None
            transaction.connection.execute(
                "DELETE FROM staged WHERE instance_id = ?"
                " OR (sample = ? AND person = ? AND staged_at = ?)",
                (row["instance_id"], row["sample"], person, row["staged_at"]),
            )
            return InstanceId(row["sample"] or row["instance_id"])

        return self._custody.write(write)

    def carry_out(self, *, everything: bool = False) -> Sequence[CarriedOut]:
        """Carry out what is due, or `everything`, and return it.

        What is no longer withheld, or cannot be released, stays as it is: the decision is
        forgotten, and whoever looks sees the instance where it was.
        """
        due = self._custody.read(
            "SELECT * FROM staged WHERE due_at <= ? ORDER BY staged_at, instance_id",
            (float("inf") if everything else time(),),
        )
        done = []
        for row in due:
            instance = InstanceId(row["instance_id"])
            try:
                carried = self._custody.write(partial(_settle, instance=instance))
            except InputError:
                self._custody.write(partial(_forget, instance=instance))
                continue
            if carried is not None:
                done.append(carried)
        return done

    def note_look(self, instance: InstanceId, person: str, *, keywords: Sequence[str]) -> None:
        """Write down that `person` was shown what stands in attributes of a withheld instance."""
        self._custody.write(
            lambda transaction: note(
                transaction,
                instance,
                Verb.SHOW_VALUES,
                person,
                detail=json.dumps({"attributes": list(keywords)}),
            )
        )


def _stage(transaction: Transaction, choice: Choice, *, at: float, due_at: float) -> None:
    """Write one decision down; raise `InputError`, with nothing written."""
    connection = transaction.connection
    row = connection.execute(
        "SELECT clean_sha256 FROM instances WHERE id = ? AND state = ?",
        (choice.instance, InstanceState.WITHHELD),
    ).fetchone()
    if row is None:
        raise InputError("no withheld instance of that id")
    if choice.markings is not None and row["clean_sha256"] is not None:
        raise InputError("it is sealed already: its pixels are not decided on any more")
    columns = {
        "instance_id": choice.instance,
        "verb": choice.verb,
        "person": choice.person,
        "reason": choice.reason,
        "markings": markings_json(choice.markings),
        "sample": choice.sample,
        "staged_at": at,
        "due_at": due_at,
    }
    written = connection.execute(
        f"INSERT OR IGNORE INTO staged ({', '.join(columns)})"  # noqa: S608
        f" VALUES ({', '.join('?' * len(columns))})",
        tuple(columns.values()),
    )
    if written.rowcount == 0:
        raise InputError("it has been decided on already")


def _settle(transaction: Transaction, instance: InstanceId) -> CarriedOut | None:
    """Carry one decision out; None where it was taken back in this moment."""
    connection = transaction.connection
    staged = connection.execute(
        "SELECT * FROM staged WHERE instance_id = ?", (instance,)
    ).fetchone()
    row = connection.execute("SELECT * FROM instances WHERE id = ?", (instance,)).fetchone()
    if staged is None or row is None:
        return None
    choice, at = _choice_of(staged), staged["staged_at"]
    if row["changed_at"] > at:
        # It walked meanwhile: what was decided about is not what waits now.
        raise InputError("it has changed since it was decided on")
    detail = _detail(choice, row)
    _forget(transaction, instance)
    match choice.verb:
        case Verb.DISCARD:
            withheld.discard(transaction, instance, person=choice.person, at=at, detail=detail)
        case Verb.HOLD:
            changed = connection.execute(
                "UPDATE instances SET held = 1 WHERE id = ? AND state = ?",
                (instance, InstanceState.WITHHELD),
            )
            if changed.rowcount == 0:
                raise InputError("no withheld instance of that id")
            note(transaction, instance, choice.verb, choice.person, at=at, detail=detail)
        case _:
            withheld.release(
                transaction,
                instance,
                person=choice.person,
                verb=choice.verb,
                at=at,
                detail=detail,
            )
            if choice.markings is not None:
                connection.execute(
                    "UPDATE instances SET markings = ? WHERE id = ?",
                    (markings_json(choice.markings), instance),
                )
    return CarriedOut(instance, choice.verb, row["sender"])


def _forget(transaction: Transaction, instance: InstanceId) -> None:
    transaction.connection.execute("DELETE FROM staged WHERE instance_id = ?", (instance,))


def _detail(choice: Choice, row: sqlite3.Row) -> str | None:
    """Return, in numbers and codes, what stood before and what was decided."""
    said: dict[str, object] = {}
    if choice.reason is not None:
        said["reason"] = choice.reason
    if choice.markings is not None:
        said["before"] = [_numbers(one.frame, one.box) for one in doubts_from(row)]
        said["fill"] = [_numbers(one.frame, one.box) for one in choice.markings.fill]
        said["stays"] = [_numbers(one.frame, one.box) for one in choice.markings.stays]
    if choice.sample is not None:
        # It was decided about several at once, by a look at this one.
        said["sample"] = choice.sample
    return json.dumps(said) if said else None


def _numbers(frame: int | None, box: Box) -> list[int | None]:
    return [frame, box.left, box.top, box.right, box.bottom]


def _choice_of(row: sqlite3.Row) -> Choice:
    return Choice(
        instance=InstanceId(row["instance_id"]),
        verb=Verb(row["verb"]),
        person=row["person"],
        reason=row["reason"],
        markings=markings_from(row),
        sample=None if row["sample"] is None else InstanceId(row["sample"]),
    )
