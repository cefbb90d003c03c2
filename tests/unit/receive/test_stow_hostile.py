"""Callers who send what makes no sense, too much, too slowly, or stop half way.

What was whole is in custody and stands in the answer, whatever came after it; what was
not whole leaves nothing behind; and the next caller is served.
"""

import gzip
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deid_node.observe.events import Event
from deid_node.receive.stow.gatekeeper import StowTerms
from deid_node.receive.stow.multipart import MOST_PARTS
from deid_node.receive.stow_options import StowOptions
from tests.builders.stow import RELATED, body, part_ten, request
from tests.fakes.stow_house import StowHouse, answer_on, stow_house
from tests.fakes.waiting import eventually

WHOLE = body([part_ten()])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[StowHouse]:
    with stow_house(tmp_path / "spool") as built:
        yield built
        # Whatever was done to it: it still serves, and nothing lies about.
        assert built.ask(request(body([part_ten("1.2.3.99")]))).stored == ["1.2.3.99"]
        assert eventually(lambda: not built.partial(), what="nothing is left half way")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request(WHOLE, method="GET"), 405),
        (request(WHOLE, method="HEAD"), 405),
        (request(WHOLE, method="PUT"), 405),
        (request(WHOLE, target="/"), 404),
        (request(WHOLE, target="/dicom-web/series"), 404),
        (request(WHOLE, target="/dicom-web/studies/1.2/series"), 404),
        (request(WHOLE, target="/dicom-web/studiesX"), 404),
        (request(WHOLE, target="//[/dicom-web/studies"), 404),
        (request(WHOLE, target="/dicom-web/studies/not-a-uid"), 400),
        (request(WHOLE, target=f"/dicom-web/studies/1{'.2' * 40}"), 400),
        (request(WHOLE, headers=[("Accept", "text/html")]), 406),
        (request(WHOLE, headers=[("Accept", "application/dicom+json;q=0")]), 406),
        (request(WHOLE, headers=[("Accept", "application/dicom+json;q=high")]), 406),
        (request(WHOLE, headers=[("Expect", "a miracle")]), 417),
        (request(WHOLE).replace(b"Content-Length", b"X-Nothing"), 411),
        (request(WHOLE, content_type="application/dicom"), 415),
        (request(WHOLE, content_type="multipart/form-data; boundary=x"), 415),
        (request(WHOLE, content_type=RELATED.replace("dicom", "dicom+json")), 415),
        (request(WHOLE, content_type='multipart/related; type="application/dicom"'), 400),
        (request(WHOLE, content_type=f"multipart/related; boundary={'b' * 201}"), 400),
        (request(WHOLE, content_type='multipart/related; boundary=" "'), 400),
        (request(gzip.compress(WHOLE), headers=[("Content-Encoding", "gzip")]), 415),
        (request(WHOLE, length=1 << 40), 413),
        (request(WHOLE, headers=[("X", "y" * 600_000)]), 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n", 400),
        (b"POST /dicom-web/studies HTTP/1.1\r\n\r\n", 400),
        (request(WHOLE, headers=[("Transfer-Encoding", "gzip, chunked")]), 501),
        (b"NOISE\r\n\r\n", 400),
        (request(b"").replace(b"Length: 0", b"Length: " + b"9" * 5000), 400),
        (request(b"").replace(b"Length: 0", b"Length: 5, 6"), 400),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, int) else "",
)
def test_what_is_asked_for_wrongly_is_refused_by_its_head(
    asked: bytes, status: int, house: StowHouse
) -> None:
    if b"HEAD" in asked[:4]:
        with house.call() as connection:
            connection.sendall(asked)
            answer = answer_on(connection, method="HEAD")
    else:
        answer = house.ask(asked)

    assert answer.status == status
    assert (house.kept(), house.partial()) == ([], [])
    assert len(house.log.lines_of(Event.REQUEST_REFUSED)) == 1
    assert house.count("associations", result="refused") == 1


def test_a_refusal_says_what_would_be_taken(house: StowHouse) -> None:
    assert house.ask(request(b"", method="GET")).headers["allow"] == "POST"
    assert "multipart/related" in house.ask(request(b"", content_type="a/b")).headers["accept"]
    squeezed = house.ask(request(b"", headers=[("Content-Encoding", "gzip")]))
    assert squeezed.headers["accept-encoding"] == "identity"
    assert squeezed.headers["connection"] == "close"


FIRST, SECOND = part_ten("1.2.3.4"), part_ten("1.2.3.5")
TWO = body([FIRST, SECOND])


@pytest.mark.parametrize(
    ("content", "status", "stored", "others"),
    [
        (body([FIRST, SECOND], closing=""), 202, ["1.2.3.4", "1.2.3.5"], 1),
        (TWO[:-30], 202, ["1.2.3.4"], 0),
        (TWO.replace(SECOND, b""), 202, ["1.2.3.4"], 1),
        (TWO.replace(SECOND, SECOND[:140]), 202, ["1.2.3.4"], 1),
        (TWO.replace(SECOND, bytes(200)), 202, ["1.2.3.4"], 1),
        (TWO + b"an epilogue", 200, ["1.2.3.4", "1.2.3.5"], 0),
        (body([]) + FIRST, 400, [], 0),
        (b"", 400, [], 1),
        (b"no boundary at all", 400, [], 1),
        (body([FIRST], boundary="another"), 400, [], 1),
        (body([FIRST], headers=[("Content-Type", "application/pdf")]), 409, [], 1),
        (body([FIRST], headers=[("Content-Transfer-Encoding", "base64")]), 409, [], 1),
        (body([FIRST], headers=[("Content-Encoding", "gzip")]), 409, [], 1),
        (body([FIRST], headers=[]), 200, ["1.2.3.4"], 0),
        (body([FIRST], headers=[(f"X-{n}", "y") for n in range(17)]), 400, [], 1),
        (body([FIRST], headers=[("X", "y" * 5000)]), 400, [], 1),
        (body([FIRST], headers=[("X Y", "z")]), 400, [], 1),
        (body([FIRST]).replace(b"DICM", b"DOCM"), 409, [], 1),
    ],
    ids=[
        "no closing", "cut", "empty part", "no dataset", "zeros", "epilogue", "nothing and more",
        "nothing", "no boundary", "another boundary", "another type", "base64", "squeezed part",
        "no headers", "many headers", "a long header", "an odd header", "no file",
    ],
)  # fmt: skip
def test_what_was_whole_is_named_whatever_becomes_of_the_rest(
    content: bytes, status: int, stored: list[str], others: int, house: StowHouse
) -> None:
    answer = house.ask(request(content))

    assert (answer.status, answer.stored) == (status, stored)
    assert house.kept() == stored
    assert len(answer.report.others) == others


def test_a_file_that_breaks_off_is_told_under_its_name(house: StowHouse) -> None:
    answer = house.ask(request(TWO[:-30]))

    assert (answer.status, answer.failed) == (202, [("1.2.3.5", 0xC000)])


def test_a_request_beyond_its_largest_size_is_broken_off_and_answered(tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool", max_request_bytes=20_000) as house:
        head = request(b"", headers=[("Transfer-Encoding", "chunked")]).replace(
            b"Content-Length: 0\r\n", b""
        )
        begin = body([FIRST, part_ten("1.2.3.5", filling=50_000)])
        answer = house.ask(head + b"%x\r\n%b\r\n" % (len(begin), begin))

        assert (answer.status, answer.stored) == (202, ["1.2.3.4"])
        alone = body([part_ten("1.2.3.6", filling=50_000)])
        refused = house.ask(head + b"%x\r\n%b\r\n" % (len(alone), alone))
        assert (refused.status, refused.failed) == (413, [("1.2.3.6", 0xC000)])
        assert house.partial() == []


def test_parts_without_end_are_not_listened_to(house: StowHouse) -> None:
    nothing = body([b""] * 3000)

    answer = house.ask(request(nothing))

    assert answer.status == 400
    # Not as many lines as a stranger likes.
    assert len(house.log.lines_of(Event.INSTANCE_REFUSED)) == 101
    assert MOST_PARTS == 100_000


@pytest.mark.parametrize(
    "chunk",
    [b"zz\r\n", b"-1\r\n", b"ffffffffffffffffffffffffff\r\n", b"5" * 20_000, b"3\r\nabcdef\r\n"],
    ids=["no number", "negative", "beyond belief", "without end", "longer than it says"],
)
def test_chunks_that_make_no_sense_are_answered(chunk: bytes, house: StowHouse) -> None:
    head = request(b"", headers=[("Transfer-Encoding", "chunked")]).replace(
        b"Content-Length: 0\r\n", b""
    )
    begin = body([FIRST], closing="")

    answer = house.ask(head + b"%x\r\n%b\r\n" % (len(begin), begin) + chunk)

    assert (answer.status, answer.stored) == (202, ["1.2.3.4"])


@pytest.mark.parametrize(
    "tail", [b"", b"\r\n--", b"A: b\r\n\r\n" + SECOND[:300]], ids=["at once", "a bit", "amid"]
)
def test_who_falls_silent_hears_what_is_stored(tail: bytes, tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool", silence_seconds=0.3) as house:
        answer = house.ask(request(body([FIRST], closing="") + tail, length=1 << 20))

        assert (answer.status, answer.stored) == (202, ["1.2.3.4"])
        assert house.partial() == []
        assert eventually(
            lambda: house.count("associations", result="aborted") == 1, what="it is counted"
        )


def test_who_is_slow_from_the_start_is_told_so(tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool", silence_seconds=0.3) as house:
        assert house.ask(b"POST /dicom-web/stu").status == 408
        assert house.ask(request(b"", length=100)).status == 408


def test_a_drip_has_an_end(tmp_path: Path) -> None:
    """A byte now and then is no silence, and still takes a place from others."""
    with stow_house(tmp_path / "spool", silence_seconds=0.4) as house, house.call() as connection:
        connection.sendall(request(b"", length=100_000))
        connection.settimeout(0.05)
        drips = 0
        while _is_open(connection):
            connection.sendall(b"\r")
            drips += 1

        assert drips


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return True


def test_a_line_that_says_nothing_costs_nothing(tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool", silence_seconds=0.2) as house, house.call() as connection:
        assert connection.recv(1) == b""
        assert house.log.lines_of(Event.REQUEST_REFUSED) == []


def test_who_refuses_to_be_served_too_often_is_not_listened_to(tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool", max_refusals_per_minute=3) as house:
        for _ in range(3):
            assert house.ask(b"NOISE\r\n\r\n").status == 400
        with house.call() as connection:
            assert connection.recv(1) == b""
        assert house.count("refusals", code="refused_often") == 1


def test_a_look_out_may_ask_as_often_as_it_likes(tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool", max_refusals_per_minute=3) as house:
        assert {house.ask(request(b"", method="GET")).status for _ in range(9)} == {405}


def test_more_requests_than_places_are_told_to_come_again(tmp_path: Path) -> None:
    options = {"max_requests": 2, "max_requests_per_address": 1}
    with stow_house(tmp_path / "spool", **options) as house, house.call() as first:
        first.sendall(request(WHOLE)[:-10])
        eventually(lambda: house.count("associations", result="accepted"), what="it is served")

        answer = house.ask(request(WHOLE))

        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert house.count("refusals", code="too_many_of_address") == 1
        first.sendall(WHOLE[-10:])
        assert answer_on(first).status == 200
        assert eventually(lambda: house.ask(request(WHOLE)).status == 200, what="a place is free")


def test_all_places_taken_is_told_too(tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool", max_requests=1) as house, house.call() as first:
        first.sendall(request(WHOLE)[:-10])
        eventually(lambda: house.count("associations", result="accepted"), what="it is served")

        assert house.ask(request(WHOLE)).status == 503
        assert house.count("refusals", code="too_many_requests") == 1


def test_new_terms_count_from_the_next_request_on(house: StowHouse) -> None:
    with house.call() as connection:
        connection.sendall(request(body([part_ten("1.2.3.1")])))
        assert answer_on(connection).status == 200

        elsewhere = {"peers": [{"name": "ct", "address": "10.9.9.9"}]}
        house.door.adopt(StowTerms(StowOptions.model_validate(elsewhere)))
        connection.sendall(request(body([part_ten("1.2.3.2")])))

        assert answer_on(connection).status == 403
    house.door.adopt(StowTerms(StowOptions()))


def test_a_door_that_closes_lets_those_finish_who_are_served(tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool") as house, house.call() as first, house.call() as idle:
        first.sendall(request(WHOLE)[:-10])
        eventually(lambda: house.count("associations", result="accepted"), what="it is served")
        house.door.stop_accepting()

        with pytest.raises(ConnectionRefusedError):
            house.call()
        assert house.door.trouble() == "closing"
        first.sendall(WHOLE[-10:])
        assert answer_on(first).stored == ["1.2.3.4"]
        idle.sendall(request(WHOLE))
        assert answer_on(idle).status == 503


def test_a_door_that_has_closed_holds_no_connection(tmp_path: Path) -> None:
    with stow_house(tmp_path / "spool") as house, house.call() as half, house.call() as idle:
        half.sendall(request(WHOLE)[:-10])
        eventually(lambda: house.count("associations", result="accepted"), what="it is served")

        house.door.stop(finish_seconds=0.1)

        assert idle.recv(1) == b""
        assert (house.kept(), house.partial()) == ([], [])


@pytest.mark.parametrize("ends", [socket.socket.close, lambda one: one.shutdown(1)])
def test_a_request_that_is_cut_anywhere_is_acknowledged_or_not_in_custody_by_halves(
    ends: Callable[[socket.socket], None], tmp_path: Path
) -> None:
    """At every byte: what the answer names is in custody; nothing else is left half way."""
    content = request(TWO)
    with stow_house(tmp_path / "spool", max_refusals_per_minute=0) as house:
        for length in range(0, len(content), 1 if ends is not socket.socket.close else 3):
            named = []
            with house.call() as connection:
                connection.sendall(content[:length])
                ends(connection)
                if connection.fileno() != -1 and length:
                    answer = answer_on(connection)
                    named = answer.stored if answer.status in {200, 202} else []
            assert set(named) <= set(house.kept())
        assert eventually(lambda: not house.partial(), what="nothing is left half way")
        assert house.ask(content).stored == ["1.2.3.4", "1.2.3.5"]
        assert house.kept() == ["1.2.3.4", "1.2.3.5"]
