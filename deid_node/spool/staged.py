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
from pathlib import Path
from time import time

from deid_node.errors import InputError
from deid_node.spool import withheld
from deid_node.spool.again import remove_aside, send_back
from deid_node.spool.agreements import Agreements
from deid_node.spool.beside import in_series
from deid_node.spool.blobs import Blobs, blob_name
from deid_node.spool.choices import AGAIN, Choice, choice_of, detail_of, stage
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb, note
from deid_node.spool.rows import (
    markings_from,
    markings_json,
    received_from,
)
from deid_node.spool.samples import LookState, Samples, entry_of, is_awaited, settle
from deid_node.spool.withheld import WithheldEntry, WorkList
from deid_node.values.identity import InstanceId
from deid_node.values.markings import Markings
from deid_node.values.order import WorkOrder
from deid_node.values.state import InstanceState


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A decision that holds now; `sender` is whose turn the instance has if it `walks`."""

    instance: InstanceId
    verb: Verb
    sender: str
    walks: bool


class Desk:
    """Stages, takes back and carries out what people decide; every change is on disk.

    Any thread may call. Every method may raise `CustodyError`.
    """

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._withheld = WorkList(custody)
        self.samples = Samples(custody)
        self.agreements = Agreements(custody)

    def entries(self) -> Sequence[WithheldEntry]:
        """Return what is withheld or a sample, and not decided on, oldest first."""
        staged = {choice.instance for choice in self.staged()}
        entries = (*self._withheld.entries(), *map(entry_of, self.samples.rows()))
        return [entry for entry in entries if entry.id not in staged]

    def entry(self, instance: InstanceId) -> WithheldEntry:
        """Return one that is withheld or a sample; `InputError` where there is none of that id."""
        rows = self.samples.rows(instance)
        return entry_of(rows[0]) if rows else self._withheld.entry(instance)

    def order(self, instance: InstanceId, markings: Markings | None = None) -> WorkOrder:
        """Return what a worker would be handed for it with `markings`; nothing is claimed.

        Raises `InputError` where it is neither withheld nor a sample.
        """
        blobs = self._custody.blobs
        found = self._custody.read(
            "SELECT * FROM instances WHERE id = ? AND state = ?",
            (instance, InstanceState.WITHHELD),
        ) or list(self.samples.rows(instance))
        if not found:
            raise InputError("no withheld instance of that id")
        return WorkOrder(
            id=instance,
            attempt=1,
            blob=blobs.received / blob_name(instance),
            output=blobs.partial / f"{instance}.preview",
            origin=received_from(found[0]).origin,
            markings=markings,
            series=in_series(self._custody.read, found[0], blobs.received),
        )

    def sealed(self, instance: InstanceId) -> Path:
        """Return where the bytes of a sample lie that were delivered."""
        return self._custody.blobs.clean / blob_name(instance)

    def stage(self, choice: Choice, *, wait_seconds: float) -> None:
        """Write down `choice`, due after `wait_seconds`.

        Raises `InputError` where the instance is not withheld, somebody has decided about
        it already, or it has been sealed and pixels are spoken of.
        """
        now = time()
        self._custody.write(
            lambda transaction: stage(transaction, choice, at=now, due_at=now + wait_seconds)
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
                    stage(transaction, one, at=now, due_at=now + wait_seconds)
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
        return [choice_of(row) for row in found]

    def undo(self, person: str) -> InstanceId | None:
        """Take back the newest decision of `person` that is not carried out; None: there is none.

        One about several is taken back for all of them that still wait; what comes back is
        the one that was looked at. Nobody takes back what another has decided; who agreed to
        that takes back the agreement.
        """

        def write(transaction: Transaction) -> InstanceId | None:
            row = transaction.connection.execute(
                "SELECT *, CASE WHEN agreed_by = ? THEN agreed_at ELSE staged_at END AS moment"
                " FROM staged WHERE person = ? OR agreed_by = ?"
                " ORDER BY moment DESC, instance_id LIMIT 1",
                (person, person, person),
            ).fetchone()
            if row is None:
                return None
            if row["agreed_by"] == person:
                transaction.connection.execute(
                    "UPDATE staged SET agreed_by = NULL, agreed_at = NULL"
                    " WHERE agreed_by = ? AND agreed_at = ?",
                    (person, row["agreed_at"]),
                )
                return InstanceId(row["sample"] or row["instance_id"])
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
            "SELECT * FROM staged WHERE due_at <= ?"
            " AND (needs_second = 0 OR agreed_by IS NOT NULL) ORDER BY staged_at, instance_id",
            (float("inf") if everything else time(),),
        )
        done = []
        for row in due:
            instance = InstanceId(row["instance_id"])
            try:
                carried = self._custody.write(
                    partial(_settle, blobs=self._custody.blobs, instance=instance)
                )
            except InputError:
                self._custody.write(partial(_forget, instance=instance))
                continue
            if carried is not None:
                done.append(carried)
                remove_aside(self._custody.blobs, instance)
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


def _settle(transaction: Transaction, blobs: Blobs, instance: InstanceId) -> CarriedOut | None:
    """Carry one decision out; None where it was taken back in this moment."""
    connection = transaction.connection
    staged = connection.execute(
        "SELECT * FROM staged WHERE instance_id = ?", (instance,)
    ).fetchone()
    row = connection.execute("SELECT * FROM instances WHERE id = ?", (instance,)).fetchone()
    if staged is None or row is None:
        return None
    choice, at = choice_of(staged), staged["staged_at"]
    if row["changed_at"] > at:
        # It walked meanwhile: what was decided about is not what waits now.
        raise InputError("it has changed since it was decided on")
    detail = detail_of(choice, row)
    walks = True
    _forget(transaction, instance)
    match choice.verb:
        case Verb.DISCARD:
            withheld.discard(transaction, instance, person=choice.person, at=at, detail=detail)
            walks = False
        case Verb.NOTHING_MISSED | Verb.MISSED:
            note(transaction, instance, choice.verb, choice.person, at=at, detail=detail)
            walks = _look(transaction, blobs, choice, row)
        case Verb.HOLD:
            walks = False
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
    return CarriedOut(instance, choice.verb, row["sender"], walks)


def _look(transaction: Transaction, blobs: Blobs, choice: Choice, row: sqlite3.Row) -> bool:
    """Record what was seen in a sample; return whether it walks again, and let it."""
    connection, instance = transaction.connection, choice.instance
    if not is_awaited(connection, instance):
        raise InputError("no look at it is awaited any more")
    is_missed = choice.verb is Verb.MISSED
    settle(connection, instance, LookState.MISSED if is_missed else LookState.NOTHING_MISSED)
    if not is_missed or choice.reason != AGAIN or choice.markings is None:
        return False
    # What somebody decided about it before still counts.
    before = markings_from(row) or Markings()
    both = Markings((*before.fill, *choice.markings.fill), before.stays)
    send_back(transaction, blobs, instance)
    connection.execute(
        "UPDATE instances SET markings = ? WHERE id = ?", (markings_json(both), instance)
    )
    return True


def _forget(transaction: Transaction, instance: InstanceId) -> None:
    transaction.connection.execute("DELETE FROM staged WHERE instance_id = ?", (instance,))
