"""AE titles as devices write them are taken or rejected in the open, never aborted in silence."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom.dsutils import split_dataset

from deid_node.observe.events import Event
from deid_node.receive.dimse.acceptor import with_plain_titles
from tests.builders.samples import packaged
from tests.fakes.waiting import eventually
from tests.unit.receive.test_door_callers import House
from tests.wire.scripted_caller import ABORT, ASSOCIATE_AC, ASSOCIATE_RJ, calling

OURS = b"DEIDNODE"


def padded(title: bytes, padding: bytes) -> bytes:
    return title + padding * (16 - len(title))


@pytest.fixture
def open_house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "open")
    yield house
    house.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A door that knows two callers, one of them by a title that looks like a stand-in."""
    names = {"scanner": "SCANNER", "odd": "R?NTGEN"}
    peers = [{"name": name, "ae_title": title} for name, title in names.items()]
    house = House(tmp_path / "known", peers=peers)
    yield house
    house.close()


def diagnosis(body: bytes) -> tuple[int, int, int]:
    """Result, source and reason of A-ASSOCIATE-RJ (PS3.8 Table 9-21)."""
    return body[1], body[2], body[3]


@pytest.mark.req("REQ-NW-05")
@pytest.mark.parametrize(
    ("called", "caller"),
    [
        (padded(OURS, b"\x00"), padded(b"SCANNER", b"\x00")),
        (padded(OURS, b" "), padded(b"SCANNER", b"\x00")),
        (padded(OURS, b"\x00"), padded(b"SCANNER", b" ")),
        (b"DEIDNODE \x00\x00\x00\x00\x00\x00\x00", b"  SCANNER\x00      "),
        (b"DEIDNODE\x00garbag\xe9", b"SCANNER\x00\xff\xfe\x01stack"),
    ],
    ids=["both", "caller", "called", "mixed", "behind a zero"],
)
def test_titles_that_are_filled_up_with_zeros_are_taken(
    house: House, called: bytes, caller: bytes
) -> None:
    path = packaged("CT_small.dcm")
    _, offset = split_dataset(path)

    with calling(house.door.port) as script:
        kind, _ = script.request(called=called, calling=caller)
        script.command(str(dcmread(path).SOPInstanceUID))
        script.fragment(path.read_bytes()[offset:], control=2)
        status = script.status()

    assert (kind, status) == (ASSOCIATE_AC, 0x0000)
    (line,) = house.log.lines_of(Event.INSTANCE_RECEIVED)
    assert line["peer"] == "scanner"


@pytest.mark.req("REQ-NW-05")
@pytest.mark.parametrize(
    "caller",
    [
        "RÖNTGEN".encode("latin-1"),
        "RÖNTGEN".encode(),
        "РЕНТГЕН".encode("iso8859-5"),
        b"R\\NTGEN",
        b"R\x07NTGEN",
        b"",
        bytes(16),
        b"\xff" * 16,
    ],
    ids=["latin", "utf-8", "cyrillic", "backslash", "bell", "spaces", "zeros", "ones"],
)
def test_a_title_that_is_none_is_rejected_in_the_open_where_callers_are_known(
    house: House, caller: bytes
) -> None:
    with calling(house.door.port) as script:
        kind, body = script.request(calling=padded(caller, b" "))

    assert (kind, diagnosis(body)) == (ASSOCIATE_RJ, (1, 1, 3))
    assert house.refusals("calling_ae_unknown") == 1
    (line,) = house.log.lines_of(Event.ASSOCIATION_REFUSED)
    assert line["code"] == "calling_ae_unknown"
    assert "NTGEN" not in house.log.text


def test_who_is_turned_away_is_told_by_address_and_on_request_by_title(
    tmp_path: Path, house: House
) -> None:
    with calling(house.door.port) as script:
        script.request(calling=padded(b"CT_NEW", b" "))
    (quiet,) = house.log.lines_of(Event.ASSOCIATION_REFUSED)
    peers = [{"name": "scanner", "ae_title": "SCANNER"}]
    telling = House(tmp_path / "telling", peers=peers, log_ae_titles=True)
    with calling(telling.door.port) as script:
        script.request(calling=padded(b"CT_NEW", b" "))
    (told,) = telling.log.lines_of(Event.ASSOCIATION_REFUSED)
    telling.close()

    assert quiet["caller"] == "127.0.0.1"
    assert "CT_NEW" not in house.log.text
    assert (told["calling_ae"], told["called_ae"]) == ("CT_NEW", "DEIDNODE")


@pytest.mark.parametrize("caller", ["RÖNTGEN".encode("latin-1"), b"", b"\x00", b"R\\NTGEN"])
def test_a_title_that_is_none_is_taken_where_anybody_may_send(
    open_house: House, caller: bytes
) -> None:
    with calling(open_house.door.port) as script:
        kind, _ = script.request(calling=padded(caller, b" "))

    assert kind == ASSOCIATE_AC


@pytest.mark.parametrize("called", ["DEIDNÖDE".encode("latin-1"), b"", bytes(16), b"DEIDNODE2"])
def test_a_called_title_that_is_not_ours_is_rejected_in_the_open(
    house: House, called: bytes
) -> None:
    with calling(house.door.port) as script:
        kind, body = script.request(called=padded(called, b" "))

    assert (kind, diagnosis(body)) == (ASSOCIATE_RJ, (1, 1, 7))
    assert house.refusals("called_ae_unknown") == 1
    assert [line["code"] for line in house.log.lines_of(Event.ASSOCIATION_REFUSED)] == [
        "called_ae_unknown"
    ]


@pytest.mark.req("REQ-NW-05")
def test_a_request_that_cannot_be_read_is_counted_and_told(house: House) -> None:
    with calling(house.door.port) as script:
        names = padded(OURS, b" ") + padded(b"SCANNER", b" ")
        script.send(1, b"\x00\x01\x00\x00" + names + bytes(32) + b"\x10\x00\xff\xff\x31")
        kind, _ = script.receive()
        assert script.is_closed()

    assert kind == ABORT
    eventually(lambda: house.refusals("not_understood") == 1, what="it is counted")
    (line,) = house.log.lines_of(Event.CONNECTION_REFUSED)
    assert (line["code"], line["level"]) == ("not_understood", "warning")


def test_a_request_that_is_cut_short_stays_as_it_is() -> None:
    for length in range(42):
        request = bytearray(b"\xff" * length)
        assert with_plain_titles(request) == (request, True)
