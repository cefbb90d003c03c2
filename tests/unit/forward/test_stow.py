"""STOW-RS to an archive of the web: what goes out, in which requests, and what comes of it."""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from deid_node.dicom.web.store_answer import NotStored, StoreAnswer, Stored
from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import Parcel
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import BlobFiles
from deid_node.values.delivery import DeliveryResult, Receipt
from tests.fakes.peer_parcels import a_parcel, accompanied, dataset_bytes
from tests.fakes.stow_sending import stow, stowing_to
from tests.fakes.waiting import eventually, free_port
from tests.fakes.web_archive import Asked, Reply, WebArchive, judging, plain, said

Result = DeliveryResult


def parcels(folder: Path, count: int, *, rows: int = 8) -> list[Parcel]:
    return [a_parcel(folder, number=number, rows=rows) for number in range(1, count + 1)]


def results(receipts: Sequence[Receipt]) -> list[DeliveryResult]:
    return [one.result for one in receipts]


def uids(batch: Sequence[Parcel]) -> list[str]:
    return [one.instance.sop_instance_uid for one in batch]


def test_a_batch_goes_in_one_request_and_its_bytes_arrive(tmp_path: Path) -> None:
    batch = parcels(tmp_path, 5)

    with WebArchive() as archive, stowing_to(archive.url) as destination:
        receipts = list(destination.deliver(batch))

    assert [one.id for one in receipts] == [one.instance.id for one in batch]
    assert results(receipts) == [Result.DELIVERED] * 5
    assert [one.more_follow for one in receipts] == [True] * 4 + [False]
    (asked,) = archive.asked
    assert asked.path == "/dicom-web/studies"
    assert asked.headers["accept"] == "application/dicom+json"
    assert [one.content for one in asked.files] == [one.path.read_bytes() for one in batch]
    assert not archive.faults


def test_requests_follow_each_other_on_one_connection(tmp_path: Path) -> None:
    with (
        WebArchive() as archive,
        stowing_to(archive.url, batch_instances=2) as destination,
    ):
        for _ in range(2):
            list(destination.deliver(parcels(tmp_path, 5)))
        counts = destination.associations

    assert [len(one.files) for one in archive.asked] == [2, 2, 1, 2, 2, 1]
    assert {one.connection for one in archive.asked} == {1}
    assert (counts.in_use, counts.idle, counts.allowed) == (0, 1, 2)


def test_a_request_holds_no_more_bytes_than_are_allowed_and_a_large_one_goes_alone(
    tmp_path: Path,
) -> None:
    small = [a_parcel(tmp_path, number=number) for number in range(1, 5)]
    large = a_parcel(tmp_path, number=9, rows=500)
    limit = 2 * small[0].instance.blob.size_bytes

    with WebArchive() as archive, stowing_to(archive.url, batch_bytes=limit) as destination:
        receipts = list(destination.deliver([*small[:3], large, small[3]]))

    assert results(receipts) == [Result.DELIVERED] * 5
    assert [one.uids for one in archive.asked] == [
        uids(small[:2]), uids(small[2:3]), uids([large]), uids(small[3:]),
    ]  # fmt: skip


def test_an_encrypted_blob_arrives_in_the_clear(tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, rows=3000)
    files = BlobFiles(SpoolKey(b"k" * 32), encrypts=True)
    content = parcel.path.read_bytes()
    parcel.path.unlink()
    new = files.create(parcel.path)
    new.write(content)
    new.finish()

    with WebArchive() as archive:
        from deid_node.forward.stow.destination import StowDestination

        destination = StowDestination("archive", stow(archive.url), files)
        receipts = list(destination.deliver([parcel]))
        destination.close()

    assert results(receipts) == [Result.DELIVERED]
    assert [one.content for one in archive.arrivals] == [content]


# What decides.


@pytest.mark.req("REQ-FW-14")
@pytest.mark.parametrize("status", [200, 202, 409, 500])
def test_the_uids_of_the_answer_decide_whatever_its_status_says(
    status: int, tmp_path: Path
) -> None:
    batch = parcels(tmp_path, 4)

    def manner(asked: Asked, _archive: WebArchive) -> Reply:
        first, second, third, _ = asked.files
        answer = StoreAnswer(
            (Stored(first.sop_class, first.uid), Stored(second.sop_class, second.uid, 0xB000)),
            (NotStored(third.sop_class, third.uid, 0xA900),),
        )
        return said(status, answer, kept=[first.uid, second.uid])

    with WebArchive(manner) as archive, stowing_to(archive.url) as destination:
        receipts = list(destination.deliver(batch))

    assert results(receipts) == [Result.DELIVERED, Result.WARNING, Result.REFUSED, Result.RETRY]
    assert [one.status for one in receipts] == [None, 0xB000, 0xA900, None]
    assert len(archive.asked) == 1


@pytest.mark.req("REQ-FW-14")
@pytest.mark.parametrize(
    "reply",
    [
        Reply(200),
        Reply(200, b"OK"),
        Reply(200, b'{"00081199":{"vr":"SQ"}}'),
        Reply(200, b'{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI"'),
        Reply(204),
        said(200, StoreAnswer((Stored("1.2", "1.2.3.4"),))),
    ],
    ids=["empty", "text", "no items", "cut", "no content", "another instance"],
)
def test_an_empty_or_odd_answer_is_tried_again_and_delivers_nothing(
    reply: Reply, tmp_path: Path
) -> None:
    parcel = a_parcel(tmp_path)

    with (
        WebArchive(lambda _asked, _archive: reply) as archive,
        stowing_to(archive.url) as destination,
    ):
        first = list(destination.deliver([parcel]))
        archive.manner = plain
        second = list(destination.deliver([parcel]))

    assert results([*first, *second]) == [Result.RETRY, Result.DELIVERED]


def test_the_one_that_an_archive_chokes_on_is_alone_in_the_end(tmp_path: Path) -> None:
    batch = parcels(tmp_path, 6)
    poison = uids(batch)[3]

    def manner(asked: Asked, archive: WebArchive) -> Reply:
        return Reply(500) if poison in asked.uids else plain(asked, archive)

    with WebArchive(manner) as archive, stowing_to(archive.url) as destination:
        receipts = list(destination.deliver(batch))

    assert results(receipts) == [*[Result.DELIVERED] * 3, Result.RETRY, *[Result.DELIVERED] * 2]
    assert receipts[3].status == 500
    assert [one.uid for one in archive.arrivals] == [uid for uid in uids(batch) if uid != poison]


@pytest.mark.parametrize("status", [413, 400])
def test_a_request_that_is_too_much_is_halved(status: int, tmp_path: Path) -> None:
    batch = parcels(tmp_path, 8)

    def manner(asked: Asked, archive: WebArchive) -> Reply:
        return plain(asked, archive) if len(asked.files) <= 2 else Reply(status)

    with WebArchive(manner) as archive, stowing_to(archive.url) as destination:
        first = list(destination.deliver(batch))
        tried = len(archive.asked)
        list(destination.deliver(batch))

    assert results(first) == [Result.DELIVERED] * 8
    # Of its size an archive has said so for good: later requests are small at once.
    again = [len(one.files) for one in archive.asked[tried:]]
    assert again == ([2] * 4 if status == 413 else [8, 4, 2, 2, 4, 2, 2])


@pytest.mark.parametrize(
    ("status", "taken_before", "result", "code"),
    [
        (413, False, Result.REFUSED, "too_large"),
        (400, False, Result.RETRY, None),
        (400, True, Result.REFUSED, None),
        (415, False, Result.RETRY, None),
        (415, True, Result.REFUSED, None),
        (409, True, Result.RETRY, None),
        (500, True, Result.RETRY, None),
        (503, True, Result.RETRY, None),
        (404, True, Result.RETRY, None),
        (403, True, Result.RETRY, None),
        (401, True, Result.RETRY, None),
        (302, True, Result.RETRY, None),
    ],
)
def test_a_status_without_an_answer_speaks_for_what_was_alone(
    status: int,
    taken_before: bool,
    result: DeliveryResult,
    code: str | None,
    tmp_path: Path,
) -> None:
    """What does not please an archive that never took anything may be our configuration."""
    before, parcel = parcels(tmp_path, 2)
    target = {"Location": "http://127.0.0.1:1/elsewhere"}

    with WebArchive() as archive, stowing_to(archive.url) as destination:
        if taken_before:
            list(destination.deliver([before]))
        archive.manner = lambda _asked, _archive: Reply(status, headers=target)
        (receipt,) = destination.deliver([parcel])

    assert (receipt.result, receipt.status, receipt.code) == (result, status, code)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with WebArchive() as other:
        target = {"Location": f"{other.url}/studies"}
        with (
            WebArchive(lambda _asked, _archive: Reply(307, headers=target)) as archive,
            stowing_to(archive.url) as destination,
        ):
            (receipt,) = destination.deliver([a_parcel(tmp_path)])

    assert (receipt.result, receipt.status) == (Result.RETRY, 307)
    assert (len(archive.asked), other.connections) == (1, 0)


# What is not sent, or otherwise.


def test_what_is_larger_than_the_archive_takes_is_not_sent(tmp_path: Path) -> None:
    small, large, last = (
        a_parcel(tmp_path),
        a_parcel(tmp_path, number=2, rows=900),
        a_parcel(tmp_path, number=3),
    )

    with (
        WebArchive() as archive,
        stowing_to(archive.url, max_instance_bytes=20_000) as destination,
    ):
        receipts = list(destination.deliver([small, large, last]))

    assert results(receipts) == [Result.DELIVERED, Result.REFUSED, Result.DELIVERED]
    assert receipts[1].code == "too_large"
    assert [one.uid for one in archive.arrivals] == uids([small, last])


@pytest.mark.parametrize(
    ("taken", "implicit", "rle"),
    [
        ("any", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5"),
        ("explicit_vr", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"),
        ("uncompressed", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1"),
    ],
)
def test_an_instance_goes_in_a_syntax_that_the_archive_takes(
    taken: str, implicit: str, rle: str, tmp_path: Path
) -> None:
    batch = [
        a_parcel(tmp_path, number=1, transfer_syntax=ImplicitVRLittleEndian),
        a_parcel(tmp_path, number=2, transfer_syntax=RLELossless),
    ]

    with WebArchive() as archive, stowing_to(archive.url, transfer_syntaxes=taken) as destination:
        receipts = list(destination.deliver(batch))

    assert results(receipts) == [Result.DELIVERED] * 2
    assert [one.syntax for one in archive.arrivals] == [implicit, rle]
    assert not archive.faults


@pytest.mark.parametrize("how", ["status", "reason"])
def test_a_syntax_that_is_refused_is_decoded_from_then_on(how: str, tmp_path: Path) -> None:
    batch = [
        a_parcel(tmp_path, number=1),
        a_parcel(tmp_path, number=2, transfer_syntax=RLELossless),
        a_parcel(tmp_path, number=3, transfer_syntax=RLELossless),
    ]
    judged = judging(lambda one, _archive: 0xC122 if one.syntax == RLELossless else None)

    def manner(asked: Asked, archive: WebArchive) -> Reply:
        if how == "status" and any(one.syntax == RLELossless for one in asked.files):
            return Reply(415)
        return judged(asked, archive)

    with WebArchive(manner) as archive, stowing_to(archive.url) as destination:
        first = list(destination.deliver(batch))
        tried = len(archive.asked)
        second = list(destination.deliver(batch))

    assert results([*first, *second]) == [Result.DELIVERED] * 6
    assert len(archive.asked) == tried + 1
    assert {one.syntax for one in archive.arrivals} == {"1.2.840.10008.1.2.1"}


def test_a_companion_goes_before_its_instance_and_both_are_one_delivery(tmp_path: Path) -> None:
    batch = [accompanied(a_parcel(tmp_path, number=1)), a_parcel(tmp_path, number=2)]

    with WebArchive() as archive, stowing_to(archive.url) as destination:
        receipts = list(destination.deliver(batch))

    assert results(receipts) == [Result.DELIVERED] * 2
    assert [one.uids for one in archive.asked] == [["2.25.1.1.66"], ["2.25.1.1", "2.25.1.2"]]


def test_without_its_companion_an_instance_is_not_sent(tmp_path: Path) -> None:
    batch = [accompanied(a_parcel(tmp_path, number=1)), a_parcel(tmp_path, number=2)]
    manner = judging(lambda one, _archive: 0x0122 if one.uid.endswith(".66") else None)

    with WebArchive(manner) as archive, stowing_to(archive.url) as destination:
        receipts = list(destination.deliver(batch))

    assert results(receipts) == [Result.REFUSED, Result.DELIVERED]
    assert archive.datasets() == {uids(batch)[1]: dataset_bytes(batch[1].path)}


def test_a_blob_that_cannot_be_read_is_refused_and_the_others_go(tmp_path: Path) -> None:
    batch = parcels(tmp_path, 3)
    batch[1].path.unlink()

    with WebArchive() as archive, stowing_to(archive.url) as destination:
        receipts = list(destination.deliver(batch))

    assert results(receipts) == [Result.DELIVERED, Result.REFUSED, Result.DELIVERED]


def test_a_blob_that_breaks_off_while_it_is_sent_is_refused_and_the_others_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = parcels(tmp_path, 3, rows=30_000)
    real = BlobFiles.open

    def cut(files: BlobFiles, path: Path) -> object:
        found = real(files, path)
        if path == batch[1].path:
            # Longer than the file is, as if it had been cut since it was opened.
            return found.within(0, len(found) + 10)
        return found

    monkeypatch.setattr(BlobFiles, "open", cut)
    with WebArchive() as archive, stowing_to(archive.url) as destination:
        receipts = list(destination.deliver(batch))

    assert results(receipts) == [Result.DELIVERED, Result.REFUSED, Result.DELIVERED]
    assert [one.uid for one in archive.arrivals] == uids([batch[0], batch[2]])
    assert not archive.faults


# Connections.


def test_nobody_there_means_that_nothing_was_sent(tmp_path: Path) -> None:
    with (
        stowing_to(f"http://127.0.0.1:{free_port()}/dicom-web") as destination,
        pytest.raises(DestinationUnavailable, match="connection failed"),
    ):
        list(destination.deliver([a_parcel(tmp_path)]))


def test_the_environment_changes_no_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    with WebArchive() as archive, stowing_to(archive.url) as destination:
        receipts = list(destination.deliver([a_parcel(tmp_path)]))

    assert results(receipts) == [Result.DELIVERED]


def test_what_died_while_it_lay_idle_says_nothing_of_the_instance(tmp_path: Path) -> None:
    first, second = parcels(tmp_path, 2)

    def closing_after(asked: Asked, archive: WebArchive) -> Reply:
        reply = plain(asked, archive)
        return Reply(reply.status, reply.content, {"Keep-Alive": "timeout=0"}, reply.kept)

    with WebArchive(closing_after) as archive, stowing_to(archive.url) as destination:
        list(destination.deliver([first]))
        archive._server.end_all()
        receipts = list(destination.deliver([second]))

    assert results(receipts) == [Result.DELIVERED]


def test_an_idle_connection_is_let_go(tmp_path: Path) -> None:
    with WebArchive() as archive, stowing_to(archive.url, idle_seconds=0) as destination:
        list(destination.deliver([a_parcel(tmp_path)]))
        destination.release_idle()

        assert destination.associations.idle == 0


def test_closing_wakes_a_thread_that_waits_for_an_answer(tmp_path: Path) -> None:
    waits, over = threading.Event(), threading.Event()

    def manner(asked: Asked, archive: WebArchive) -> Reply:
        waits.set()
        over.wait(60)
        return plain(asked, archive)

    with WebArchive(manner) as archive, stowing_to(archive.url, answer_seconds=600) as destination:
        receipts: list[Receipt] = []
        thread = threading.Thread(
            target=lambda: receipts.extend(destination.deliver([a_parcel(tmp_path)]))
        )
        thread.start()
        assert waits.wait(60)
        destination.close()
        thread.join(60)
        over.set()

        assert not thread.is_alive()
    assert results(receipts) == [Result.RETRY]
    with pytest.raises(DestinationUnavailable, match="closed"):
        list(destination.deliver([a_parcel(tmp_path)]))


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_comes_byte_by_byte_has_its_time_and_no_more(
    part: str, tmp_path: Path
) -> None:
    """Each byte comes in time, and the last one never."""
    heads = {"head": b"HTTP/1.1 200 OK\r\nX: ", "body": b"HTTP/1.1 200 OK\r\n\r\n"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = []

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(heads[part])
                while True:
                    sleep(0.05)
                    connection.sendall(b"x")
                    served.append(1)

        thread = threading.Thread(target=trickle)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with stowing_to(url, answer_seconds=0.6) as destination:
            receipts = list(destination.deliver([a_parcel(tmp_path)]))
        thread.join(60)

    assert results(receipts) == [Result.RETRY]
    assert served


def test_silence_on_a_connection_that_was_used_is_waited_for_once(tmp_path: Path) -> None:
    over = threading.Event()
    first, second = parcels(tmp_path, 2)

    def manner(asked: Asked, archive: WebArchive) -> Reply:
        if asked.uids == uids([second]):
            over.wait(60)
        return plain(asked, archive)

    with WebArchive(manner) as archive:
        with stowing_to(archive.url, answer_seconds=0.4) as destination:
            receipts = [one for each in (first, second) for one in destination.deliver([each])]
        over.set()
        eventually(lambda: len(archive.arrivals) == 2, what="it is stored, and nobody knows")

    assert results(receipts) == [Result.DELIVERED, Result.RETRY]
    assert len(archive.asked) == 2


def test_an_answer_that_does_not_come_in_time_is_none(tmp_path: Path) -> None:
    over = threading.Event()

    def manner(asked: Asked, archive: WebArchive) -> Reply:
        over.wait(60)
        return plain(asked, archive)

    with WebArchive(manner) as archive:
        with stowing_to(archive.url, answer_seconds=0.3) as destination:
            receipts = list(destination.deliver([a_parcel(tmp_path)]))
        over.set()
        eventually(lambda: archive.arrivals, what="it is stored, and nobody knows")

    assert results(receipts) == [Result.RETRY]
