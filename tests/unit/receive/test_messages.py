"""Messages from fragments: datasets go to disk while they come, and nothing goes on for ever."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.receive import messages
from deid_node.receive.messages import DataTransfer
from tests.fakes.waiting import eventually
from tests.unit.receive.test_door import House, a_ct
from tests.wire.scripted_caller import ABORT, ASSOCIATE_AC, DATA, calling

PIECE = bytes(100_000)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "spool", association_seconds=20)
    yield house
    house.close()


def _partial(house: House) -> int:
    return sum(path.stat().st_size for path in house.custody.blobs.partial.iterdir())


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
