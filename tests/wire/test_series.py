"""A real node that waits for series: sent by a real sender, out of order, with pauses."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from deid_node.demo.scanner import send
from deid_node.values.state import InstanceState
from tests.builders.slices import SERIES, slices
from tests.fakes import dcmtk
from tests.fakes.waiting import eventually
from tests.wire.nodes import AE_TITLE, NodeFolder, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("series")]


def waiting(root: Path, **waits: Any) -> NodeFolder:
    return node_folder(root, treatments={"research": {"wait_for_series": waits}})


def saved(datasets: Sequence[Dataset], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = []
    for number, dataset in enumerate(datasets):
        paths.append(folder / f"{number:02}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


def states(folder: NodeFolder) -> list[str]:
    return [str(one.state) for one in folder.journeys()]


def other_series(count: int) -> list[Dataset]:
    made = slices(count)
    for number, dataset in enumerate(made):
        dataset.SeriesInstanceUID = f"{SERIES}.77"
        dataset.SOPInstanceUID = f"{SERIES}.77.{number + 1}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return made


def closings(folder: NodeFolder) -> list[tuple[str, int]]:
    return [(one["code"], one["count"]) for one in folder.events("series_closed")]


@pytest.mark.peer("storescu")
def test_two_series_are_waited_for_side_by_side_and_a_late_slice_goes_straight_on(
    root: Path, tmp_path: Path
) -> None:
    folder = waiting(root, quiet_seconds=12)
    ours = saved(slices(5), tmp_path / "ours")
    theirs = saved(other_series(3), tmp_path / "theirs")

    with folder.running() as node:
        for path in (ours[3], theirs[2], ours[0], theirs[0], ours[1]):
            send([path], port=node.port, called=AE_TITLE)
        eventually(lambda: states(folder) == ["held"] * 5, what="all of them are held")
        # They are not all, and come within the quiet.
        dcmtk.run(
            "storescu", "-aec", AE_TITLE, "127.0.0.1", str(node.port), ours[4], theirs[1]
        ).check_returncode()
        folder.wait_until_ended(7)
        send([ours[2]], port=node.port, called=AE_TITLE)
        journeys = folder.wait_until_ended(8)
        assert node.stop() == 0

    assert {one.state for one in journeys} == {InstanceState.DELIVERED}
    assert sorted(closings(folder)) == [("quiet", 3), ("quiet", 4)]
    assert len(folder.events("series_missed")) == 1
    assert len(list(folder.archive.rglob("*.dcm"))) == 8


def test_a_series_goes_on_when_it_is_whole_or_a_person_says_so_also_after_a_restart(
    root: Path, tmp_path: Path
) -> None:
    folder = waiting(root, quiet_seconds=3600, at_most_seconds=7200)
    counted = slices(4)
    for dataset in counted:
        dataset.NumberOfSeriesRelatedInstances = 4
    ours = saved(counted, tmp_path / "ours")
    theirs = saved(other_series(3), tmp_path / "theirs")

    with folder.running() as node:
        send([ours[2], theirs[1], ours[0], ours[1]], port=node.port, called=AE_TITLE)
        eventually(lambda: states(folder) == ["held"] * 4, what="all of them are held")
        assert node.stop() == 0
    left = states(folder)
    with folder.running() as node:
        send([theirs[0], ours[3]], port=node.port, called=AE_TITLE)
        eventually(lambda: states(folder).count("delivered") == 4, what="the whole one goes on")
        told = json.loads(folder.command("status", "--json", "--config", folder.config).stdout)
        listed = folder.command("series", "list", "--format", "json", "--config", folder.config)
        released = folder.command(
            "series", "release", "--series", f"{SERIES}.77", "--config", folder.config
        )
        journeys = folder.wait_until_ended(6)
        assert node.stop() == 0

    assert left == ["held"] * 4
    assert next(one for one in told["waiting"] if one["state"] == "held")["instances"] == 2
    (one,) = map(json.loads, listed.stdout.splitlines())
    assert (one["instances"], one["treatment"], one["expected"]) == (2, "research", None)
    assert SERIES not in listed.stdout
    assert released.stdout == "2 instances go on\n"
    assert {one.state for one in journeys} == {InstanceState.DELIVERED}
    # Each run has a log of its own; that a person let it go on stands there under another name.
    assert closings(folder) == [("count", 4)]
    assert len(folder.events("series_released")) == 1
