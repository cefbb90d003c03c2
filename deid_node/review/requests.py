"""What a browser sends, read without trust: forms, and boxes as JSON."""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from deid_node.errors import InputError
from deid_node.review.guard import MOST_BODY_BYTES
from deid_node.review.series import MOST_AT_ONCE
from deid_node.values.geometry import Box
from deid_node.values.markings import MOST_BOXES, Marking, Markings

MOST_FIELDS: Final = 20
_Edge = Annotated[int, Field(ge=0, le=1_000_000)]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SentBox(_Sent):
    """A box of one frame; `frame` null means every frame."""

    frame: _Edge | None
    left: _Edge
    top: _Edge
    right: _Edge
    bottom: _Edge


class SentBoxes(_Sent):
    """What is filled, and what stays."""

    fill: Annotated[tuple[SentBox, ...], Field(max_length=MOST_BOXES)] = ()
    stays: Annotated[tuple[SentBox, ...], Field(max_length=MOST_BOXES)] = ()

    def markings(self) -> Markings:
        """Return them as the corridor takes them; raise `InputError`."""
        try:
            return Markings(tuple(map(_marking, self.fill)), tuple(map(_marking, self.stays)))
        except ValueError:
            raise InputError("that is no box") from None


class SentProposal(_Sent):
    """What is to be filled on everything that comes of a device."""

    fill: Annotated[tuple[SentBox, ...], Field(max_length=MOST_BOXES)] = ()


class SentPreview(SentBoxes):
    """A request for a frame as it would be delivered."""

    at: _Edge


class SentDecision(SentBoxes):
    """A decision."""

    verb: str
    reason: str | None = None
    rest: Annotated[tuple[str, ...], Field(max_length=MOST_AT_ONCE)] = ()
    """What else it counts for, of the same series: as many as the person was told of."""


async def body_of(request: Request) -> bytes:
    """Return what was sent; raise `InputError` where it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise InputError("too long")
    return bytes(body)


def form_of(body: bytes) -> Mapping[str, str]:
    """Return the fields of a form; raise `InputError`."""
    try:
        return dict(parse_qsl(body.decode("utf-8"), max_num_fields=MOST_FIELDS))
    except ValueError:
        raise InputError("that is no form") from None


def preview_of(body: bytes) -> SentPreview:
    """Return the request for a preview; raise `InputError`."""
    try:
        return SentPreview.model_validate_json(body)
    except ValidationError:
        raise InputError("that is no request for a picture") from None


def boxes_of(body: bytes) -> tuple[Box, ...]:
    """Return what is proposed to be filled; raise `InputError`."""
    try:
        return tuple(_marking(one).box for one in SentProposal.model_validate_json(body).fill)
    except ValueError:
        raise InputError("that is no proposal") from None


def decision_of(body: bytes) -> SentDecision:
    """Return the decision; raise `InputError`."""
    try:
        return SentDecision.model_validate_json(body)
    except ValidationError:
        raise InputError("that is no decision") from None


def _marking(sent: SentBox) -> Marking:
    return Marking(sent.frame, Box(sent.left, sent.top, sent.right, sent.bottom))
