"""Messages that cannot be understood: the association ends in order, and nothing is quoted."""

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.waiting import eventually
from tests.unit.receive.test_door import House
from tests.wire.scripted_caller import ABORT, ASSOCIATE_AC, CT, Caller, calling

HERS = b"Canarybird^Tweety"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "spool", max_associations=1)
    yield house
    house.close()


def _element(number: int, value: bytes, group: int = 0) -> bytes:
    return struct.pack("<HHL", group, number, len(value)) + value


def _number(value: int) -> bytes:
    return struct.pack("<H", value)


SOP_CLASS = _element(0x0002, CT.encode() + b"\0")


@pytest.mark.req("REQ-NW-05")
@pytest.mark.parametrize(
    "command",
    [
        SOP_CLASS + _element(0x0800, _number(0x0101)),
        SOP_CLASS + _element(0x0100, _number(1)),
        _element(0x0100, _number(0)) + _element(0x0800, _number(0x0101)),
        _element(0x0005, b"ISO_IR 192\0" + HERS, group=8) + _element(0x0010, HERS, group=16),
        _element(0x0100, b"") + _element(0x0800, b""),
    ],
    ids=["no field", "no data set type", "unknown field", "a dataset", "no values"],
)
def test_a_command_that_makes_no_sense_is_answered_by_an_abort(
    house: House, command: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())

    with calling(house.door.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.fragment(command, control=3)
        kind, _ = script.receive()
        closed = script.is_closed()

    assert (kind, closed) == (ABORT, True)
    _is_as_before(house, before)
    assert capfd.readouterr() == ("", "")


@pytest.mark.req("REQ-NW-05")
def test_a_request_with_a_context_of_an_even_number_is_answered_by_an_abort(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())

    with calling(house.door.port) as script:
        _ask_for_context_2(script)
        kind, _ = script.receive()
        closed = script.is_closed()

    assert (kind, closed) == (ABORT, True)
    _is_as_before(house, before)
    assert capfd.readouterr() == ("", "")


def _ask_for_context_2(script: Caller) -> None:
    syntax = b"1.2.840.10008.1.2"
    inside = (
        struct.pack(">B3x", 2)
        + struct.pack(">BxH", 0x30, len(CT)) + CT.encode()
        + struct.pack(">BxH", 0x40, len(syntax)) + syntax
    )  # fmt: skip
    context = struct.pack(">BxH", 0x20, len(inside)) + inside
    names = b"DEIDNODE".ljust(16) + HERS[:16].ljust(16)
    script.send(1, struct.pack(">H2x", 1) + names + bytes(32) + context)


def _is_as_before(house: House, before: set[threading.Thread]) -> None:
    """No thread stays, and the only place is free."""
    eventually(lambda: set(threading.enumerate()) <= before, what="every thread ends")
    association = house.associate()
    assert association.send_c_echo().Status == 0x0000
    association.release()
