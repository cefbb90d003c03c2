"""Callers that err, break off or speak nonsense; after each the node goes on serving."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom.dsutils import split_dataset

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.scanner import send
from deid_node.demo.server import RunningNode
from tests.fakes.waiting import eventually
from tests.wire.nodes import AE_TITLE, NodeFolder, node_folder
from tests.wire.scripted_caller import ABORT, ASSOCIATE_AC, ASSOCIATE_RJ, calling

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bad_callers")]

SHORT_SILENCE_SECONDS = 3


@dataclass(frozen=True)
class Bench:
    """A running node and a place for files."""

    folder: NodeFolder
    node: RunningNode


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Run a node that knows two callers, soon tires of silence, and survives the module."""
    root = tmp_path_factory.mktemp("bad_callers")
    folder = node_folder(
        root / "node",
        receive={
            "peers": [
                {"name": "scanner", "ae_title": "SCANNER", "address": "127.0.0.0/8"},
                {"name": "script", "ae_title": "SCRIPT"},
                {"name": "elsewhere", "ae_title": "ELSEWHERE", "address": "192.0.2.0/24"},
            ],
            "association_seconds": SHORT_SILENCE_SECONDS,
        },
    )
    with folder.running() as node:
        yield Bench(folder, node)
        assert node.stop() == 0


@pytest.fixture(autouse=True)
def still_serving(bench: Bench, tmp_path: Path) -> Iterator[None]:
    """After each test a good instance must be taken and delivered, and nothing else appear."""
    before = len(bench.folder.journeys())
    yield
    added = len(bench.folder.journeys()) - before
    path = _instance(tmp_path / "good.dcm", f"2.25.{abs(hash(str(tmp_path)))}")
    (answer,) = send([path], port=bench.node.port, called=AE_TITLE)
    assert answer.status == 0x0000
    journeys = bench.folder.wait_until_ended(before + added + 1)
    assert journeys[-1].clean is not None
    partial = bench.folder.root / "spool" / "partial"
    eventually(lambda: not any(partial.iterdir()), what="no half-written blob stays")


def _instance(path: Path, uid: str) -> Path:
    dataset = dcmread(shipped("CT_small.dcm"))
    give_uid(dataset, uid)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _dataset(path: Path) -> bytes:
    _, offset = split_dataset(path)
    return path.read_bytes()[offset:]


@pytest.mark.parametrize(
    ("called", "caller", "diagnostic"),
    [
        ("SOMEBODY", "SCANNER", 7),
        (AE_TITLE, "STRANGER", 3),
        (AE_TITLE, "ELSEWHERE", 3),
        (AE_TITLE.lower(), "SCANNER", 7),
    ],
    ids=["wrong called title", "unknown caller", "wrong address", "called title in lower case"],
)
def test_a_caller_who_is_not_known_is_rejected_with_the_reason(
    bench: Bench, called: str, caller: str, diagnostic: int
) -> None:
    with calling(bench.node.port) as script:
        kind, body = script.request(called=called, calling=caller)

    # PS3.8 Table 9-21: rejected for good, by the service user, for this reason.
    assert (kind, tuple(body)) == (ASSOCIATE_RJ, (0, 1, 1, diagnostic))


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: node\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
        bytes(4096),
        b"\xff" * 4096,
        struct.pack(">BxL", 1, 0xFFFFFFF0) + b"A" * 100,
        struct.pack(">BxL", 4, 12) + b"B" * 12,
    ],
    ids=["http", "tls", "zeros", "ones", "endless request", "data before the association"],
)
def test_garbage_on_the_port_ends_the_connection(bench: Bench, garbage: bytes) -> None:
    with calling(bench.node.port) as script:
        script.link.sendall(garbage)

        assert script.is_closed()


def test_a_connection_that_says_nothing_is_closed(bench: Bench) -> None:
    with calling(bench.node.port) as script:
        assert script.is_closed()


def test_an_association_that_breaks_off_in_an_instance_leaves_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    path = _instance(tmp_path / "half.dcm", "2.25.4711")
    content = _dataset(path)
    before = len(bench.folder.journeys())

    with calling(bench.node.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.command("2.25.4711")
        script.fragment(content[:8000], control=0)
        script.send(ABORT, bytes(4))
        assert script.is_closed()

    assert len(bench.folder.journeys()) == before


def test_a_line_that_is_cut_in_an_instance_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    path = _instance(tmp_path / "cut.dcm", "2.25.4712")
    before = len(bench.folder.journeys())

    with calling(bench.node.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.command("2.25.4712")
        script.send(4, struct.pack(">LBB", 9000, 1, 0) + _dataset(path)[:500])

    assert len(bench.folder.journeys()) == before


def test_a_sender_that_falls_silent_in_an_instance_leaves_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    path = _instance(tmp_path / "silent.dcm", "2.25.4713")
    before = len(bench.folder.journeys())

    with calling(bench.node.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.command("2.25.4713")
        script.fragment(_dataset(path)[:8000], control=0)
        assert script.is_closed()

    assert len(bench.folder.journeys()) == before


@pytest.mark.parametrize(
    ("length", "statuses"),
    [(6, {0xC000}), (200, {0x0000, 0xC000}), (8000, {0x0000})],
    ids=["within its first elements", "within its header", "within its pixels"],
)
def test_a_dataset_that_breaks_off_is_refused_or_withheld(
    bench: Bench, tmp_path: Path, length: int, statuses: set[int]
) -> None:
    uid = f"2.25.4714{length}"
    path = _instance(tmp_path / "truncated.dcm", uid)
    before = len(bench.folder.journeys())

    with calling(bench.node.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.command(uid)
        script.fragment(_dataset(path)[:length], control=2)
        status = script.status()

    assert status in statuses
    if status == 0x0000:
        journeys = bench.folder.wait_until_ended(before + 1)
        assert journeys[-1].code in {"malformed_dataset", "undecodable"}


@pytest.mark.parametrize(
    ("named", "status"), [("2.25.1", 0xA900), ("", 0xC000)], ids=["another object", "no object"]
)
def test_a_command_that_names_another_object_is_refused(
    bench: Bench, tmp_path: Path, named: str, status: int
) -> None:
    path = _instance(tmp_path / "other.dcm", "2.25.4715")
    before = len(bench.folder.journeys())
    content = _dataset(path) if named else b""

    with calling(bench.node.port) as script:
        assert script.request()[0] == ASSOCIATE_AC
        script.command(named or "2.25.4715")
        script.fragment(content, control=2)

        assert script.status() == status
    assert len(bench.folder.journeys()) == before


def test_an_instance_sent_twice_is_acknowledged_twice_and_delivered_once(
    bench: Bench, tmp_path: Path
) -> None:
    path = _instance(tmp_path / "twice.dcm", "2.25.4716")
    before = len(bench.folder.journeys())

    first = send([path, path], port=bench.node.port, called=AE_TITLE)
    journeys = bench.folder.wait_until_ended(before + 1)
    again = send([path], port=bench.node.port, called=AE_TITLE)

    assert [answer.status for answer in (*first, *again)] == [0x0000] * 3
    assert len(bench.folder.journeys()) == before + 1
    clean = journeys[-1].clean
    assert clean is not None
    assert len(list(bench.folder.archive.rglob(f"{clean.sop_instance_uid}.dcm"))) == 1


def test_other_bytes_under_the_same_uid_are_withheld(bench: Bench, tmp_path: Path) -> None:
    first = _instance(tmp_path / "first.dcm", "2.25.4717")
    dataset = dcmread(first)
    dataset.InstanceNumber = 4717
    second = tmp_path / "second.dcm"
    dataset.save_as(second, enforce_file_format=True)
    before = len(bench.folder.journeys())

    answers = send([first, second], port=bench.node.port, called=AE_TITLE)

    assert [answer.status for answer in answers] == [0x0000, 0x0000]
    journeys = bench.folder.wait_until_ended(before + 2)
    assert [one.code for one in journeys[before:]] == [None, "uid_conflict"]


def test_nobody_brings_the_log_to_speak_of_a_fault_of_ours(bench: Bench) -> None:
    codes = {line.get("code") for line in bench.folder.events()}

    assert "unexpected" not in codes
    assert not bench.folder.events("log_field_dropped")
    assert not bench.folder.events("log_event_dropped")
