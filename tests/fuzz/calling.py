"""A caller that says a conversation and hears what the node answers."""

import socket
import struct
from dataclasses import dataclass
from time import monotonic
from typing import Final

from tests.fuzz.conversations import Conversation, echo, sound_request
from tests.wire.scripted_caller import ASSOCIATE_AC, DATA, RELEASE_RP, RELEASE_RQ, Caller

_ANSWER_SECONDS: Final = 0.3
_SUCCESS: Final = 0x0000
_STORE_RSP: Final = 0x8001
_ECHO_RSP: Final = 0x8030


@dataclass(frozen=True)
class Heard:
    """What came back: the bytes, and whether the node closed the connection within the limit."""

    content: bytes
    closed: bool

    @property
    def acknowledged(self) -> frozenset[str]:
        """The SOP Instance UIDs that the node answered Success for."""
        return frozenset(
            answer.sop_instance_uid
            for answer in answers(self.content)
            if (answer.field, answer.status) == (_STORE_RSP, _SUCCESS)
        )


@dataclass(frozen=True)
class Answer:
    """A response message of the node."""

    field: int
    status: int
    sop_instance_uid: str


def call(port: int, conversation: Conversation, *, limit_seconds: float) -> Heard:
    """Say `conversation`; who stays, or closes only its own half, must be let go in time."""
    heard = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=limit_seconds) as link:
        try:
            for utterance in conversation.said:
                link.sendall(utterance.content)
                if utterance.waits:
                    link.settimeout(_ANSWER_SECONDS)
                    _hear_some(link, heard)
                    link.settimeout(limit_seconds)
            if conversation.leaves == "close":
                return Heard(bytes(heard), closed=True)
            if conversation.leaves == "reset":
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return Heard(bytes(heard), closed=True)
            if conversation.leaves == "half":
                link.shutdown(socket.SHUT_WR)
            return Heard(bytes(heard), closed=_hear_all(link, heard, limit_seconds))
        except TimeoutError:
            return Heard(bytes(heard), closed=False)
        except OSError:
            # The node has closed, as it may on hearing nonsense.
            return Heard(bytes(heard), closed=True)


def _hear_some(link: socket.socket, heard: bytearray) -> None:
    try:
        heard += link.recv(1 << 16)
    except TimeoutError:
        return


def _hear_all(link: socket.socket, heard: bytearray, limit_seconds: float) -> bool:
    until = monotonic() + limit_seconds
    while monotonic() < until:
        piece = link.recv(1 << 16)
        if not piece:
            return True
        heard += piece
    return False


def answers(heard: bytes) -> list[Answer]:
    """Return the response messages in what a node said."""
    found = []
    at = 0
    while at + 6 <= len(heard):
        kind, length = struct.unpack_from(">BxL", heard, at)
        if kind == DATA:
            found.append(_answer(heard[at + 12 : at + 6 + length]))
        at += 6 + length
    return found


def _answer(command: bytes) -> Answer:
    values: dict[int, bytes] = {}
    at = 0
    while at + 8 <= len(command):
        _, number, length = struct.unpack_from("<HHL", command, at)
        values[number] = command[at + 8 : at + 8 + length]
        at += 8 + length
    field, status = (
        int.from_bytes(values.get(number, b"\xff\xff"), "little") for number in (0x0100, 0x0900)
    )
    return Answer(field, status, values.get(0x1000, b"").decode("ascii", "replace").rstrip("\0 "))


def echoes(port: int, *, limit_seconds: float) -> bool:
    """Return whether the node answers C-ECHO on a new association, and lets it be released."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=limit_seconds) as link:
            caller = Caller(link)
            link.sendall(sound_request())
            if caller.receive()[0] != ASSOCIATE_AC:
                return False
            link.sendall(echo())
            kind, body = caller.receive()
            if kind != DATA or _answer(body[6:]) != Answer(_ECHO_RSP, _SUCCESS, ""):
                return False
            caller.send(RELEASE_RQ, bytes(4))
            return caller.receive()[0] == RELEASE_RP
    except OSError:
        return False
