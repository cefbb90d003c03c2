"""Foreign programs on both sides of a real node."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread

from deid_node.demo.server import RunningNode
from deid_node.values.state import InstanceState
from tests.fakes import dcmtk
from tests.fakes.orthanc import Archive, orthanc
from tests.fakes.waiting import eventually, free_port
from tests.wire.instances import fresh
from tests.wire.nodes import AE_TITLE, NodeFolder, cstore, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dcmtk_and_orthanc")]

NAMES = (
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "JPEG2000.dcm",
    "examples_palette.dcm",
    "rtplan.dcm",
    "test-SR.dcm",
    "waveform_ecg.dcm",
)


@dataclass(frozen=True)
class Bench:
    """A node between a DCMTK archive and an Orthanc."""

    folder: NodeFolder
    node: RunningNode
    orthanc: Archive
    storescp: Path


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Run both archives, and a node that delivers to both."""
    root = tmp_path_factory.mktemp("dcmtk_and_orthanc")
    port = free_port()
    rule = {
        "name": "everything",
        "when": {"kind": "always"},
        "then": {"kind": "forward", "treatment": "research", "destinations": ["dcmtk", "orthanc"]},
    }
    with orthanc(root / "orthanc") as archive, dcmtk.storescp(root / "storescp", port):
        folder = node_folder(
            root / "node",
            route={"rules": [rule]},
            forward={"destinations": {"dcmtk": cstore(port), "orthanc": cstore(archive.port)}},
        )
        with folder.running() as node:
            yield Bench(folder, node, archive, root / "storescp")
            assert node.stop() == 0


@pytest.fixture
def files(tmp_path: Path) -> Sequence[Path]:
    """Return a few instances of several kinds and syntaxes, fresh for each test."""
    return fresh(NAMES, tmp_path)


@pytest.mark.peer("echoscu", "storescp", "Orthanc")
def test_echoscu_is_answered(bench: Bench) -> None:
    done = dcmtk.run("echoscu", "-aec", AE_TITLE, "127.0.0.1", str(bench.node.port))

    assert done.returncode == 0, done.stderr


@pytest.mark.peer("storescu", "storescp", "Orthanc")
def test_what_storescu_sends_arrives_in_both_archives(bench: Bench, files: Sequence[Path]) -> None:
    before = _counts(bench)

    # Every file in its own encoding, so each gets an association of its own options.
    for path in files:
        done = dcmtk.run(
            "storescu", _proposing(path), "-aec", AE_TITLE, "127.0.0.1", str(bench.node.port), path
        )
        assert done.returncode == 0, done.stderr

    _wait_for(bench, [count + len(files) for count in before])


@pytest.mark.peer("dcmsend", "storescp", "Orthanc")
def test_what_dcmsend_sends_arrives_in_both_archives(bench: Bench, files: Sequence[Path]) -> None:
    before = _counts(bench)

    done = dcmtk.run(
        "dcmsend", "-aec", AE_TITLE, "--decompress-never",
        "127.0.0.1", str(bench.node.port), *files,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    _wait_for(bench, [count + len(files) for count in before])
    assert {one.state for one in bench.folder.journeys()} == {InstanceState.DELIVERED}


@pytest.mark.peer("storescp", "Orthanc", "dcmsend")
def test_orthanc_is_told_nothing_of_the_patient(bench: Bench, files: Sequence[Path]) -> None:
    before = set(bench.orthanc.instances())
    original = dcmread(files[0])

    dcmtk.run("dcmsend", "-aec", AE_TITLE, "127.0.0.1", str(bench.node.port), files[0])

    (new,) = eventually(lambda: set(bench.orthanc.instances()) - before, what="one more instance")
    tags = bench.orthanc.tags(new)
    told = bench.orthanc.file(new)
    assert tags["PatientIdentityRemoved"] == "YES"
    assert tags["SOPClassUID"] == original.SOPClassUID
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "SOPInstanceUID"):
        assert str(original[keyword].value).encode() not in told


def _proposing(path: Path) -> str:
    """Return the option with which storescu proposes the file's own transfer syntax."""
    return {
        "1.2.840.10008.1.2": "-xi",
        "1.2.840.10008.1.2.1": "-xe",
        "1.2.840.10008.1.2.2": "-xb",
        "1.2.840.10008.1.2.4.70": "-xs",
        "1.2.840.10008.1.2.4.91": "-xw",
        "1.2.840.10008.1.2.5": "-xr",
    }[str(dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID)]


def _counts(bench: Bench) -> tuple[int, int]:
    return len(list(bench.storescp.iterdir())), len(bench.orthanc.instances())


def _wait_for(bench: Bench, counts: Sequence[int]) -> None:
    bench.folder.wait_until_ended(1)
    eventually(lambda: list(_counts(bench)) >= list(counts), what="both archives have them")
    assert list(_counts(bench)) == list(counts), _refusals(bench)


def _refusals(bench: Bench) -> list[str]:
    return [
        f"{line['event']} {line.get('code')} {line.get('status')}"
        for line in bench.folder.events()
        if re.search("withheld|refused|postponed", line["event"])
    ]
