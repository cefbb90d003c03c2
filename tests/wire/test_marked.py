"""Under ``provenance: seg`` archives get, beside each filled instance, a Segmentation of it."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread
from pydicom import Dataset, dcmread
from pydicom.uid import SegmentationStorage

from deid_node.demo.scanner import send
from deid_node.dicom.silence import silenced
from deid_node.values.state import InstanceState
from tests.fakes import dcmtk
from tests.fakes.orthanc import orthanc
from tests.fakes.programs import program
from tests.fakes.waiting import free_port
from tests.wire.instances import fresh
from tests.wire.nodes import AE_TITLE, NodeFolder, cstore, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("marked")]

NAMES = ("CT_small.dcm", "examples_jpeg2k.dcm", "examples_ybr_color.dcm", "test-SR.dcm")
CORNER = {"left": 8, "top": 4, "right": 57, "bottom": 21}
REGIONS = [
    {"where": [{"attribute": "Modality", "value": modality}], "boxes": [CORNER]}
    for modality in ("CT", "US")
]


@pytest.fixture
def files(tmp_path: Path) -> Sequence[Path]:
    """A slice, a colour image, a cine, and a report, of which nothing can be filled."""
    return fresh(NAMES, tmp_path)


def marking(root: Path, destinations: Mapping[str, Mapping[str, object]]) -> NodeFolder:
    rule = {
        "name": "everything",
        "when": {"kind": "always"},
        "then": {
            "kind": "forward", "treatment": "research", "destinations": list(destinations),
        },
    }  # fmt: skip
    return node_folder(
        root,
        route={"rules": [rule]},
        treatments={"research": {"provenance": "seg"}},
        pixels={"regions": REGIONS},
        forward={"destinations": destinations},
    )


def pairs(datasets: Sequence[Dataset]) -> list[tuple[Dataset, Dataset]]:
    """Return each Segmentation with the instance that it marks."""
    images = {one.SOPInstanceUID: one for one in datasets if one.SOPClassUID != SegmentationStorage}
    return [
        (one, images[one.SourceImageSequence[0].ReferencedSOPInstanceUID])
        for one in datasets
        if one.SOPClassUID == SegmentationStorage
    ]


def marked_frames(marks: Path, image: Dataset) -> np.ndarray:
    """What the library's reader finds for each frame of `image`."""
    found = segread(marks)
    if "NumberOfFrames" not in image:
        return np.asarray(found.get_pixels_by_source_instance([image.SOPInstanceUID]))[..., 0]
    numbers = range(1, int(image.NumberOfFrames) + 1)
    return np.asarray(found.get_pixels_by_source_frame(image.SOPInstanceUID, list(numbers)))[..., 0]


@pytest.mark.req("REQ-PX-16")
@pytest.mark.peer("storescp", "dciodvfy", "Orthanc")
def test_archives_get_the_marks_of_what_was_filled_and_readers_understand_them(
    root: Path, tmp_path: Path, files: Sequence[Path]
) -> None:
    port, received = free_port(), tmp_path / "dcmtk"
    with orthanc(tmp_path / "orthanc") as archive, dcmtk.storescp(received, port):
        folder = marking(root, {"dcmtk": cstore(port), "orthanc": cstore(archive.port)})
        with folder.running() as node:
            send(files, port=node.port, called=AE_TITLE)
            journeys = folder.wait_until_ended(len(files))
            assert node.stop() == 0
        at_orthanc = {archive.tags(one)["SOPInstanceUID"] for one in archive.instances()}

    assert {journey.state for journey in journeys} == {InstanceState.DELIVERED}
    paths = {dcmread(path).SOPInstanceUID: path for path in received.iterdir()}
    assert at_orthanc == set(paths)
    with silenced():
        found = pairs([dcmread(path) for path in paths.values()])
        assert len(found) == len(files) - 1
        for marks, image in found:
            path = paths[marks.SOPInstanceUID]
            expected = np.zeros((image.get("NumberOfFrames", 1), image.Rows, image.Columns))
            regions = next(
                journey.clean.report.regions
                for journey in journeys
                if journey.clean is not None
                and journey.clean.sop_instance_uid == image.SOPInstanceUID
            )
            for region in regions:
                expected[region.frame][region.box.slices] = 1
            assert np.array_equal(marked_frames(path, image), expected)
            assert marks.StudyInstanceUID == image.StudyInstanceUID
            judged = subprocess.run(
                [program("dciodvfy"), path], capture_output=True, text=True, check=False
            )
            assert not [one for one in judged.stderr.splitlines() if one.startswith("Error")]
    events = folder.events("instance_cleaned")
    assert sorted(event["marked"] for event in events) == [False, True, True, True]


@pytest.mark.peer("storescp")
def test_an_archive_that_takes_no_segmentations_gets_no_instance_that_has_marks(
    root: Path, tmp_path: Path, files: Sequence[Path]
) -> None:
    port, received = free_port(), tmp_path / "dcmtk"
    configuration = tmp_path / "storescp.cfg"
    configuration.write_text(
        "[[TransferSyntaxes]]\n[Plain]\nTransferSyntax1 = LittleEndianExplicit\n"
        "[[PresentationContexts]]\n[Some]\n"
        "PresentationContext1 = CTImageStorage\\Plain\n"
        "PresentationContext2 = ComprehensiveSRStorage\\Plain\n"
        "[[Profiles]]\n[Default]\nPresentationContexts = Some\n"
    )
    options = ["--config-file", str(configuration), "Default"]
    with dcmtk.storescp(received, port, options=options):
        folder = marking(root, {"dcmtk": cstore(port)})
        with folder.running() as node:
            send([files[0], files[3]], port=node.port, called=AE_TITLE)
            journeys = folder.wait_until_ended(2)
            assert node.stop() == 0

    slice_, report = journeys
    assert (slice_.state, slice_.code) == (InstanceState.WITHHELD, "refused_by_destination")
    assert report.state is InstanceState.DELIVERED
    (stored,) = received.iterdir()
    assert dcmread(stored).Modality == "SR"


def test_clean_writes_the_marks_beside_and_names_them_in_its_report(
    root: Path, tmp_path: Path, files: Sequence[Path]
) -> None:
    folder = marking(root, {"archive": {"kind": "folder", "dir": "./archive"}})
    report, written = tmp_path / "report.jsonl", []
    for output in ("first", "second"):
        done = folder.command(
            *("clean", files[0], tmp_path / output),
            *("--config", folder.config, "--report", report),
        )
        assert done.returncode == 0, done.stderr
        written.append(
            {path.relative_to(tmp_path / output): path.read_bytes()
             for path in (tmp_path / output).rglob("*.dcm")}
        )  # fmt: skip

    line = json.loads(report.read_text())
    marks = dcmread(line["provenance"])
    assert marks.SourceImageSequence[0].ReferencedSOPInstanceUID == Path(line["output"]).stem
    assert len(written[0]) == 2
    assert written[0] == written[1]
