"""One association, seen from the door."""

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Protocol

from pynetdicom import evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dul import DULServiceProvider
from pynetdicom.events import Event
from pynetdicom.fsm import StateMachine
from pynetdicom.pdu import A_ABORT_RQ
from pynetdicom.pdu_primitives import A_P_ABORT

from deid_node.receive.dimse.messages import DataTransfer, Messages, Store
from deid_node.receive.dimse.turns import AnswerQueue, MessageQueue, QuestionQueue, Turns

_PAUSE_SECONDS: Final = 0.0001
# Source and reason of A-ABORT (PS3.8 Table 9-26): the provider, an invalid PDU parameter value.
_PROVIDER: Final = 2
_INVALID_PARAMETER: Final = 6
# Types of PDUs, and the event of the state machine (PS3.8 Table 9-22, 9.2.1).
_ASSOCIATE_REQUEST: Final = 0x01
_DATA_TRANSFER: Final = 0x04
_DATA_RECEIVED: Final = "Evt10"
# The state in which data is exchanged, and the end of the connection (PS3.8 Table 9-10).
_ESTABLISHED: Final = "Sta6"
_CONNECTION_CLOSED: Final = "Evt17"
# Where the titles stand in an A-ASSOCIATE-RQ (PS3.8 Table 9-11).
_CALLED: Final = slice(10, 26)
_CALLING: Final = slice(26, 42)
_TITLE_BYTES: Final = 16
_NOT_OF_A_TITLE: Final = re.compile(rb"[^\x20-\x5b\x5d-\x7e]")
STAND_IN: Final = b"?"
"""Stands for a character that no title may have, and for a title that is empty."""
_TOLD_BY_THE_LIBRARY: Final = (
    evt.EVT_DIMSE_RECV,
    evt.EVT_DIMSE_SENT,
    evt.EVT_PDU_RECV,
    evt.EVT_PDU_SENT,
)


class _Machine(StateMachine):
    """The states of an association, which a peer's nonsense must not stop halfway.

    The library lets errors out of messages that cannot be understood end its thread
    with a traceback, which quotes what the peer said, and leaves the connection open.
    """

    def __init__(self, acceptor: "Acceptor") -> None:
        super().__init__(acceptor.dul)
        self._acceptor = acceptor

    def do_action(self, event: str) -> None:
        """Act on `event`; whatever goes wrong ends the association."""
        try:
            super().do_action(event)
        # The boundary to the wire: the text of a foreign error may quote values.
        except Exception:  # noqa: BLE001
            self._acceptor.break_off()


class DataLink(Protocol):
    """The connection below an association, as far as data goes."""

    @property
    def ready(self) -> bool:
        """Whether bytes wait to be read, after waiting a moment for them."""
        ...

    def next_data(self) -> memoryview | None:
        """Return the body of the next PDU if it is data, until the next call; else None.

        Raises `OSError` where it does not come whole.
        """
        ...


class Acceptor(Association):
    """An association that a peer asked for.

    `peer` is its configured name, known once it was admitted; `label` names the
    association in logs. Every C-STORE on an accepted context goes to `store`, also of a
    SOP class that the library does not know. `begin` is called first by its thread
    and says whether the connection is fit for an association; `ended` is called
    once, by its thread, however it ended. `link` is the connection.
    """

    def __init__(
        self,
        ae: ApplicationEntity,
        ended: "Callable[[Acceptor], None]",
        *,
        begin: "Callable[[Acceptor], bool]" = lambda _acceptor: True,
        store: Store | None = None,
    ) -> None:
        super().__init__(ae, MODE_ACCEPTOR)
        # A letter in front: eight digits alone would look like a date to the log.
        self.label = f"a{secrets.token_hex(4)}"
        self.peer: str | None = None
        self.has_plain_title = True
        """Whether the calling AE title is one by its characters; another is nobody's we know."""
        self.is_understood = True
        """Whether what the peer asked for could be read."""
        self._begin, self._ended = begin, ended
        self._heard_at = monotonic()
        self.turns = Turns()
        self.link: DataLink | None = None
        self._messages = Messages(self, store, self._say)
        self.dimse = self._messages
        self.dul._decode_pdu = self._decoded  # type: ignore[assignment, method-assign]  # noqa: SLF001
        self.dul._read_pdu_data = self._read  # type: ignore[method-assign]  # noqa: SLF001
        self.dul.idle_timer_expired = self._is_silent  # type: ignore[method-assign]
        # The library's queues, and its pause between two looks at them: with turns known,
        # its threads wait where they would have looked.
        self.dimse.msg_queue = MessageQueue(self.turns)
        self._questions: QuestionQueue[Any] = QuestionQueue(self.turns)
        self.dul.to_user_queue = self._questions
        self.dul.to_provider_queue = AnswerQueue(self.turns)
        self.dul._run_loop_delay = _PAUSE_SECONDS  # noqa: SLF001
        self.dul.state_machine = _Machine(self)
        self.bind(evt.EVT_CONN_CLOSE, self._stop_waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing of the peer is on its way or being answered."""
        messages = self._messages
        return not (self.turns.ours or messages.is_amid or messages.is_serving)

    @property
    def quiet_seconds(self) -> float:
        """How long the peer has asked nothing; 0 while it is being answered."""
        return monotonic() - self._heard_at if self.is_idle else 0.0

    def takes(self, sop_class: str) -> bool:
        """Return whether a context of `sop_class` was accepted."""
        accepted = self._accepted_cx.values()
        return any(str(context.abstract_syntax) == sop_class for context in accepted)

    def run(self) -> None:
        """Serve the association until it is released, aborted or silent for too long."""
        try:
            if self._begin(self):
                super().run()
        # As in `_Machine`: nothing that a peer says may end in a traceback.
        except Exception:  # noqa: BLE001
            self.break_off()
        finally:
            self._messages.discard()
            self._ended(self)

    def break_off(self) -> None:
        """Tell the peer that it is not understood, close, and let both our threads end."""
        refusal = A_ABORT_RQ()
        refusal.source, refusal.reason_diagnostic = _PROVIDER, _INVALID_PARAMETER
        link = self.dul.socket
        if link is not None:
            with suppress(OSError, AttributeError):
                # It may be closed already.
                link.send(refusal.encode())
            link.close()
        self.dul.kill_dul()
        if self._questions.was_used:
            ending = A_P_ABORT()
            ending.provider_reason = _INVALID_PARAMETER
            self._questions.put(ending)
        else:
            self._questions.put(None)

    def _decoded(self, content: bytearray) -> tuple[Any, str]:
        """Return a PDU and the event that it is; data is not copied."""
        if content[0] == _DATA_TRANSFER:
            return DataTransfer(memoryview(content)), _DATA_RECEIVED
        if content[0] == _ASSOCIATE_REQUEST:
            # Where it cannot be decoded the library breaks off, and tells nobody here.
            self.is_understood = False
            content, self.has_plain_title = with_plain_titles(content)
        decoded = DULServiceProvider._decode_pdu(self.dul, content)  # noqa: SLF001
        self.is_understood = True
        return decoded

    def _read(self) -> None:
        """Read what comes: data while there is some and nothing else to do, or one PDU.

        Data of an association that stands changes no state, so it goes round the
        library's state machine, its queues and its pauses.
        """
        dul = self.dul
        while self.link is not None and dul.state_machine.current_state == _ESTABLISHED:
            try:
                body = self.link.next_data()
            except OSError:
                dul.event_queue.put(_CONNECTION_CLOSED)
                return
            if body is None:
                break
            self._heard_at = monotonic()
            try:
                self._messages.take(body)
            # As in `_Machine`: nothing that a peer says may end in a traceback.
            except Exception:  # noqa: BLE001
                self.break_off()
                return
            dul._idle_timer.restart()  # noqa: SLF001
            if self._has_other_work() or not self.link.ready:
                return
        DULServiceProvider._read_pdu_data(dul)  # noqa: SLF001

    def _has_other_work(self) -> bool:
        dul = self.dul
        return bool(dul._kill_thread or dul.to_provider_queue.qsize() or dul.event_queue.qsize())  # noqa: SLF001

    def _is_silent(self) -> bool:
        """Return whether the peer has been silent for too long; while it waits for us it is not."""
        serving = self._messages.is_serving
        return not serving and DULServiceProvider.idle_timer_expired(self.dul)

    def _say(self, pdus: bytes) -> None:
        link = self.dul.socket
        if link is not None:
            link.send(pdus)
            self._heard_at = monotonic()

    def _stop_waiting(self, _message: Event) -> None:
        """Let our thread end that waits for a request which cannot come any more.

        The library would leave it there until its time-out, a minute for each
        connection that closed without a word or spoke something else.
        """
        if not self._questions.was_used:
            self._questions.put(None)

    def _bind_defaults(self) -> None:
        """Leave out the handlers that write every PDU and message to the library's log."""
        super()._bind_defaults()
        for event in _TOLD_BY_THE_LIBRARY:
            bound = self.get_handlers(event)
            for handler, _ in tuple(bound) if isinstance(bound, list) else ():
                self.unbind(event, handler)

    def _serve_request(self, msg: Any, context_id: int) -> None:
        self._heard_at = monotonic()
        try:
            if isinstance(msg, C_STORE):
                # It is no request with a dataset on an accepted context, and nobody can serve it.
                self.break_off()
                return
            super()._serve_request(msg, context_id)
        # The library serves some requests on threads of their own.
        except Exception:  # noqa: BLE001
            self.break_off()


def acceptor_of(message: Event) -> Acceptor:
    """Return the association that an event of the door belongs to."""
    association = message.assoc
    if not isinstance(association, Acceptor):
        raise TypeError("an event of a foreign association")
    return association


def with_plain_titles(request: bytearray) -> tuple[bytearray, bool]:
    """Return an A-ASSOCIATE-RQ with titles that can be read, and whether the caller's was one.

    A title is 16 characters of the default repertoire, filled up with spaces. Some fill up
    with zeros, as strings end in C, and some write Latin-1; the library would break off
    without a word. What follows a zero is padding. A request that is too short comes back
    as it is.

    Source
    ------
    PS3.8 Table 9-11; PS3.5 6.2 (AE).
    """
    if len(request) < _CALLING.stop:
        return request, True
    plain = bytearray(request)
    plain[_CALLED], _ = _plain(request[_CALLED])
    plain[_CALLING], is_plain = _plain(request[_CALLING])
    return plain, is_plain


def _plain(field: bytearray) -> tuple[bytes, bool]:
    told = bytes(field).partition(b"\x00")[0].strip(b" ")
    title = _NOT_OF_A_TITLE.sub(STAND_IN, told) or STAND_IN
    return title.ljust(_TITLE_BYTES), title == told
