"""A sender that plays PDUs by hand: what no library would let one do."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.uid import ExplicitVRLittleEndian

CT = "1.2.840.10008.5.1.4.1.1.2"
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"

ASSOCIATE_AC, ASSOCIATE_RJ, DATA, RELEASE_RQ, RELEASE_RP, ABORT = 2, 3, 4, 5, 6, 7


class Caller:
    """One connection to a node on the loopback."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link

    def request(
        self,
        *,
        called: str | bytes = "DEIDNODE",
        calling: str | bytes = "SCRIPT",
        sop_class: str = CT,
        syntax: str = ExplicitVRLittleEndian,
    ) -> tuple[int, bytes]:
        """Ask for an association with one context; return kind and body of the answer.

        Titles that are bytes go as they are.
        """
        context = struct.pack(">B3x", 1) + _item(0x30, sop_class) + _item(0x40, syntax)
        user = struct.pack(">BxHL", 0x51, 4, 16384) + _item(0x52, "2.25.1")
        items = (
            _item(0x10, APPLICATION_CONTEXT)
            + struct.pack(">BxH", 0x20, len(context))
            + context
            + struct.pack(">BxH", 0x50, len(user))
            + user
        )
        names = b"".join(
            title if isinstance(title, bytes) else title.encode().ljust(16)
            for title in (called, calling)
        )
        self.send(1, struct.pack(">H2x", 1) + names + bytes(32) + items)
        return self.receive()

    def command(self, sop_instance: str, *, sop_class: str = CT) -> None:
        """Send the command set of a C-STORE request."""
        elements = (
            _element(0x0002, _even(sop_class))
            + _element(0x0100, struct.pack("<H", 1))
            + _element(0x0110, struct.pack("<H", 1))
            + _element(0x0700, struct.pack("<H", 0))
            + _element(0x0800, struct.pack("<H", 0))
            + _element(0x1000, _even(sop_instance))
        )
        self.fragment(_element(0x0000, struct.pack("<L", len(elements))) + elements, control=3)

    def fragment(self, content: bytes, *, control: int) -> None:
        """Send one fragment; `control`: 1 = command, 2 = last (PS3.8 E.2)."""
        self.send(DATA, struct.pack(">LBB", len(content) + 2, 1, control) + content)

    def send(self, kind: int, body: bytes) -> None:
        """Send a PDU."""
        self.link.sendall(struct.pack(">BxL", kind, len(body)) + body)

    def receive(self) -> tuple[int, bytes]:
        """Return kind and body of the next PDU; (0, b"") where the node closed."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, b""
        kind, length = struct.unpack(">BxL", head)
        return kind, self._exactly(length)

    def status(self) -> int:
        """Return the status of the next response."""
        kind, body = self.receive()
        assert kind == DATA, kind
        command = body[6:]
        at = command.index(struct.pack("<HHL", 0, 0x0900, 2)) + 8
        return int(struct.unpack_from("<H", command, at)[0])

    def is_closed(self) -> bool:
        """Return whether the node closes the connection, whatever it says before."""
        try:
            while self.link.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            piece = self.link.recv(size - len(content))
            if not piece:
                break
            content += piece
        return content


@contextmanager
def calling(port: int) -> Iterator[Caller]:
    """Connect for the length of a ``with`` block."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as link:
        yield Caller(link)


def _item(kind: int, text: str) -> bytes:
    content = text.encode()
    return struct.pack(">BxH", kind, len(content)) + content


def _element(element: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, element, len(value)) + value


def _even(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)
