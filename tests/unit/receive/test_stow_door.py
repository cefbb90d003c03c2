"""The door of STOW-RS on a real socket, with requests as they should be."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from pydicom import dcmread

from deid_node.errors import SpoolFull
from deid_node.observe.events import Event
from tests.builders.stow import (
    CT,
    body,
    chunked,
    instance_uid,
    packaged_file,
    part_ten,
    request,
)
from tests.fakes.stow_house import StowHouse, answer_on, stow_house
from tests.fakes.waiting import eventually


@pytest.fixture
def house(tmp_path: Path) -> Iterator[StowHouse]:
    with stow_house(tmp_path / "spool") as built:
        yield built


@pytest.mark.req("REQ-RX-28")
def test_what_is_named_as_stored_is_in_custody(house: StowHouse) -> None:
    answer = house.ask(request(body([part_ten("1.2.3.4"), part_ten("1.2.3.5")])))

    assert answer.status == 200
    assert answer.stored == ["1.2.3.4", "1.2.3.5"]
    assert answer.report.failed == ()
    assert house.kept() == ["1.2.3.4", "1.2.3.5"]
    assert {str(dcmread(blob).SOPInstanceUID) for blob in house.blobs()} == set(answer.stored)
    assert (len(house.offered), house.partial()) == (2, [])


def test_the_answer_is_the_module_of_the_standard(house: StowHouse) -> None:
    answer = house.ask(request(body([part_ten()])))

    assert answer.headers["content-type"] == "application/dicom+json"
    assert json.loads(answer.content) == {
        "00081190": {"vr": "UR"},
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [CT]},
                    "00081155": {"vr": "UI", "Value": ["1.2.3.4"]},
                    "00081190": {"vr": "UR"},
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/dicom+json", "application/dicom+json"),
        ("application/json", "application/json"),
        ("*/*", "application/dicom+json"),
        ("text/html, application/dicom+xml;q=0.4, application/dicom+json;q=0.3", "…+xml"),
        ("application/dicom+xml", "…+xml"),
    ],
)
def test_the_answer_has_the_form_that_is_asked_for(
    accept: str, content_type: str, house: StowHouse
) -> None:
    answer = house.ask(request(body([part_ten()]), headers=[("Accept", accept)]))

    assert answer.headers["content-type"] == content_type.replace("…", "application/dicom")
    assert answer.stored == ["1.2.3.4"]
    if content_type == "…+xml":
        assert ET.fromstring(answer.content).tag.endswith("NativeDicomModel")


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "image_dfl.dcm", "MR_small_bigendian.dcm"],
)
def test_the_dataset_is_kept_as_it_was_encoded(name: str, house: StowHouse) -> None:
    sent = packaged_file(name)

    answer = house.ask(request(body([sent])))

    assert answer.stored == [instance_uid(sent)]
    (blob,) = house.blobs()
    kept, original = dcmread(blob), dcmread(BytesIO(sent))
    assert kept.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    tail = sent[_dataset_begins(sent) :]
    assert blob.read_bytes().endswith(tail)
    assert len(tail) > 500


def test_a_boundary_of_two_uuids_is_one(house: StowHouse) -> None:
    """Longer than the Standard of parts allows; a known archive sends it."""
    boundary = f"{uuid4()}-{uuid4()}"
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'

    answer = house.ask(request(body([part_ten()], boundary=boundary), content_type=kind))

    assert answer.stored == ["1.2.3.4"]


def test_the_same_instance_again_is_the_same_in_custody(house: StowHouse) -> None:
    content = request(body([part_ten()]))

    first, again = house.ask(content), house.ask(content)

    assert (first.status, again.status) == (200, 200)
    assert first.stored == again.stored
    assert len(house.blobs()) == 1
    assert len(house.log.lines_of(Event.INSTANCE_REPEATED)) == 1


def test_a_body_in_chunks_is_taken(house: StowHouse) -> None:
    content = request(b"", headers=[("Transfer-Encoding", "chunked")]).replace(
        b"Content-Length: 0\r\n", b""
    )

    answer = house.ask(content + chunked(body([part_ten(filling=5000)]), size=37))

    assert (answer.status, answer.stored) == (200, ["1.2.3.4"])


def test_one_connection_carries_many_requests(house: StowHouse) -> None:
    with house.call() as connection:
        stored = []
        for number in range(3):
            connection.sendall(request(body([part_ten(f"1.2.3.{number}")])))
            stored += answer_on(connection).stored

    assert stored == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]


def test_who_asks_before_it_sends_is_told_to_go_on(house: StowHouse) -> None:
    content = body([part_ten()])
    head = request(content, headers=[("Expect", "100-continue")])[: -len(content)]
    with house.call() as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(content)

        assert answer_on(connection).status == 200


def test_the_study_of_the_address_is_the_only_one_that_is_taken(house: StowHouse) -> None:
    parts = [part_ten("1.2.3.4", study="1.2.9"), part_ten("1.2.3.5", study="1.2.8")]

    answer = house.ask(request(body(parts), target="/dicom-web/studies/1.2.9"))

    assert answer.status == 202
    assert (answer.stored, answer.failed) == (["1.2.3.4"], [("1.2.3.5", 0xA900)])
    assert house.kept() == ["1.2.3.4"]


def test_an_instance_that_is_another_is_refused_by_the_table_of_c_store(house: StowHouse) -> None:
    lying = part_ten("1.2.3.4").replace(
        b"\x08\x00\x18\x00UI\x08\x001.2.3.4", b"\x08\x00\x18\x00UI\x08\x001.2.3.9"
    )

    answer = house.ask(request(body([lying])))

    assert (answer.status, answer.failed) == (409, [("1.2.3.4", 0xA900)])
    assert house.kept() == []


def test_noise_among_instances_costs_none_of_them(house: StowHouse) -> None:
    answer = house.ask(request(body([part_ten("1.2.3.4"), b"noise", part_ten("1.2.3.5")])))

    assert (answer.status, answer.stored) == (202, ["1.2.3.4", "1.2.3.5"])
    assert answer.report.others == (0xC000,)
    assert [line["code"] for line in house.log.lines_of(Event.INSTANCE_REFUSED)] == [
        "dataset_unreadable"
    ]


def test_a_transfer_syntax_that_nobody_can_parse_is_named(house: StowHouse) -> None:
    odd = part_ten().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0")

    answer = house.ask(request(body([odd])))

    assert (answer.status, answer.failed) == (409, [("1.2.3.4", 0xC122)])


def test_other_bytes_under_a_known_uid_are_taken_and_withheld(house: StowHouse) -> None:
    house.ask(request(body([part_ten(rows=4)])))
    answer = house.ask(request(body([part_ten(rows=5)])))

    assert (answer.status, answer.stored) == (200, ["1.2.3.4"])
    assert [line["code"] for line in house.log.lines_of(Event.INSTANCE_WITHHELD)] == [
        "uid_conflict"
    ]


def test_a_full_disk_is_told_before_anything_is_sent(house: StowHouse) -> None:
    house.room = False

    answer = house.ask(request(body([part_ten()])))

    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert house.door.trouble() == "no_room"
    house.room = True
    assert house.ask(request(body([part_ten()]))).status == 200


def test_a_disk_that_fills_up_in_between_costs_what_came_after(
    house: StowHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = [part_ten(f"1.2.3.{number}") for number in range(3)]
    asked = 0

    def fills_up() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise SpoolFull("no room")

    monkeypatch.setattr(house.custody, "require_room", fills_up)

    answer = house.ask(request(body(content)))

    assert (answer.status, answer.stored) == (202, ["1.2.3.0"])
    assert answer.failed == [("1.2.3.1", 0xA700), ("1.2.3.2", 0xA700)]
    assert house.kept() == ["1.2.3.0"]


def test_a_disk_that_takes_nothing_says_when_to_come_again(
    house: StowHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise SpoolFull("no room")

    monkeypatch.setattr(house.custody, "require_room", full)

    answer = house.ask(request(body([part_ten()])))

    assert (answer.status, answer.failed) == (503, [("1.2.3.4", 0xA700)])
    assert answer.headers["retry-after"] == "60"


def test_what_happens_is_logged_counted_and_put_on_record(house: StowHouse) -> None:
    house.ask(request(body([part_ten("1.2.3.4"), part_ten("1.2.3.5"), b"noise"])))

    (line,) = eventually(
        lambda: house.log.lines_of(Event.REQUEST_ANSWERED), what="the request is told"
    )
    assert (line["peer"], line["count"], line["failed"], line["http_status"]) == ("any", 2, 1, 202)
    assert house.count("instances_received", peer="any") == 2
    assert house.count("associations", result="accepted") == 1
    told = eventually(lambda: house.told, what="the trail is told")
    assert [(one.objects[0].id, one.participants[0].access_point) for one in told] == [
        ("new-1.2.3", "127.0.0.1")
    ]
    assert "Nobody" not in house.log.text


def test_who_is_on_no_list_takes_turns_by_its_address(house: StowHouse) -> None:
    house.ask(request(body([part_ten()])))

    assert list(house.offered.values()) == ["127.0.0.1"]


def _dataset_begins(content: bytes) -> int:
    length = int.from_bytes(content[140:144], "little")
    return 144 + length
