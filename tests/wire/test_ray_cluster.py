"""A node's work with a real Ray cluster: what travels, what is refused, and what breaks."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from pydicom import dcmread
from pydicom.data import get_testdata_file

from deid_node.lines import messages
from deid_node.metadata.apply.keys import new_key_file
from deid_node.pixels.fill.build import build_painter
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.values.outcome import Cleaned
from tests.fakes.asking_corridor import AskingFactory
from tests.fakes.model_hall import hall
from tests.fakes.peer_engine import Bench
from tests.fakes.played_cluster import played
from tests.fakes.ray_cluster import RAY_OPTIONS, RayCluster

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray"), pytest.mark.timeout(600)]

NEEDLE = "XAVERKANARI"
FILES = ("CT_small.dcm", "MR_small.dcm", "SC_rgb_rle.dcm", "examples_rgb_color.dcm")


def inputs(folder: Path) -> Path:
    """Write real files below `folder`, a name in their headers and file names, text on one."""
    folder.mkdir()
    for number, name in enumerate(FILES):
        path = get_testdata_file(name)
        assert isinstance(path, str)
        dataset = dcmread(path)
        dataset.PatientName = f"{NEEDLE}^Quax"
        dataset.PatientID = f"{NEEDLE}-4711"
        if name == "CT_small.dcm":
            pixels = dataset.pixel_array.copy()
            ink = np.zeros(pixels.shape, np.uint8)
            cv2.putText(ink, "DOE^J 1970", (4, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
            pixels[ink > 0] = pixels.max()
            dataset.PixelData = pixels.tobytes()
        dataset.save_as(folder / f"{NEEDLE}_{number}.dcm")
    return folder


def clean(folder: Path, source: Path, engine: dict[str, Any]) -> dict[str, bytes]:
    """Run ``deid-node clean`` and return what came out by its name."""
    folder.mkdir()
    key = source.parent / "pseudonym.key"
    if not key.exists():
        new_key_file(key)
    config = folder / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "metadata": {"pseudonym_key_file": str(key)},
                "work": {"engine": engine},
                "pixels": {"finder": {"device": "cpu"}, "inpainter": {"device": "cpu", "steps": 2}},
                # Whatever surrounds the text: the model is to be asked.
                "treatments": {"research": {"fill": "diffusion", "anatomy": {"most_share": 1.0}}},
            }
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "deid_node", "clean", source, folder / "out", "--config", config],
        capture_output=True,
        check=False,
        timeout=500,
    )
    assert done.returncode in {0, 3}, done.stderr.decode()
    assert NEEDLE not in (done.stdout + done.stderr).decode().replace(str(source), "")
    out = folder / "out"
    return {str(one.relative_to(out)): one.read_bytes() for one in sorted(out.rglob("*.dcm"))}


@contextmanager
def bench(
    folder: Path, cluster: RayCluster, monkeypatch: pytest.MonkeyPatch, **changed: object
) -> Iterator[Bench]:
    """Return an engine at work whose instances can be cleaned by models of the cluster alone."""
    told = cluster.options(**changed).model_dump_json()
    monkeypatch.setenv(RAY_OPTIONS, told)
    folder.mkdir(exist_ok=True)
    built = Bench(folder, "ray", factory=AskingFactory(folder), workers=2)
    with built.running():
        yield built


def cleaned(one: Bench, instances: Sequence[Any]) -> None:
    one.ledger.wait_for_outcomes(*instances)
    assert all(isinstance(one.ledger.outcomes[name], Cleaned) for name in instances)
    assert {one.ledger.attempts[name] for name in instances} == {1}


def needles(needle: str) -> tuple[bytes, ...]:
    return needle.encode(), needle.encode("utf-16-le"), needle.encode("utf-16-be")


def test_the_cluster_gives_the_bytes_that_this_machine_gives(
    cluster: RayCluster, tmp_path: Path
) -> None:
    """And leaves nothing of what it was shown where Ray keeps its own."""
    source = inputs(tmp_path / "in")
    told = cluster.options(actors=2).model_dump(mode="json")

    here = clean(tmp_path / "here", source, {"kind": "local", "processes": 1})
    there = clean(tmp_path / "there", source, told)

    assert len(here) >= 3
    assert there == here
    assert traces(cluster) == []


def traces(cluster: RayCluster) -> list[str]:
    """Return the files of Ray, and those in shared memory, that hold the name."""
    own = Path("/dev/shm").rglob("plasma*"), cluster.temporary.rglob("*")  # noqa: S108
    found = []
    for path in (one for places in own for one in places):
        with suppress(OSError):
            if path.is_file():
                content = path.read_bytes()
                if any(needle in content for needle in needles(NEEDLE)):
                    found.append(str(path))
    return found


def test_nothing_but_pixels_goes_out_of_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Foreman and models stand in this process, which writes down each byte that they hear."""
    heard = bytearray()
    fill = messages._fill

    def recording(pipe: messages.Pipe, view: memoryview) -> None:
        fill(pipe, view)
        heard.extend(view)

    monkeypatch.setattr(messages, "_fill", recording)
    source = inputs(tmp_path / "in")
    finder = build_finder(CrnnOptions(device="cpu"))
    painter = build_painter(StableDiffusionOptions(device="cpu"))
    with (
        played(tmp_path / "foreman") as cluster,
        hall(tmp_path / "hall", finder, painter, tls=cluster.tls) as there,
    ):
        cluster.address, cluster.admits = ("127.0.0.1", there.hall.port), there.hall.admit
        told = cluster.options(actors=1).model_dump(mode="json")
        out = clean(tmp_path / "there", source, told)

    assert len(out) >= 3
    uids = {
        str(element.value)
        for path in source.iterdir()
        for element in dcmread(path, stop_before_pixels=True).iterall()
        if element.VR == "UI" and element.keyword.endswith("InstanceUID")
    }
    assert len(uids) > 5
    text = bytes(heard)
    assert b'"kind":"find"' in text
    assert b'"kind":"paint"' in text
    left = [name for name in (NEEDLE, str(source), *uids) for one in needles(name) if one in text]
    assert left == []
    key = (tmp_path / "pseudonym.key").read_bytes().strip()
    assert key not in text


def test_an_actor_that_is_killed_costs_no_instance_a_start(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench(tmp_path / "bench", cluster, monkeypatch) as one:
        instances = [one.ledger.receive("CLEAN") for _ in range(60)]
        one.queue.offer_all(instances)
        one.ledger.wait_for(lambda: len(one.ledger.outcomes) > 5)

        for actor in cluster.actors():
            with suppress(ProcessLookupError):
                os.kill(actor, signal.SIGKILL)

        cleaned(one, instances)
        assert (one.ended("stranded") or 0) >= 1


def test_an_actor_that_is_stopped_is_lost_and_its_late_answer_reaches_nobody(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench(tmp_path / "bench", cluster, monkeypatch, silence_seconds=4) as one:
        instances = [one.ledger.receive("CLEAN") for _ in range(60)]
        one.queue.offer_all(instances)
        one.ledger.wait_for(lambda: len(one.ledger.outcomes) > 5)
        stopped = cluster.actors()
        for actor in stopped:
            os.kill(actor, signal.SIGSTOP)
        try:
            cleaned(one, instances)
        finally:
            for actor in stopped:
                with suppress(ProcessLookupError):
                    os.kill(actor, signal.SIGCONT)

    assert one.ledger.faults == []
