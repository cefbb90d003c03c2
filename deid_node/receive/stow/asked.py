"""What a request asks for, read from its head: the Store Transaction, or something else.

Nothing of the body has been read yet; whatever is refused here costs its sender no more
than the head.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from python_multipart.multipart import parse_options_header

from deid_node.receive.stow.refusal import Refusal, not_served

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID: Final = 64
# RFC 2046 allows 70 characters; Orthanc sends two UUIDs, which are 73.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]")
_STUDIES: Final = "/studies"
_DICOM: Final = "application/dicom"
_TAKEN: Final = f'multipart/related; type="{_DICOM}"'


class AnswerForm(StrEnum):
    """The media types in which an answer can be written, as they are asked for."""

    DICOM_JSON = "application/dicom+json"
    JSON = "application/json"
    DICOM_XML = "application/dicom+xml"
    XML = "application/xml"

    @property
    def is_xml(self) -> bool:
        """Whether it is the Native DICOM Model."""
        return self in {AnswerForm.DICOM_XML, AnswerForm.XML}


_WILDCARDS: Final = frozenset({"*/*", "application/*"})


@dataclass(frozen=True, slots=True)
class StoreAsked:
    """A Store Transaction: instances in parts, to be answered in some form."""

    boundary: str
    form: AnswerForm
    study_instance_uid: str = field(default="", repr=False)
    """The study that all of them must belong to; empty for any."""


@dataclass(frozen=True, slots=True)
class Head:
    """Method, target and headers of a request; names of headers in lower case."""

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def head_of(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """Return the head; of headers that come again, one text with commas (RFC 9110 5.3)."""
    joined: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return Head(method.decode("latin-1"), target.decode("latin-1"), joined)


def asked_for(head: Head, *, path: str, most_bytes: int) -> StoreAsked | Refusal:
    """Return the Store Transaction that `head` asks for at ``{path}/studies``, or a refusal.

    Source
    ------
    PS3.18 section 10.5.
    """
    try:
        parts = urlsplit(head.target)
        place, query = parts.path, dict(parse_qsl(parts.query))
    except ValueError:
        return not_served(HTTPStatus.NOT_FOUND, "There is nothing at this place.")
    under = place.removeprefix(path)
    study = under.removeprefix(f"{_STUDIES}/")
    if not place.startswith(path) or not (under == _STUDIES or under.startswith(f"{_STUDIES}/")):
        return not_served(HTTPStatus.NOT_FOUND, "There is nothing at this place.")
    if under == _STUDIES:
        study = ""
    elif "/" in study:
        return not_served(HTTPStatus.NOT_FOUND, "There is nothing at this place.")
    if head.method != "POST":
        return not_served(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "Instances are stored here and not given out: POST alone is answered.",
            (("Allow", "POST"),),
        )
    if study and not (_UID.fullmatch(study) and len(study) <= _LONGEST_UID):
        return not_served(HTTPStatus.BAD_REQUEST, "The study is named by no UID.")
    refusal = _refusal_of_body(head.headers, most_bytes)
    if refusal is not None:
        return refusal
    boundary = _boundary_of(head.headers)
    form = _form_of(query.get("accept") or head.headers.get("accept", ""))
    if isinstance(boundary, Refusal):
        return boundary
    if form is None:
        return not_served(
            HTTPStatus.NOT_ACCEPTABLE,
            "Answers are application/dicom+json or application/dicom+xml.",
        )
    return StoreAsked(boundary, form, study)


def _refusal_of_body(headers: Mapping[str, str], most_bytes: int) -> Refusal | None:
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return not_served(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Bodies are taken as they are, in no content encoding.",
            (("Accept-Encoding", "identity"),),
        )
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return not_served(
            HTTPStatus.LENGTH_REQUIRED, "A body is expected, with its length or in chunks."
        )
    if int(headers.get("content-length", "0")) > most_bytes:
        return not_served(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request may have {most_bytes} bytes."
        )
    if headers.get("expect", "100-continue").lower() != "100-continue":
        return not_served(HTTPStatus.EXPECTATION_FAILED, "This cannot be expected here.")
    return None


def _boundary_of(headers: Mapping[str, str]) -> str | Refusal:
    kind, options = parse_options_header(headers.get("content-type"))
    root = options.get(b"type", _DICOM.encode()).lower()
    if kind != b"multipart/related" or root != _DICOM.encode():
        return not_served(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must be {_TAKEN}.", (("Accept", _TAKEN),)
        )
    boundary = options.get(b"boundary", b"").decode("latin-1")
    if not _BOUNDARY.fullmatch(boundary):
        return not_served(
            HTTPStatus.BAD_REQUEST, "The Content-Type names no boundary that can be one."
        )
    return boundary


def _form_of(accepted: str) -> AnswerForm | None:
    """Return the form that is asked for first; JSON where it is all the same (PS3.18 8.7.4)."""
    if not accepted.strip():
        return AnswerForm.DICOM_JSON
    wanted: list[tuple[float, AnswerForm]] = []
    for one in accepted.split(","):
        kind, options = parse_options_header(one.strip())
        weight = _weight(options.get(b"q", b"1"))
        name = kind.decode("latin-1")
        if weight > 0 and name in _WILDCARDS:
            wanted.append((weight, AnswerForm.DICOM_JSON))
        elif weight > 0 and name in tuple(AnswerForm):
            wanted.append((weight, AnswerForm(name)))
    # The first of the heaviest.
    return max(wanted, key=lambda one: one[0])[1] if wanted else None


def _weight(text: bytes) -> float:
    try:
        return min(float(text), 1.0)
    except ValueError:
        return 0.0
