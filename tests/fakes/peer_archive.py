"""Archives to send to: one that keeps everything, and one that plays a script.

Both listen on a free port of the loopback. They read our bytes with pynetdicom's
decoder, so that a fault in our own coding cannot hide behind itself.
"""

import io
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from pydicom import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.dsutils import decode
from pynetdicom.pdu import A_ASSOCIATE_RQ, P_DATA_TF
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # made at import
    CTImageStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

ALL_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, JPEGBaseline8Bit)
CLASSES = (CTImageStorage, MRImageStorage, SecondaryCaptureImageStorage, SegmentationStorage)


@dataclass
class Kept:
    """What a `keeping_archive` was sent, in order."""

    port: int = 0
    associations: int = 0
    released: int = 0
    stored: list[tuple[str, str, bytes]] = field(default_factory=list)
    """SOP Instance UID, transfer syntax, bytes of the dataset."""
    status_for: Callable[[int], int] = lambda _number: 0x0000
    """Status of the n-th answer, from 0."""


@contextmanager
def keeping_archive(syntaxes: tuple[str, ...] = ALL_SYNTAXES) -> Iterator[Kept]:
    """Run a pynetdicom Storage SCP for the length of a ``with`` block."""
    kept = Kept()
    lock = threading.Lock()

    def store(event: Any) -> int:
        with lock:
            number = len(kept.stored)
            kept.stored.append(
                (
                    str(event.request.AffectedSOPInstanceUID),
                    str(event.context.transfer_syntax),
                    event.request.DataSet.getvalue(),
                )
            )
        return kept.status_for(number)

    def accepted(_event: Any) -> None:
        kept.associations += 1

    def released(_event: Any) -> None:
        kept.released += 1

    entity = AE(ae_title="ARCHIVE")
    for sop_class in CLASSES:
        entity.add_supported_context(sop_class, list(syntaxes))
    server = entity.start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[
            (evt.EVT_C_STORE, store),
            (evt.EVT_ACCEPTED, accepted),
            (evt.EVT_RELEASED, released),
        ],
    )
    assert server is not None
    kept.port = server.server_address[1]
    try:
        yield kept
    finally:
        entity.shutdown()


class Gone(Exception):
    """Our side closed the connection: the script ends here."""


class Conversation:
    """One connection as the scripted archive sees it; a script calls its methods in turn."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.contexts: dict[int, tuple[str, str]] = {}
        self.commands: list[Dataset] = []
        self.datasets: list[bytes] = []
        self.largest_pdu_bytes = 0

    def accept(
        self,
        accepts: Callable[[str, str], bool] = lambda _class, _syntax: True,
        *,
        max_pdu_bytes: int = 16384,
    ) -> None:
        """Read the request and grant the contexts that `accepts` says yes to."""
        request = A_ASSOCIATE_RQ()
        request.decode(self.read_pdu())
        items = b"\x10\0\0\x151.2.840.10008.3.1.1.1"
        for item in request.presentation_context:
            offer = (str(item.abstract_syntax), str(item.transfer_syntax[0]))
            assert item.context_id is not None
            self.contexts[item.context_id] = offer
            syntax = offer[1].encode()
            sub = struct.pack(">BxH", 0x40, len(syntax)) + syntax
            result = 0 if accepts(*offer) else 4
            items += struct.pack(">BxHBxBx", 0x21, 4 + len(sub), item.context_id, result) + sub
        user = struct.pack(">BxHL", 0x51, 4, max_pdu_bytes)
        items += struct.pack(">BxH", 0x50, len(user)) + user
        body = struct.pack(">Hxx16s16s32x", 1, b"ARCHIVE".ljust(16), b"DEIDNODE".ljust(16)) + items
        self.send_pdu(0x02, body)

    def reject(self, result: int = 1, source: int = 1, reason: int = 7) -> None:
        """Read the request and reject it."""
        self.read_pdu()
        self.send_pdu(0x03, bytes((0, result, source, reason)))

    def receive(self) -> Dataset:
        """Read a whole C-STORE request; keep it and return its command set."""
        parts = {True: b"", False: b""}
        for is_command in (True, False):
            last = False
            while not last:
                for control, content in self.fragments():
                    assert bool(control & 1) is is_command
                    parts[is_command] += content
                    last = bool(control & 2)
        command = decode(io.BytesIO(parts[True]), is_implicit_vr=True, is_little_endian=True)
        self.commands.append(command)
        self.datasets.append(parts[False])
        return command

    def fragments(self) -> list[tuple[int, bytes]]:
        """Read one P-DATA-TF and return its control bytes and contents."""
        content = self.read_pdu()
        self.largest_pdu_bytes = max(self.largest_pdu_bytes, len(content) - 6)
        data = P_DATA_TF()
        data.decode(content)
        values = [item.presentation_data_value for item in data.presentation_data_value_items]
        self.context_id = data.presentation_data_value_items[0].presentation_context_id
        return [(value[0], value[1:]) for value in values if value]

    def answer(self, status: int, *, message_id: int | None = None, field: int = 0x8001) -> None:
        """Send a C-STORE-RSP to what was received last."""
        number = self.commands[-1].MessageID if message_id is None else message_id
        elements = b"".join(
            struct.pack("<HHLH", 0, element, 2, value)
            for element, value in ((0x100, field), (0x120, number), (0x800, 0x101), (0x900, status))
        )
        command = struct.pack("<HHLL", 0, 0, 4, len(elements)) + elements
        self.send_pdu(0x04, struct.pack(">LBB", len(command) + 2, self.context_id, 3) + command)

    def serve(self, status: int = 0x0000) -> None:
        """Answer every request until our side says good-bye."""
        while True:
            self.receive()
            self.answer(status)

    def abort(self) -> None:
        """Send an A-ABORT and close."""
        self.send_pdu(0x07, b"\0\0\2\0")
        self.link.close()

    def send_pdu(self, kind: int, body: bytes) -> None:
        """Send a PDU of any kind."""
        self.link.sendall(struct.pack(">BxL", kind, len(body)) + body)

    def read_pdu(self) -> bytes:
        """Return a whole PDU; a release is answered and ends the script."""
        head = self._read(6)
        content = head + self._read(int.from_bytes(head[2:], "big"))
        if head[0] == 0x05:
            self.send_pdu(0x06, bytes(4))
            raise Gone
        if head[0] == 0x07:
            raise Gone
        return content

    def wait_for_the_end(self) -> None:
        """Say nothing until our side closes."""
        while self.link.recv(65536):
            pass
        raise Gone

    def _read(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            piece = self.link.recv(size - len(content))
            if not piece:
                raise Gone
            content += piece
        return content


class ScriptedArchive:
    """Plays one script a connection, the last one for all that follow."""

    def __init__(self, *scripts: Callable[[Conversation], None]) -> None:
        self.conversations: list[Conversation] = []
        self.faults: list[BaseException] = []
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for conversation in self.conversations:
            conversation.link.close()
        for thread in self._threads:
            thread.join()
        assert not self.faults

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(len(self.conversations), len(self._scripts) - 1)]
            conversation = Conversation(link)
            self.conversations.append(conversation)
            thread = threading.Thread(target=self._play, args=(script, conversation))
            self._threads.append(thread)
            thread.start()

    def _play(self, script: Callable[[Conversation], None], conversation: Conversation) -> None:
        try:
            script(conversation)
        except (Gone, OSError):
            pass
        except BaseException as fault:  # noqa: BLE001 - told when the archive is closed
            self.faults.append(fault)
        finally:
            conversation.link.close()
