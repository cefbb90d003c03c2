"""What an answer to STOW-RS means for each instance that was sent.

The UIDs of the answer decide, whatever the status in front of it: an instance is delivered
when it stands in the Referenced SOP Sequence, and for no other reason. Servers say 200 to
what they did not read, and 409 to what they have stored in part.

Where an answer names none of the instances, its status speaks for all of them: the request
as a whole was too large, or came at a bad time, or was not understood. Then smaller requests
may tell which instance it is that the archive chokes on.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from deid_node.dicom.web.store_answer import AnswerUnreadable, StoreAnswer, answer_in
from deid_node.errors import InstanceTooLarge
from deid_node.forward.statuses import StoreStatus, result_of
from deid_node.forward.stow.link import WebAnswer
from deid_node.values.delivery import DeliveryResult

LONGEST_PAUSE_SECONDS: Final = 3600.0
"""No archive may ask us to wait for longer."""

SYNTAX_NOT_SUPPORTED: Final = frozenset({0xC122, HTTPStatus.UNSUPPORTED_MEDIA_TYPE.value})
"""Referenced Transfer Syntax not supported (PS3.18 I.2.2), or the same by status."""

# Failure Reasons beside those of C-STORE, as one cloud gives them: it has an instance of the
# same UIDs, or somebody is storing it just now.
_STORED_ALREADY: Final = 0xB00E
_BUSY: Final = frozenset({408, 425, 429})
# What a smaller request may answer better.
_HALVED: Final = frozenset({400, 408, 409, 413, 415, 500})
# What blames an instance that is alone, unless it may be our configuration that is not understood.
_BLAMING: Final = frozenset({400, 415})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one instance; `status` is a Warning or Failure Reason, or that of HTTP.

    `code` is that of an error of ours, `pause_seconds` how long the archive asks us to wait.
    """

    result: DeliveryResult
    status: int | None = None
    code: str | None = None
    pause_seconds: float | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the archive has it."""
        return self.result in {DeliveryResult.DELIVERED, DeliveryResult.WARNING}


@dataclass(frozen=True, slots=True)
class Whole:
    """What is said of a request as a whole: `alone` holds for an instance that was alone in it.

    `divides`: smaller requests may get better answers, so it holds for no other.
    """

    alone: Verdict
    divides: bool


RETRY: Final = Verdict(DeliveryResult.RETRY)
REFUSED: Final = Verdict(DeliveryResult.REFUSED)
LOST: Final = Whole(RETRY, divides=True)
"""Of a request whose answer did not come."""


def judged(
    answer: WebAnswer, uids: Collection[str], *, has_taken: bool, now: datetime | None = None
) -> Mapping[str, Verdict] | Whole:
    """Return what `answer` says of each of `uids`, or of the request as a whole.

    `has_taken`: the archive has taken something of us before, so that it is not our
    configuration that it does not understand.
    """
    try:
        said = answer_in(answer.content)
    except AnswerUnreadable:
        said = StoreAnswer()
    stored = {one.sop_instance_uid: one.warning for one in said.stored}
    failed = {one.sop_instance_uid: one.reason for one in said.failed}
    if not (stored.keys() | failed.keys()).isdisjoint(uids):
        return {uid: _verdict(uid, stored, failed) for uid in uids}
    return _whole(answer, has_taken=has_taken, now=now or datetime.now(UTC))


def _verdict(
    uid: str, stored: Mapping[str, int | None], failed: Mapping[str, int | None]
) -> Verdict:
    if (uid in stored) is (uid in failed):
        # Of one that stands nowhere, or in both, nothing is known.
        return RETRY
    if uid in stored:
        warning = stored[uid]
        if warning is None:
            return Verdict(DeliveryResult.DELIVERED)
        return Verdict(DeliveryResult.WARNING, warning)
    return result_of_failure(failed[uid])


def result_of_failure(reason: int | None) -> Verdict:
    """Return what a Failure Reason (0008,1197) means; None where the archive gives none.

    Source
    ------
    PS3.18 Table I.2-2: the reasons are the statuses of C-STORE, and mean the same. That of
    an instance that the archive has already, under the UIDs that are ours alone, is the one
    whose answer never came.
    """
    if reason is None:
        return RETRY
    if reason in {_STORED_ALREADY, StoreStatus.DUPLICATE_SOP_INSTANCE}:
        return Verdict(DeliveryResult.WARNING, reason)
    result = result_of(reason)
    # Success or a warning among the failures says two things at once.
    contradicts = result in {DeliveryResult.DELIVERED, DeliveryResult.WARNING}
    return Verdict(DeliveryResult.RETRY if contradicts else result, reason)


def _whole(answer: WebAnswer, *, has_taken: bool, now: datetime) -> Whole:
    status = answer.status
    result, code, pause_seconds = DeliveryResult.RETRY, None, None
    if status in _BLAMING and has_taken:
        result = DeliveryResult.REFUSED
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        result, code = DeliveryResult.REFUSED, InstanceTooLarge.code
    if status in _BUSY or status >= 500:
        pause_seconds = _pause_seconds(answer.headers, now)
    divides = status in _HALVED or 200 <= status < 300
    return Whole(Verdict(result, status, code, pause_seconds), divides)


def _pause_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how long Retry-After asks us to wait, in either form; None where it does not.

    A date counts from the archive's own clock, where it tells it. Source: RFC 9110 10.2.3.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(float(asked[:9]), LONGEST_PAUSE_SECONDS)
    until, since = _moment(asked), _moment(headers.get("date", "")) or now
    if until is None:
        return None
    return min(max(0.0, (until - since).total_seconds()), LONGEST_PAUSE_SECONDS)


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
