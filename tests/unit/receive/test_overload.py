"""More callers than places, and callers that take their time."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from pynetdicom import AE

from deid_node.observe.events import Event
from deid_node.receive.dimse import transport
from deid_node.receive.dimse.acceptor import Acceptor
from deid_node.receive.dimse.transport import DoorSocket
from tests.fakes.waiting import eventually
from tests.unit.receive.test_door import House, a_ct
from tests.wire.scripted_caller import ASSOCIATE_AC, ASSOCIATE_RJ, Caller

CALLERS = 200
PLACES = 16


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(
        tmp_path / "spool",
        max_associations=PLACES,
        max_associations_per_address=PLACES,
        association_seconds=20,
    )
    yield house
    house.close()


@pytest.mark.req("REQ-NW-08")
def test_of_200_callers_at_once_as_many_are_served_as_there_are_places(house: House) -> None:
    before = set(threading.enumerate())
    links = [
        socket.create_connection(("127.0.0.1", house.door.port), timeout=60) for _ in range(CALLERS)
    ]
    answers: list[tuple[int, bytes]] = []

    def ask(link: socket.socket) -> None:
        answers.append(Caller(link).request())

    asking = [threading.Thread(target=ask, args=(link,)) for link in links]

    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(120)

    kinds = [kind for kind, _ in answers]
    assert (kinds.count(ASSOCIATE_AC), kinds.count(ASSOCIATE_RJ)) == (PLACES, CALLERS - PLACES)
    assert {body for kind, body in answers if kind == ASSOCIATE_RJ} == {bytes((0, 2, 3, 2))}
    for link in links:
        link.close()
    eventually(lambda: set(threading.enumerate()) <= before, what="every thread ends")
    association = house.associate()
    assert association.send_c_store(a_ct()).Status == 0
    association.release()


@pytest.mark.req("REQ-NW-08")
def test_one_address_does_not_take_the_places_of_the_others(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", max_associations=8, association_seconds=20)
    address = ("127.0.0.1", house.door.port)
    with ExitStack() as links:

        def ask(source: str) -> tuple[int, bytes]:
            link = socket.create_connection(address, timeout=60, source_address=(source, 0))
            return Caller(links.enter_context(link)).request()

        greedy = [ask("127.0.0.1") for _ in range(8)]
        other = [ask("127.0.0.2") for _ in range(2)]
        last = ask("127.0.0.3")

    kinds = [kind for kind, _ in greedy]
    assert kinds == [ASSOCIATE_AC] * 6 + [ASSOCIATE_RJ] * 2
    # For the moment: it may come again.
    assert greedy[-1][1] == bytes((0, 2, 3, 2))
    assert [kind for kind, _ in other] == [ASSOCIATE_AC] * 2
    assert last[0] == ASSOCIATE_RJ
    refused = [line["code"] for line in house.log.lines_of(Event.ASSOCIATION_REFUSED)]
    assert refused == ["too_many_of_address"] * 2 + ["too_many_associations"]
    house.close()


@pytest.mark.req("REQ-NW-08")
def test_a_place_that_is_given_back_can_be_had_again_by_the_same_address(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", max_associations=4, max_associations_per_address=1)
    first = house.associate()
    second = house.associate()
    first.release()
    eventually(lambda: not house.door.served, what="its place is free")

    third = house.associate()

    assert (first.is_established, second.is_rejected) == (False, True)
    assert third.is_established
    third.release()
    house.close()


@pytest.mark.req("REQ-NW-08")
def test_a_caller_that_keeps_its_association_and_says_nothing_loses_it(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", max_associations=1, association_seconds=1)
    with socket.create_connection(("127.0.0.1", house.door.port), timeout=60) as link:
        silent = Caller(link)
        assert silent.request()[0] == ASSOCIATE_AC

        assert silent.is_closed()

    eventually(lambda: not house.door.served, what="its place is free")
    association = house.associate()
    assert association.send_c_echo().Status == 0
    association.release()
    house.close()


@pytest.mark.req("REQ-NW-08")
def test_a_caller_is_not_taken_for_silent_while_it_waits_for_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may take longer to answer than a caller may say nothing."""
    house = House(tmp_path / "spool", association_seconds=1)
    write = house.custody.write

    def slow(work: Any, **named: Any) -> Any:
        sleep(1.5)
        return write(work, **named)

    monkeypatch.setattr(house.custody, "write", slow)
    association = house.associate()

    # Twice the same bytes: the second is answered on the same association.
    statuses = [association.send_c_store(a_ct()).Status for _ in range(2)]

    assert statuses == [0x0000, 0x0000]
    assert association.is_established
    association.abort()
    house.close()


@pytest.mark.req("REQ-NW-08")
def test_a_pdu_that_comes_byte_by_byte_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time; the whole would take for ever."""
    monkeypatch.setattr(transport, "_LEAST_BYTES_PER_SECOND", 100)
    over = threading.Event()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as theirs,
        listener.accept()[0] as ours,
    ):
        door = DoorSocket(
            Acceptor(AE("DEIDNODE"), lambda _acceptor: None),
            ours,
            max_pdu_bytes=16384,
            silence_seconds=0.3,
        )

        def dribble() -> None:
            while not over.is_set():
                theirs.sendall(b"x")
                sleep(0.05)

        dribbling = threading.Thread(target=dribble)
        dribbling.start()
        began = monotonic()
        with pytest.raises(TimeoutError):
            door.recv(100)
        took_seconds = monotonic() - began
        over.set()
        dribbling.join()

    assert 1.0 < took_seconds < 4
