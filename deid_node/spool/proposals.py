"""Fixed regions that are proposed for a device, by a person or by what was filled so far.

A proposal changes nothing: an admin of the review desk accepts or refuses it, once. What
was refused stays here, so that it is not proposed again and again. It says makers, models,
boxes and counts, and nothing of a patient.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from time import time
from typing import Any, Final

from pydantic import TypeAdapter

from deid_node.errors import InputError
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb, note
from deid_node.values.device import Device
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId

MOST_FILLED: Final = 300
"""Different boxes that a proposal tells of, the most frequent."""


class ProposedBy(StrEnum):
    """Who has seen it."""

    PERSON = "person"
    FILLS = "fills"


class ProposalState(StrEnum):
    """What became of it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Place:
    """A box that is proposed: the smallest around all that was filled there.

    It was filled in `instances` of `studies`; its edges lay up to `spread_pixels` apart.
    """

    box: Box
    instances: int
    studies: int
    spread_pixels: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What is proposed, and the evidence for it.

    `instances` of `studies` of the device were looked at. `filled` are the boxes that were
    filled in them, each with how often. `sample` is one of the instances.
    """

    device: Device
    places: tuple[Place, ...]
    filled: tuple[tuple[Box, int], ...]
    instances: int
    studies: int
    sample: InstanceId


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft under its number; `person` is who proposed it, empty where nobody did."""

    number: int
    draft: Draft
    proposed_by: ProposedBy
    person: str
    at: datetime
    state: ProposalState
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the journal knows of the pixels of an instance that was sealed.

    `study` is its new Study Instance UID; `boxes` are those that were filled, on any frame,
    but for those that a rule filled.
    """

    sequence: int
    id: InstanceId
    study: str
    device: Device
    boxes: tuple[Box, ...]


_DRAFT: Final = TypeAdapter(Draft)
_DEVICE: Final = TypeAdapter(Device | None)
_BOX: Final = TypeAdapter(Box)
_BY_RULE: Final = "device_rule"


class Proposals:
    """The proposals of a spool; any thread may call. Every method may raise `CustodyError`."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def all(self) -> Sequence[Proposal]:
        """Return every proposal, the newest first."""
        rows = self._custody.read("SELECT * FROM proposals ORDER BY sequence DESC")
        return [_proposal_of(row) for row in rows]

    def get(self, number: int) -> Proposal:
        """Return one that is open; raise `InputError` where there is none of that number."""
        rows = self._custody.read(
            "SELECT * FROM proposals WHERE sequence = ? AND state = ?",
            (number, ProposalState.OPEN),
        )
        if not rows:
            raise InputError("it was decided on already, or is proposed no more")
        return _proposal_of(rows[0])

    def propose(self, draft: Draft, person: str) -> None:
        """Write down what `person` proposes, and that they did."""

        def write(transaction: Transaction) -> None:
            _insert(transaction, draft, ProposedBy.PERSON, person)
            _note(transaction, draft, Verb.PROPOSE_REGIONS, person)

        self._custody.write(write)

    def learn(self, drafts: Sequence[Draft]) -> None:
        """Let `drafts` be all that is proposed by what was filled, one for each device.

        Those that were decided on stay as they are, and those that are open keep their number.
        """

        def write(transaction: Transaction) -> None:
            connection = transaction.connection
            wanted = {_device_json(draft.device): draft for draft in drafts}
            for row in connection.execute(
                "SELECT sequence, device FROM proposals WHERE state = ? AND proposed_by = ?",
                (ProposalState.OPEN, ProposedBy.FILLS),
            ).fetchall():
                draft = wanted.pop(row["device"], None)
                if draft is None:
                    connection.execute(
                        "DELETE FROM proposals WHERE sequence = ?", (row["sequence"],)
                    )
                else:
                    connection.execute(
                        "UPDATE proposals SET draft = ? WHERE sequence = ?",
                        (_DRAFT.dump_json(draft).decode(), row["sequence"]),
                    )
            for draft in wanted.values():
                _insert(transaction, draft, ProposedBy.FILLS, "")

        self._custody.write(write)

    def settle(self, number: int, person: str, *, accepted: bool) -> None:
        """Record that `person` accepted or refused it; raise `InputError` as `get`."""
        proposal = self.get(number)

        def write(transaction: Transaction) -> None:
            state = ProposalState.ACCEPTED if accepted else ProposalState.REFUSED
            changed = transaction.connection.execute(
                "UPDATE proposals SET state = ?, decided_by = ?, decided_at = ?"
                " WHERE sequence = ? AND state = ?",
                (state, person, time(), number, ProposalState.OPEN),
            )
            if not changed.rowcount:
                raise InputError("it was decided on already")
            verb = Verb.ACCEPT_REGIONS if accepted else Verb.REFUSE_REGIONS
            _note(transaction, proposal.draft, verb, person)

        self._custody.write(write)

    def sealed(self, *, before: int | None, limit: int) -> Sequence[Sealed]:
        """Return up to `limit` sealed instances of known devices, the newest first.

        `before` is the sequence of the last that was returned, None for the beginning.
        """
        rows = self._custody.read(
            "SELECT sequence, id, clean_study_instance_uid AS study,"
            " json_extract(report, '$.device') AS device,"
            " json_extract(report, '$.regions') AS regions FROM instances"
            " WHERE report IS NOT NULL AND (? IS NULL OR sequence < ?)"
            " ORDER BY sequence DESC LIMIT ?",
            (before, before, limit),
        )
        return [_sealed_of(row) for row in rows]


def _insert(transaction: Transaction, draft: Draft, by: ProposedBy, person: str) -> None:
    transaction.connection.execute(
        "INSERT INTO proposals (device, draft, proposed_by, person, proposed_at, state)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(_device_json(draft.device), _DRAFT.dump_json(draft).decode(), by, person),
            *(time(), ProposalState.OPEN),
        ),
    )


def _note(transaction: Transaction, draft: Draft, verb: Verb, person: str) -> None:
    boxes = [_edges(place.box) for place in draft.places]
    detail: dict[str, Any] = {"device": json.loads(_device_json(draft.device)), "boxes": boxes}
    note(transaction, draft.sample, verb, person, detail=json.dumps(detail))


def _edges(box: Box) -> list[int]:
    return [box.left, box.top, box.right, box.bottom]


def _device_json(device: Device) -> str:
    return _DEVICE.dump_json(device).decode()


def _proposal_of(row: sqlite3.Row) -> Proposal:
    return Proposal(
        number=row["sequence"],
        draft=_DRAFT.validate_json(row["draft"]),
        proposed_by=ProposedBy(row["proposed_by"]),
        person=row["person"],
        at=datetime.fromtimestamp(row["proposed_at"], UTC),
        state=ProposalState(row["state"]),
        decided_by=row["decided_by"],
    )


def _sealed_of(row: sqlite3.Row) -> Sealed:
    device = _DEVICE.validate_json(row["device"] or "null")
    regions: Collection[dict[str, Any]] = json.loads(row["regions"] or "[]")
    return Sealed(
        sequence=row["sequence"],
        id=InstanceId(row["id"]),
        study=row["study"] or "",
        device=device or Device("", "", "", 0, 0),
        boxes=tuple(
            sorted(
                {
                    _BOX.validate_python(region["box"])
                    for region in regions
                    if region["source"] != _BY_RULE
                }
            )
        ),
    )
