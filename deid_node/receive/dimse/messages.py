"""Messages of a peer, put together from their fragments.

C-STORE is served here, by the thread that reads: its dataset goes to disk while it
comes, and the answer goes out when custody has it. All other messages are the
library's, which keeps them in memory until they are whole: they may be only so long.
"""

import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Protocol

from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.pdu_primitives import P_DATA

from deid_node.receive.dimse.commands import (
    StoreRequest,
    command_pdus,
    parse_store_request,
    store_response,
)
from deid_node.receive.intake import Announced
from deid_node.spool.arrivals import Incoming

_LARGEST_COMMAND_BYTES: Final = 1 << 20
# A request for storage commitment of 100,000 instances takes half of it.
_LARGEST_OTHER_BYTES: Final = 1 << 25
# Two UIDs and four numbers; what is longer is no C-STORE request.
_LARGEST_STORE_BYTES: Final = 1 << 12
_HEADER_BYTES: Final = 6
_COMMAND, _LAST = 0x01, 0x02

Fragment = tuple[int, memoryview]
"""Context id; the control header and what follows it (PS3.8 E.2)."""


class Store(Protocol):
    """Where instances go."""

    def begin(self, announced: Announced) -> Incoming:
        """Return where the dataset of such an instance is written while it comes."""
        ...

    def take(self, announced: Announced, incoming: Incoming, association: Any) -> int:
        """Return the status of C-STORE-RSP once the dataset has come; does not raise."""
        ...


@dataclass(frozen=True, slots=True)
class DataTransfer:
    """A P-DATA-TF PDU whose fragments are views of the bytes that were read."""

    content: memoryview

    def to_primitive(self) -> Any:
        """Return the primitive that the library's state machine wants; raise `ValueError`."""
        return _primitive(list(fragments_of(self.content[_HEADER_BYTES:])))


def fragments_of(body: memoryview) -> Iterator[Fragment]:
    """Yield the fragments in the body of a P-DATA-TF PDU.

    Raises `ValueError` where a fragment claims to be longer than the PDU, or has
    no control header.

    Source
    ------
    PS3.8 section 9.3.5, E.2.
    """
    at = 0
    while at < len(body):
        if at + 6 > len(body):
            raise ValueError("a fragment without its header")
        length, context = struct.unpack_from(">LB", body, at)
        end = at + 4 + length
        if length < 2 or end > len(body):
            raise ValueError("a fragment of an impossible length")
        yield context, body[at + 5 : end]
        at = end


@dataclass(slots=True)
class _Arriving:
    """A C-STORE whose dataset is on its way."""

    request: StoreRequest
    context_id: int
    announced: Announced
    incoming: Incoming


class Messages(DIMSEServiceProvider):
    """Puts messages together; with `store`, C-STORE is served where it is read.

    `answer` sends PDUs at once. `take` and `receive_primitive` are for the thread that
    reads; `discard` for the one that ends the association.
    """

    def __init__(
        self, association: Association, store: Store | None, answer: Callable[[bytes], None]
    ) -> None:
        super().__init__(association)
        self._store = store
        self._answer = answer
        self._command = bytearray()
        self._held: list[Fragment] = []
        self._arriving: _Arriving | None = None
        self._over = False
        # Held while custody is being taken: nobody ends an association in between.
        self._serving = threading.Lock()

    @property
    def is_serving(self) -> bool:
        """Whether an instance that has come is being taken into custody."""
        return self._serving.locked()

    @property
    def is_amid(self) -> bool:
        """Whether part of a message has come."""
        return bool(self._held) or self._arriving is not None or self.message is not None

    def take(self, body: memoryview) -> None:
        """Take the body of a P-DATA-TF PDU, which may be written over afterwards.

        Raises `ValueError` for what makes no sense or has no end.
        """
        for fragment in fragments_of(body):
            self._take(fragment)

    def receive_primitive(self, primitive: Any) -> None:
        """Take the fragments of one PDU as the library hands them on; raise `ValueError`."""
        for fragment in primitive.presentation_data_value_list:
            self._take(fragment)

    def discard(self) -> None:
        """Remove what has come of a message that will not be served any more; waits for custody."""
        with self._serving:
            self._over = True
            arriving, self._arriving = self._arriving, None
        if arriving is not None:
            arriving.incoming.discard()

    def _take(self, fragment: Fragment) -> None:
        context_id, content = fragment
        control = content[0]
        if self._arriving is not None:
            if control & _COMMAND or context_id != self._arriving.context_id:
                raise ValueError("a dataset is interrupted")
            self._arriving.incoming.write(content[1:])
            if control & _LAST:
                self._serve()
        elif self._store is None or self.message is not None or not control & _COMMAND:
            self._pass_on(fragment)
        else:
            self._begin(fragment, self._store)

    def _begin(self, fragment: Fragment, store: Store) -> None:
        """Take a fragment of a command; once it is whole, see whose it is."""
        context_id, content = fragment
        # A copy: its bytes are the reader's.
        self._held.append((context_id, memoryview(bytes(content))))
        self._command += content[1:]
        is_last = content[0] & _LAST
        if not is_last and len(self._command) <= _LARGEST_STORE_BYTES:
            return
        held, self._held = self._held, []
        command, self._command = self._command, bytearray()
        context = self.assoc._accepted_cx.get(context_id)  # noqa: SLF001
        request = parse_store_request(command) if is_last and context is not None else None
        if request is None or context is None or any(one != context_id for one, _ in held):
            for one in held:
                self._pass_on(one)
            return
        announced = Announced(
            request.sop_class_uid, request.sop_instance_uid, str(context.transfer_syntax[0])
        )
        self._arriving = _Arriving(request, context_id, announced, store.begin(announced))

    def _serve(self) -> None:
        with self._serving:
            arriving, self._arriving = self._arriving, None
            if arriving is None or self._store is None or self._over:
                return
            status = self._store.take(arriving.announced, arriving.incoming, self.assoc)
        self._answer(
            command_pdus(
                store_response(arriving.request, status),
                context_id=arriving.context_id,
                longest_bytes=self.assoc.requestor.maximum_length or 0,
            )
        )

    def _pass_on(self, fragment: Fragment) -> None:
        """Let the library take a fragment; raise `ValueError` for a message without end."""
        super().receive_primitive(_primitive([fragment]))
        message: Any = self.message
        if message is None:
            return
        if _length(message.data_set) > _LARGEST_OTHER_BYTES:
            raise ValueError("a message that is no C-STORE is too long")
        if _length(message.encoded_command_set) > _LARGEST_COMMAND_BYTES:
            raise ValueError("a command set is too long")


def _primitive(fragments: list[Fragment]) -> Any:
    primitive = P_DATA()
    # Its setter would ask for a copy.
    primitive._presentation_data_value_list = fragments  # type: ignore[assignment]  # noqa: SLF001
    return primitive


def _length(buffer: BytesIO) -> int:
    return buffer.getbuffer().nbytes
