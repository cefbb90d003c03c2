"""A connection that failed once is not read again."""

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from pynetdicom import AE

from deid_node.receive.dimse.acceptor import Acceptor
from deid_node.receive.dimse.transport import DoorSocket


@pytest.fixture
def ends() -> Iterator[tuple[DoorSocket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as theirs,
        listener.accept()[0] as ours,
    ):
        acceptor = Acceptor(AE("DEIDNODE"), lambda _acceptor: None)
        yield DoorSocket(acceptor, ours, max_pdu_bytes=16384, silence_seconds=5), theirs


def test_what_follows_a_pdu_that_claims_too_much_is_not_read(
    ends: tuple[DoorSocket, socket.socket],
) -> None:
    door, peer = ends
    peer.sendall(b"A" * 100)

    with pytest.raises(ConnectionAbortedError):
        door.recv(1 << 30)

    assert not door.ready


def test_what_is_whole_is_read_on(ends: tuple[DoorSocket, socket.socket]) -> None:
    door, peer = ends
    peer.sendall(b"A" * 12)

    first = door.recv(6)

    assert door.ready
    assert bytes(first + door.recv(6)) == b"A" * 12


def _data(body: bytes) -> bytes:
    return struct.pack(">BxL", 4, len(body)) + body


def test_data_is_read_pdu_by_pdu_and_what_is_none_is_left_for_the_library(
    ends: tuple[DoorSocket, socket.socket],
) -> None:
    door, peer = ends
    peer.sendall(_data(b"one") + _data(b"") + _data(b"three") + struct.pack(">BxL", 5, 4) + b"last")

    bodies = []
    while (body := door.next_data()) is not None:
        bodies.append(bytes(body))

    assert bodies == [b"one", b"", b"three"]
    assert door.ready
    assert bytes(door.recv(6)) == struct.pack(">BxL", 5, 4)
    assert bytes(door.recv(4)) == b"last"


def test_many_pdus_go_through_one_buffer(ends: tuple[DoorSocket, socket.socket]) -> None:
    door, peer = ends
    sizes = [1, 70_000, 131_072, 3, 131_000, 65_536, 0, 99_999] * 5
    bodies = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    sending = threading.Thread(target=peer.sendall, args=(b"".join(map(_data, bodies)),))
    sending.start()

    read = [bytes(door.next_data() or b"") for _ in bodies]
    sending.join()

    assert read == bodies


def test_a_peer_that_closes_within_a_pdu_has_sent_no_data(
    ends: tuple[DoorSocket, socket.socket],
) -> None:
    door, peer = ends
    peer.sendall(_data(b"whole")[:-1])
    peer.shutdown(socket.SHUT_WR)

    with pytest.raises(ConnectionAbortedError):
        door.next_data()

    assert not door.ready
