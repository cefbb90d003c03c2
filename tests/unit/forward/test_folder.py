"""What is special about a folder; the common promise is tests/contract/test_destination.py."""

import dataclasses
import os
from pathlib import Path

import pytest

from deid_node.errors import DestinationUnavailable
from deid_node.forward.folder import FolderDestination
from deid_node.values.delivery import DeliveryResult
from tests.fakes.peer_parcels import a_parcel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def destination(folder: Path) -> FolderDestination:
    return FolderDestination("out", folder)


def test_a_file_is_named_by_the_new_uids(
    destination: FolderDestination, folder: Path, tmp_path: Path
) -> None:
    parcel = a_parcel(tmp_path, study=7, number=3)

    list(destination.deliver([parcel]))

    assert [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()] == [
        Path("2.25.7/2.25.7.0/2.25.7.3.dcm")
    ]
    assert (folder / "2.25.7/2.25.7.0/2.25.7.3.dcm").read_bytes() == parcel.path.read_bytes()


def test_a_file_with_other_bytes_is_not_overwritten(
    destination: FolderDestination, folder: Path, tmp_path: Path
) -> None:
    parcel = a_parcel(tmp_path)
    there = folder / "2.25.1/2.25.1.0/2.25.1.1.dcm"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"somebody else's")

    (receipt,) = destination.deliver([parcel])

    assert receipt.result is DeliveryResult.REFUSED
    assert there.read_bytes() == b"somebody else's"


@pytest.mark.parametrize("uid", ["..", "../../etc", "1..2", "1.2/3", "", ".1", "1.2\n"])
def test_a_uid_that_is_none_never_becomes_a_path(
    uid: str, destination: FolderDestination, folder: Path, tmp_path: Path
) -> None:
    parcel = a_parcel(tmp_path)
    for instance in (
        dataclasses.replace(parcel.instance, study_instance_uid=uid),
        dataclasses.replace(parcel.instance, series_instance_uid=uid),
        dataclasses.replace(parcel.instance, sop_instance_uid=uid),
    ):
        (receipt,) = destination.deliver([dataclasses.replace(parcel, instance=instance)])
        assert receipt.result is DeliveryResult.REFUSED

    assert not folder.exists()


def test_a_write_that_fails_leaves_nothing_behind(
    destination: FolderDestination,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(DestinationUnavailable, match="cannot be written"):
        list(destination.deliver([a_parcel(tmp_path)]))

    assert [file for file in folder.rglob("*") if file.is_file()] == []


def test_what_a_crash_left_behind_is_overwritten(
    destination: FolderDestination, folder: Path, tmp_path: Path
) -> None:
    parcel = a_parcel(tmp_path)
    series = folder / "2.25.1/2.25.1.0"
    series.mkdir(parents=True)
    (series / f".{parcel.instance.id}.partial").write_bytes(b"half of")

    (receipt,) = destination.deliver([parcel])

    assert receipt.result is DeliveryResult.DELIVERED
    assert [file.name for file in series.iterdir()] == ["2.25.1.1.dcm"]
