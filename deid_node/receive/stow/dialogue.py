"""HTTP/1.1 on one connection: heads and bodies of requests in, answers out.

h11 knows the protocol and does nothing by itself: it is given what came, and says what
that was and what may be said now.
"""

from collections.abc import Iterable, Iterator
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import h11

from deid_node.receive.stow.asked import Head, head_of
from deid_node.receive.stow.link import Link
from deid_node.receive.stow.refusal import Headers

_LONGEST_HEAD_BYTES: Final = 1 << 14
_HEAD_SECONDS: Final = 20.0


class NotHttp(Exception):
    """What came is no HTTP; `status` is what one may answer to it."""

    def __init__(self, status: int) -> None:
        super().__init__("what came cannot be understood")
        self.status = status


class Dialogue:
    """The requests of one caller, one after the other."""

    def __init__(self, link: Link, *, silence_seconds: float) -> None:
        self._link = link
        self._silence_seconds = silence_seconds
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEAD_BYTES)
        self._is_head = False

    def head(self) -> Head | None:
        """Return the head of the next request, None where the caller has none any more.

        Raises `NotHttp`, also where the head takes too long, and `OSError`.
        """
        self._link.allow(min(_HEAD_SECONDS, self._silence_seconds))
        try:
            event = self._next()
        except h11.RemoteProtocolError as error:
            raise NotHttp(error.error_status_hint) from None
        except TimeoutError:
            if self._link.is_amid:
                raise NotHttp(HTTPStatus.REQUEST_TIMEOUT) from None
            return None
        if not isinstance(event, h11.Request):
            return None
        self._is_head = event.method == b"HEAD"
        return head_of(event.method, event.target, event.headers)

    def body(self) -> Iterator[bytes | bytearray]:
        """Yield the body of the request as it comes, to its end.

        Raises `NotHttp` where it breaks off or its chunks make no sense, and `OSError`.
        """
        self._link.allow(self._silence_seconds)
        while True:
            try:
                event = self._next()
            except h11.RemoteProtocolError as error:
                raise NotHttp(error.error_status_hint) from None
            if not isinstance(event, h11.Data):
                return
            yield event.data

    def answer(
        self,
        status: HTTPStatus,
        content: bytes,
        content_type: str,
        *,
        headers: Headers = (),
        is_last: bool,
    ) -> bool:
        """Send an answer; return whether another request may follow it.

        With `is_last` none may. Raises `OSError`.
        """
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return False
        said = [
            ("Date", formatdate(usegmt=True)),
            ("Content-Type", content_type),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "no-store"),
            *headers,
            *([("Connection", "close")] if is_last else []),
        ]
        self._say(
            (
                h11.Response(status_code=status, headers=said, reason=status.phrase),
                # To HEAD the length is told, and no more.
                *(() if self._is_head else (h11.Data(data=content),)),
                h11.EndOfMessage(),
            )
        )
        return self._is_free_again()

    def _is_free_again(self) -> bool:
        """Return whether both sides have said all and the next request may come."""
        if {self._http.our_state, self._http.their_state} != {h11.DONE}:
            return False
        self._http.start_next_cycle()
        return True

    def _next(self) -> h11.Event:
        """Return what the caller says next, read as far as is needed."""
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                # The next is asked for when this one is answered: a fault of ours.
                raise AssertionError("a request before the answer to another")
            if self._http.they_are_waiting_for_100_continue:
                self._say((h11.InformationalResponse(status_code=100, headers=[]),))
            self._http.receive_data(self._link.receive())

    def _say(self, events: Iterable[h11.Event]) -> None:
        self._link.send(b"".join(self._http.send(event) or b"" for event in events))
