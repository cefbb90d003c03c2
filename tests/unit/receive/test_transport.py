"""A connection that failed once is not read again."""

import socket
from collections.abc import Iterator

import pytest
from pynetdicom import AE

from deid_node.receive.acceptor import Acceptor
from deid_node.receive.transport import DoorSocket


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
