"""A whole node on a disk whose fsync fails, by a layer between it and the C library."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from pydicom import dcmread

from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.server import RunningNode, running_node
from tests.fakes.commitment_user import Reports, calling
from tests.fakes.waiting import eventually
from tests.wire.nodes import node_folder

pytestmark = pytest.mark.slow

LAYER = Path(__file__).parents[1] / "fakes" / "broken_disk.c"


@contextmanager
def breakable_node(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[RunningNode, Path]]:
    """Run a node; while the file of the pair exists, no fsync of it succeeds."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler for the layer over fsync")
    library, mark = root / "broken_disk.so", root / "broken"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, LAYER, "-ldl"], check=True, timeout=120
    )
    folder = node_folder(root / "node")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("BROKEN_DISK", str(mark))
    with running_node(folder.config, folder.log) as node:
        monkeypatch.undo()
        yield node, mark
        assert node.stop() == 0
    assert not folder.errors


def send(node: RunningNode, number: int) -> int | None:
    """Send one instance; return the status, None where no association was to be had."""
    association = calling(node.port, Reports())
    if not association.is_established:
        return None
    dataset = dcmread(shipped("CT_small.dcm"))
    give_uid(dataset, f"2.25.{number}")
    status = int(association.send_c_store(dataset).Status)
    association.release()
    return status


def health(node: RunningNode) -> dict[str, Any]:
    try:
        with urlopen(f"http://127.0.0.1:{node.http_port}/health/ready", timeout=30) as answer:
            return dict(json.load(answer))
    except HTTPError as error:
        return dict(json.load(error))


@pytest.mark.req("REQ-RX-19")
def test_a_node_whose_disk_breaks_refuses_and_takes_again_when_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with breakable_node(tmp_path, monkeypatch) as (node, mark):
        before = send(node, 1)
        mark.touch()
        broken = send(node, 2)
        refused = send(node, 3)
        sick = health(node)
        url = f"http://127.0.0.1:{node.http_port}/metrics"
        with urlopen(url, timeout=30) as answer:
            metrics = answer.read().decode()
        mark.unlink()
        well = eventually(lambda: health(node)["ready"], what="it is well", patience_seconds=60)
        after = send(node, 2)

    # Refused at the door where something else of the node met the broken disk first.
    assert broken in {0xA700, None}
    assert (before, refused, after) == (0x0000, None, 0x0000)
    assert not sick["ready"]
    assert sick["parts"]["spool"] == "spool_unavailable"
    assert well
    failed = [
        line
        for line in metrics.splitlines()
        if line.startswith('deid_node_spool_failures_total{code="spool_unavailable"}')
    ]
    assert failed
    assert float(failed[0].split()[1]) > 0
    assert os.environ.get("BROKEN_DISK") is None
