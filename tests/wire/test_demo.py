"""``make demo``: the main job, from its first line to its exit status."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from deid_node.demo.samples import FILES
from tests.fakes.waiting import eventually, listens
from tests.wire.nodes import ROOT, NodeFolder, deid_node

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


def test_the_demo_ends_by_itself_and_every_check_holds(tmp_path: Path) -> None:
    done = deid_node("demo", "--out", "out", cwd=tmp_path)

    out = tmp_path / "out"
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "FAILS" not in done.stdout
    for title, _ in FILES:
        assert title in done.stdout
    arrived = [dcmread(path, stop_before_pixels=True) for path in (out / "archive").iterdir()]
    assert {one.PatientIdentityRemoved for one in arrived} == {"YES"}
    assert len(list((out / "pictures").glob("*.png"))) > 10
    assert not listens(_port(out))


def test_the_demo_does_not_touch_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    theirs = tmp_path / "out" / "thesis.txt"
    theirs.parent.mkdir()
    theirs.write_text("years of work")

    done = deid_node("demo", "--out", "out", cwd=tmp_path)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in theirs.parent.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_server_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    demo = subprocess.Popen(
        [sys.executable, "-m", "deid_node", "demo", "--out", str(out)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(
            lambda: (out / "node.log").exists() and "instance_received" in _log(out),
            what="the demo is in full swing",
        )
        port = _port(out)

        demo.send_signal(number)
        _, said = demo.communicate(timeout=200)
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()

    assert demo.returncode == 130
    assert said == "deid-node: interrupted\n"
    assert not listens(port)
    assert "node_stopped" in _log(out)


def _log(out: Path) -> str:
    return (out / "node.log").read_text()


def _port(out: Path) -> int:
    (ready,) = NodeFolder(out).events("node_ready")
    return int(ready["port"])
