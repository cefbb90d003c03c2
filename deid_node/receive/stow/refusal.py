"""Why a request is turned away, in the words of HTTP."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from deid_node.values.refusal import RefusalCode

_SOON_SECONDS: Final = 5
_LATER_SECONDS: Final = 60
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status, what an answer says in words of our own, and headers that explain it.

    Source
    ------
    RFC 9110 section 15; PS3.18 Table 10.5.3-1.
    """

    code: RefusalCode
    status: HTTPStatus
    text: str
    headers: Headers = ()

    @property
    def is_callers_own(self) -> bool:
        """Whether who comes again with it must not be listened to for ever.

        Who asks for what is not served here is told so, as often as he likes: the
        look-outs of load balancers do.
        """
        return self.code in _CALLERS_OWN


_CALLERS_OWN: Final = frozenset(
    {
        RefusalCode.NOT_IDENTIFIED,
        RefusalCode.NOT_UNDERSTOOD,
        RefusalCode.PEER_UNKNOWN,
        RefusalCode.WRONG_CERTIFICATE,
    }
)


def retry_after(seconds: int) -> Headers:
    """Return the header that says when to come again."""
    return (("Retry-After", str(seconds)),)


NOT_IDENTIFIED: Final = Refusal(
    RefusalCode.NOT_IDENTIFIED,
    HTTPStatus.UNAUTHORIZED,
    "A bearer token of a peer is expected.",
    (("WWW-Authenticate", 'Bearer realm="deid-node"'),),
)
PEER_UNKNOWN: Final = Refusal(
    RefusalCode.PEER_UNKNOWN, HTTPStatus.FORBIDDEN, "This sender may not store here."
)
# Nobody learns whether it was the address or the certificate.
WRONG_CERTIFICATE: Final = Refusal(
    RefusalCode.WRONG_CERTIFICATE, HTTPStatus.FORBIDDEN, PEER_UNKNOWN.text
)
TOO_MANY_REQUESTS: Final = Refusal(
    RefusalCode.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many requests are served at the moment.",
    retry_after(_SOON_SECONDS),
)
TOO_MANY_OF_ADDRESS: Final = Refusal(
    RefusalCode.TOO_MANY_OF_ADDRESS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many requests of this address are served at the moment.",
    retry_after(_SOON_SECONDS),
)
NO_ROOM: Final = Refusal(
    RefusalCode.NO_ROOM,
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Nothing can be stored at the moment.",
    retry_after(_LATER_SECONDS),
)
CLOSING: Final = Refusal(
    RefusalCode.CLOSING,
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The service is being closed.",
    retry_after(_LATER_SECONDS),
)
OUT_OF_RESOURCES: Final = NO_ROOM.headers
"""Of an answer that says that instances were not stored for want of room."""


def not_served(status: HTTPStatus, text: str, headers: Headers = ()) -> Refusal:
    """Return that a request is none that is answered here."""
    return Refusal(RefusalCode.NOT_SERVED, status, text, headers)


def not_understood(status: int, text: str = "The request cannot be understood.") -> Refusal:
    """Return that a request makes no sense."""
    return Refusal(RefusalCode.NOT_UNDERSTOOD, HTTPStatus(status), text)
