"""The promise of `Destination`, kept by every backend."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom.uid import RLELossless

from deid_node.errors import DestinationUnavailable
from deid_node.forward.base import Destination
from deid_node.forward.build import build_destination
from deid_node.forward.options import CStoreOptions, DestinationOptions, FolderOptions
from deid_node.values.delivery import DeliveryResult
from tests.fakes.peer_archive import keeping_archive
from tests.fakes.peer_parcels import a_parcel, accompanied, dataset_bytes
from tests.fakes.stow_sending import stow
from tests.fakes.web_archive import WebArchive


@dataclass
class Bench:
    """A destination, and what has arrived on its other side: dataset bytes by SOP UID."""

    destination: Destination
    arrived: Callable[[], dict[str, bytes]]


def cstore(port: int, **more: object) -> CStoreOptions:
    return CStoreOptions.model_validate(
        {
            "kind": "cstore",
            "ae_title": "ARCHIVE",
            "host": "127.0.0.1",
            "port": port,
            "timeout_seconds": 20,
            **more,
        }
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=["folder", "pynetdicom", "dcmtk", "stow"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "folder":
        folder = tmp_path / "out"
        with closing(build_destination("out", FolderOptions(kind="folder", dir=folder))) as made:
            yield Bench(made, lambda: {f.stem: dataset_bytes(f) for f in folder.glob("*/*/*.dcm")})
    elif request.param == "stow":
        # One by one: what shares a request is sent, whoever closes the iterator.
        with (
            WebArchive() as archive,
            closing(build_destination("out", stow(archive.url, batch_instances=1))) as made,
        ):
            yield Bench(made, archive.datasets)
    elif request.param == "pynetdicom":
        with (
            keeping_archive() as kept,
            closing(build_destination("out", cstore(kept.port))) as made,
        ):
            yield Bench(made, lambda: {uid: content for uid, _, content in kept.stored})
    else:
        yield from storescp(tmp_path)


def storescp(tmp_path: Path) -> Iterator[Bench]:
    program = shutil.which("storescp")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("storescp of DCMTK is missing")
        pytest.skip("storescp of DCMTK is not installed")
    folder, port = tmp_path / "received", free_port()
    folder.mkdir()
    process = subprocess.Popen(
        [program, "--bit-preserving", "--prefer-uncompr", "+xa", "--output-directory", folder,
         "--filename-extension", ".dcm", "--aetitle", "ARCHIVE", str(port)],
        env={**os.environ, "TCP_NODELAY": "1"},
    )  # fmt: skip
    try:
        wait_for_port(port)
        with closing(build_destination("out", cstore(port))) as made:
            yield Bench(
                made,
                lambda: {f.name.split(".", 1)[1].removesuffix(".dcm"): dataset_bytes(f)
                         for f in folder.iterdir()},
            )  # fmt: skip
    finally:
        process.terminate()
        process.wait()


def wait_for_port(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the peer does not listen")


def test_each_parcel_gets_a_receipt_in_order_and_its_bytes_arrive(
    bench: Bench, tmp_path: Path
) -> None:
    parcels = [
        a_parcel(tmp_path, number=number, rows=8 if number < 3 else 3000) for number in range(5)
    ]

    receipts = list(bench.destination.deliver(parcels))

    assert [receipt.id for receipt in receipts] == [parcel.instance.id for parcel in parcels]
    assert {receipt.result for receipt in receipts} == {DeliveryResult.DELIVERED}
    assert bench.arrived() == {
        parcel.instance.sop_instance_uid: dataset_bytes(parcel.path) for parcel in parcels
    }


def test_a_compressed_instance_arrives_as_it_is_stored(bench: Bench, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, transfer_syntax=RLELossless)

    (receipt,) = bench.destination.deliver([parcel])

    assert receipt.result is DeliveryResult.DELIVERED
    assert list(bench.arrived().values()) == [dataset_bytes(parcel.path)]


@pytest.mark.req("REQ-FW-13")
def test_an_instance_and_its_companion_are_one_delivery(bench: Bench, tmp_path: Path) -> None:
    parcels = [accompanied(a_parcel(tmp_path, number=1)), a_parcel(tmp_path, number=2)]

    receipts = [receipt for _ in range(2) for receipt in bench.destination.deliver(parcels)]

    assert [receipt.id for receipt in receipts] == [one.instance.id for one in parcels] * 2
    assert {receipt.result for receipt in receipts} == {DeliveryResult.DELIVERED}
    assert bench.arrived() == {
        content.sop_instance_uid: dataset_bytes(path)
        for parcel in parcels
        for content, path in parcel.contents
    }


def test_what_is_delivered_again_does_no_harm(bench: Bench, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path)

    results = [
        receipt.result for _ in range(2) for receipt in bench.destination.deliver([parcel, parcel])
    ]

    assert results == [DeliveryResult.DELIVERED] * 4
    assert list(bench.arrived().values()) == [dataset_bytes(parcel.path)]


def test_closing_the_iterator_leaves_the_rest_unsent_and_the_destination_usable(
    bench: Bench, tmp_path: Path
) -> None:
    parcels = [a_parcel(tmp_path, number=number) for number in range(3)]

    receipts = bench.destination.deliver(parcels)
    next(receipts)
    receipts.close()

    assert set(bench.arrived()) == {parcels[0].instance.sop_instance_uid}
    assert len(list(bench.destination.deliver(parcels[1:]))) == 2
    assert len(bench.arrived()) == 3


def test_an_empty_batch_costs_nothing(bench: Bench) -> None:
    assert list(bench.destination.deliver([])) == []


def test_releasing_what_is_idle_leaves_the_destination_usable(bench: Bench, tmp_path: Path) -> None:
    list(bench.destination.deliver([a_parcel(tmp_path, number=1)]))

    bench.destination.release_idle()

    (receipt,) = bench.destination.deliver([a_parcel(tmp_path, number=2)])
    assert receipt.result is DeliveryResult.DELIVERED


@pytest.mark.parametrize("kind", ["folder", "cstore", "stow"])
def test_a_destination_that_cannot_be_reached_says_so_of_the_rest(
    kind: str, tmp_path: Path
) -> None:
    if kind == "folder":
        obstacle = tmp_path / "file"
        obstacle.write_bytes(b"")
        options: DestinationOptions = FolderOptions(kind="folder", dir=obstacle / "out")
    elif kind == "stow":
        options = stow(f"http://127.0.0.1:{free_port()}/dicom-web")
    else:
        options = cstore(free_port())
    destination = build_destination("out", options)

    with closing(destination), pytest.raises(DestinationUnavailable):
        list(destination.deliver([a_parcel(tmp_path)]))
