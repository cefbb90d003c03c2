"""Messages from fragments: datasets go to disk while they come, and nothing goes on for ever."""

import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pynetdicom.dsutils import encode

from deid_node.receive.dimse import messages
from deid_node.receive.dimse.messages import DataTransfer
from tests.fakes.waiting import eventually
from tests.unit.receive.test_door import House, a_ct
from tests.wire.scripted_caller import ABORT, ASSOCIATE_AC, CT, DATA, Caller, calling

PIECE = bytes(100_000)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "spool", association_seconds=20)
    yield house
    house.close()


def _partial(house: House) -> int:
    """Return the bytes of what lies there; it may go while it is looked at."""
    found = 0
    for path in house.custody.blobs.partial.iterdir():
        with suppress(FileNotFoundError):
            found += path.stat().st_size
    return found


def test_a_dataset_is_on_disk_while_it_comes_and_gone_when_it_breaks_off(house: House) -> None:
    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.command("2.25.1")
        for _ in range(10):
            script.fragment(PIECE, control=0)
        # All but what is held back for the next write.
        eventually(lambda: _partial(house) > 9 * len(PIECE) - 200_000, what="it lies on disk")
        script.send(ABORT, bytes(4))
        assert script.is_closed()

    eventually(lambda: _partial(house) == 0, what="nothing stays")
    assert house.blobs() == []


def test_messages_that_were_not_waited_for_are_all_answered(house: House) -> None:
    """More of them than are read ahead."""
    count = 30
    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        for number in range(count):
            script.command(f"2.25.{number}")
            script.fragment(b"\0" * 64, control=2)

        statuses = [script.status() for _ in range(count)]

    assert statuses == [0xC000] * count
    assert _partial(house) == 0


@pytest.mark.parametrize("control", [1, 0], ids=["command", "dataset without a command"])
def test_a_message_without_end_is_answered_by_an_abort(
    house: House, monkeypatch: pytest.MonkeyPatch, control: int
) -> None:
    monkeypatch.setattr(messages, "_LARGEST_COMMAND_BYTES", 250_000)
    monkeypatch.setattr(messages, "_LARGEST_OTHER_BYTES", 250_000)

    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        for _ in range(3):
            script.fragment(PIECE, control=control)

        assert script.receive()[0] == ABORT
    association = house.associate()
    assert association.send_c_store(a_ct()).Status == 0x0000
    association.release()


@pytest.mark.parametrize(
    "fragments",
    [
        struct.pack(">LB", 3, 1),
        struct.pack(">LBB", 3, 1, 3),
        struct.pack(">LBB", 0xFFFFFFFF, 1, 3),
        struct.pack(">LB", 1, 1) + b"\0",
        struct.pack(">LB", 0, 1) + b"\0",
    ],
    ids=["no header", "cut", "endless", "no control header", "no length"],
)
def test_a_fragment_of_an_impossible_length_is_no_primitive(fragments: bytes) -> None:
    content = struct.pack(">BxL", DATA, len(fragments)) + fragments

    with pytest.raises(ValueError, match="fragment"):
        DataTransfer(memoryview(content)).to_primitive()


def test_every_fragment_of_a_pdu_is_in_its_primitive() -> None:
    fragments = b"".join(
        struct.pack(">LBB", len(value) + 2, context, 3) + value
        for context, value in ((1, b"one"), (3, b""), (5, b"three"))
    )
    content = struct.pack(">BxL", DATA, len(fragments)) + fragments

    primitive = DataTransfer(memoryview(content)).to_primitive()

    values = [(context, bytes(value)) for context, value in primitive.presentation_data_value_list]
    assert values == [(1, b"\3one"), (3, b"\3"), (5, b"\3three")]


def _fragment(content: bytes, *, control: int, context: int = 1) -> bytes:
    return struct.pack(">LBB", len(content) + 2, context, control) + content


def _command_of(sop_instance: str, *, dataset_type: int = 0) -> bytes:
    """Return the command set of a C-STORE request."""
    parts = (
        (0x0002, CT.encode() + b"\0"),
        (0x0100, struct.pack("<H", 1)),
        (0x0110, struct.pack("<H", 1)),
        (0x0700, struct.pack("<H", 0)),
        (0x0800, struct.pack("<H", dataset_type)),
        (0x1000, sop_instance.encode() + b"\0" * (len(sop_instance) % 2)),
    )
    return b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in parts)


def _encoded() -> tuple[str, bytes]:
    dataset = a_ct()
    return str(dataset.SOPInstanceUID), encode(dataset, False, True) or b""


def test_a_message_and_the_beginning_of_the_next_may_come_in_one_pdu(house: House) -> None:
    uid, content = _encoded()
    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.send(
            DATA,
            _fragment(_command_of(uid), control=3)
            + _fragment(content[:100], control=0)
            + _fragment(content[100:], control=2)
            + _fragment(_command_of("2.25.1"), control=3),
        )
        first = script.status()
        script.fragment(b"\0" * 64, control=2)
        second = script.status()

    assert (first, second) == (0x0000, 0xC000)
    (blob,) = house.blobs()
    assert blob.read_bytes().endswith(content)


def test_a_command_may_come_bit_by_bit(house: House) -> None:
    uid, content = _encoded()
    command = _command_of(uid)
    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        for at in range(0, len(command), 9):
            script.fragment(command[at : at + 9], control=3 if at + 9 >= len(command) else 1)
        script.fragment(content, control=2)

        assert script.status() == 0x0000


def test_an_echo_between_instances_is_answered_in_its_turn(house: House) -> None:
    uid, content = _encoded()
    echo = b"".join(
        struct.pack("<HHL", 0, number, len(value)) + value
        for number, value in (
            (0x0002, b"1.2.840.10008.1.1\0"),
            (0x0100, struct.pack("<H", 0x30)),
            (0x0110, struct.pack("<H", 5)),
            (0x0800, struct.pack("<H", 0x0101)),
        )
    )
    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        statuses = []
        for _ in range(2):
            script.fragment(_command_of(uid), control=3)
            script.fragment(content, control=2)
            statuses.append(script.status())
            script.fragment(echo, control=3)
            statuses.append(script.status())

    assert statuses == [0x0000] * 4
    assert len(house.blobs()) == 1


def _sends_another_context(script: Caller) -> None:
    script.command("2.25.1")
    script.send(DATA, _fragment(b"\0" * 64, control=2, context=3))


def _sends_a_command_instead(script: Caller) -> None:
    script.command("2.25.1")
    script.command("2.25.2")


def _sends_on_no_context(script: Caller) -> None:
    script.send(DATA, _fragment(_command_of("2.25.1"), control=3, context=9))
    script.send(DATA, _fragment(b"\0" * 64, control=2, context=9))


def _sends_no_dataset(script: Caller) -> None:
    script.fragment(_command_of("2.25.1", dataset_type=0x0101), control=3)


@pytest.mark.parametrize(
    "send",
    [_sends_another_context, _sends_a_command_instead, _sends_on_no_context, _sends_no_dataset],
    ids=["dataset on another context", "command in a dataset", "no such context", "no dataset"],
)
def test_a_store_that_makes_no_sense_is_answered_by_an_abort_and_leaves_nothing(
    house: House, send: Callable[[Caller], None]
) -> None:
    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        send(script)

        assert script.receive()[0] == ABORT
        assert script.is_closed()

    eventually(lambda: _partial(house) == 0, what="nothing stays")
    assert house.blobs() == []


def test_an_abort_while_custody_is_taken_waits_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being taken into custody is not let go by the thread that ends the association."""
    reached, go_on = threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        reached.set()
        assert go_on.wait(20)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    uid, content = _encoded()
    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.fragment(_command_of(uid), control=3)
        script.fragment(content, control=2)
        assert reached.wait(20)
        (association,) = house.door.served
        # The library's own abort waits for the thread that reads.
        ending = threading.Thread(target=association.abort)
        ending.start()
        association.join(0.5)
        held_up = association.is_alive()
        go_on.set()
        ending.join(20)
        association.join(20)

    assert held_up
    assert not association.is_alive()
    assert len(house.blobs()) == len(house.offered) == 1


def test_a_pdu_longer_than_is_usual_is_taken_where_any_length_is(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", max_pdu_bytes=0)
    uid, content = _encoded()
    pixels = bytes(1 << 20)
    tail = struct.pack("<HH2sHL", 0x7FE1, 0x1010, b"OB", 0, len(pixels)) + pixels
    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.fragment(_command_of(uid), control=3)
        script.fragment(content + tail, control=2)

        assert script.status() == 0x0000
    (blob,) = house.blobs()
    assert blob.read_bytes().endswith(content + tail)
    house.close()
