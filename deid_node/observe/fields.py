"""The fields a log line may carry: a closed list, each with the shape its values must have.

`LogFields` is the one place to add a field. The type checker reads it (a key
that is not here is an error at the call), and so does the log at run time: an
unknown key is dropped, and a value that does not have the shape of its kind is
replaced (`deid_node.observe.redact`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, TypedDict, get_type_hints


class Kind(StrEnum):
    """The shapes of values; `redact` holds the pattern of each."""

    TOKEN = "token"  # noqa: S105 - a shape, not a secret
    """An identifier of our own: 16 hexadecimal digits, or digits with at least one small letter."""
    NAME = "name"
    """A name that the configuration gave: letters, digits, ``_ . -``, at least one letter."""
    CODE = "code"
    """A word of our own source code: lower-case letters, digits, underscore."""
    VERSION = "version"
    """A version (``0.1.0``, ``2026c``) or the name of a model or type (``crnn-0.1.0``)."""
    STANDARD_UID = "standard_uid"
    """A UID that the DICOM Standard registers (``1.2.840.10008.``)."""
    ADDRESS = "address"
    """An IP address (``10.1.0.5``, ``fd00::5``)."""
    TITLE = "title"
    """An AE title as a caller says it (``CT_ONE``); only where a site asks for it."""
    TEXT = "text"
    """The text of an error of ours; what looks like a value in it is masked."""
    STATUS = "status"
    """A DIMSE status, written as ``0xA700``."""
    COUNT = "count"
    """A whole number, zero or more."""
    NUMBER = "number"
    """A finite number."""
    FLAG = "flag"
    """True or false."""


@dataclass(frozen=True, slots=True)
class Field:
    """The kind of a field's values and its line in the operator's handbook."""

    kind: Kind
    meaning: str


class LogFields(TypedDict, total=False):
    """Every key a log line may carry; a key whose value is None is left out of the line."""

    instance: Annotated[str | None, Field(Kind.TOKEN, "random id of the instance")]
    association: Annotated[
        str | None, Field(Kind.TOKEN, "our id of the association, or of the request")
    ]
    peer: Annotated[str | None, Field(Kind.NAME, "configured name of the sender, or any")]
    listener: Annotated[
        str | None, Field(Kind.NAME, "configured name of the port, where there are several")
    ]
    caller: Annotated[str | None, Field(Kind.ADDRESS, "IP address of one who was turned away")]
    calling_ae: Annotated[
        str | None, Field(Kind.TITLE, "AE title it gave itself, under `receive.log_ae_titles`")
    ]
    called_ae: Annotated[
        str | None, Field(Kind.TITLE, "AE title it called, under `receive.log_ae_titles`")
    ]
    destination: Annotated[str | None, Field(Kind.NAME, "configured name of the destination")]
    rule: Annotated[str | None, Field(Kind.NAME, "name of the routing rule")]
    treatment: Annotated[str | None, Field(Kind.NAME, "name of the treatment")]
    code: Annotated[str | None, Field(Kind.CODE, "stable code of what went wrong")]
    reason: Annotated[str | None, Field(Kind.TEXT, "text of our own error, without values")]
    http_status: Annotated[int | None, Field(Kind.COUNT, "status of HTTP as answered")]
    status: Annotated[int | None, Field(Kind.STATUS, "DIMSE status as answered or received")]
    state: Annotated[str | None, Field(Kind.CODE, "state of the instance or of a part")]
    result: Annotated[str | None, Field(Kind.CODE, "how an attempt ended")]
    stage: Annotated[str | None, Field(Kind.CODE, "step of the corridor")]
    part: Annotated[str | None, Field(Kind.CODE, "part of the node")]
    attempt: Annotated[int | None, Field(Kind.COUNT, "which attempt it was, from 1")]
    frames: Annotated[int | None, Field(Kind.COUNT, "frames looked at")]
    regions: Annotated[int | None, Field(Kind.COUNT, "regions filled")]
    count: Annotated[int | None, Field(Kind.COUNT, "how many")]
    failed: Annotated[int | None, Field(Kind.COUNT, "how many of them failed")]
    bytes: Annotated[int | None, Field(Kind.COUNT, "length")]
    free_bytes: Annotated[int | None, Field(Kind.COUNT, "free space on the spool's disk")]
    reserve_bytes: Annotated[int | None, Field(Kind.COUNT, "free space that must be left")]
    seconds: Annotated[float | None, Field(Kind.NUMBER, "how long it took, or the wait ahead")]
    worker: Annotated[int | None, Field(Kind.COUNT, "number of the worker process, from 0")]
    processes: Annotated[int | None, Field(Kind.COUNT, "number of worker processes")]
    port: Annotated[int | None, Field(Kind.COUNT, "TCP port that listens")]
    http_port: Annotated[int | None, Field(Kind.COUNT, "TCP port of metrics and health")]
    desk_port: Annotated[int | None, Field(Kind.COUNT, "TCP port of the review desk")]
    signal: Annotated[int | None, Field(Kind.COUNT, "number of the signal that ended it")]
    version: Annotated[str | None, Field(Kind.VERSION, "version of deid_node")]
    configuration: Annotated[
        str | None, Field(Kind.TOKEN, "which configuration it was, by its fingerprint")
    ]
    finder: Annotated[str | None, Field(Kind.VERSION, "finder and its version")]
    inpainter: Annotated[str | None, Field(Kind.VERSION, "inpainter and its version")]
    standard_edition: Annotated[str | None, Field(Kind.VERSION, "edition of PS3.15 in force")]
    sop_class: Annotated[str | None, Field(Kind.STANDARD_UID, "SOP Class UID")]
    transfer_syntax: Annotated[str | None, Field(Kind.STANDARD_UID, "Transfer Syntax UID")]
    pixels_changed: Annotated[bool | None, Field(Kind.FLAG, "whether any pixel was filled")]
    marked: Annotated[
        bool | None, Field(Kind.FLAG, "whether a Segmentation of what was filled goes beside it")
    ]
    error: Annotated[str | None, Field(Kind.VERSION, "type name of an exception, never its text")]
    field: Annotated[str | None, Field(Kind.CODE, "key that was dropped from a log line")]


def _fields() -> Mapping[str, Field]:
    """Return the fields of `LogFields` by name, in the order written there."""
    hints = get_type_hints(LogFields, include_extras=True)
    return MappingProxyType({key: hint.__metadata__[0] for key, hint in hints.items()})


FIELDS: Final[Mapping[str, Field]] = _fields()
