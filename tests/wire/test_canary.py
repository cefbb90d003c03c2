"""A patient who stands everywhere in a study is told of nowhere behind the node."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from pydicom import dcmread

from deid_node.demo.scanner import send
from deid_node.dicom.silence import silenced
from deid_node.spool.inventory import Journey
from tests.fakes import dcmtk
from tests.fakes.waiting import free_port
from tests.wire.canary_study import AE_TITLE as HER_AE_TITLE
from tests.wire.canary_study import WITHHELD, marks_in, write_study
from tests.wire.nodes import AE_TITLE, NodeFolder, cstore, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.peer("storescp"), pytest.mark.xdist_group("canary")]


@dataclass(frozen=True)
class Aftermath:
    """What is left to be searched."""

    folder: NodeFolder
    sent: Path
    archive: Path
    journeys: tuple[Journey, ...]
    said: dict[str, bytes]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """Send the study from her AE title to a node that logs all it can, and ask it about her."""
    root = tmp_path_factory.mktemp("canary_wire")
    port = free_port()
    with silenced(), dcmtk.storescp(root / "archive", port):
        paths = write_study(root / "sent")
        folder = node_folder(
            root / "node",
            destination=cstore(port),
            observe={"http": {"port": 0}, "log_level": "debug"},
        )
        with folder.running() as node:
            answers = send(paths, port=node.port, called=AE_TITLE, calling=HER_AE_TITLE)
            assert [answer.status for answer in answers] == [0x0000] * len(paths)
            # Once more with the wrong title: what is refused is not told of either.
            refused = dcmtk.run(
                "echoscu", "-aet", HER_AE_TITLE, "-aec", "TWEETY", "127.0.0.1", str(node.port)
            )
            assert refused.returncode != 0
            journeys = folder.wait_until_ended(len(paths))
            config = ("--config", folder.config)
            said = {"metrics": node.metrics()}
            for page in ("/health/live", "/health/ready"):
                with urlopen(f"http://127.0.0.1:{node.http_port}{page}", timeout=60) as answer:
                    said[page] = answer.read()
            commands = [
                folder.command("withheld", "list", *config, "--format", "json"),
                folder.command("withheld", "list", *config),
                *(
                    folder.command("withheld", "show", *config, journey.id)
                    for journey in journeys
                    if journey.code
                ),
            ]
            for number, done in enumerate(commands):
                assert done.returncode == 0, done.stderr
                said[f"command {number}"] = (done.stdout + done.stderr).encode()
            assert node.stop() == 0
    return Aftermath(folder, root / "sent", root / "archive", tuple(journeys), said)


def test_the_study_really_tells_of_her(aftermath: Aftermath) -> None:
    assert all(marks_in(path.read_bytes()) for path in aftermath.sent.iterdir())


def test_only_what_cannot_be_looked_into_is_withheld(aftermath: Aftermath) -> None:
    codes = [journey.code for journey in aftermath.journeys]
    names = sorted(path.name for path in aftermath.sent.iterdir())

    assert dict(zip(names, codes, strict=True)) == {
        name: "unsupported_object" if name == WITHHELD else None for name in names
    }


def test_no_delivered_byte_tells_of_her(aftermath: Aftermath) -> None:
    arrived = list(aftermath.archive.iterdir())

    assert len(arrived) == sum(journey.clean is not None for journey in aftermath.journeys)
    told = {path.name: marks_in(path.name.encode() + path.read_bytes()) for path in arrived}
    assert {name: marks for name, marks in told.items() if marks} == {}


def test_her_name_in_the_pixels_was_found_and_filled(aftermath: Aftermath) -> None:
    for journey in aftermath.journeys:
        if journey.clean is not None and journey.clean.report.frames:
            boxes = [region.box for region in journey.clean.report.regions]
            assert any(box.left < 60 and box.top < 30 < box.bottom + 10 for box in boxes)


def test_one_patient_and_one_study_stay_one(aftermath: Aftermath) -> None:
    with silenced():
        arrived = [dcmread(path) for path in aftermath.archive.iterdir()]

        assert len({str(one.PatientID) for one in arrived}) == 1
        assert len({str(one.StudyInstanceUID) for one in arrived}) == 1
        assert len({str(one.SOPInstanceUID) for one in arrived}) == len(arrived)


def test_neither_log_nor_metrics_nor_lists_tell_of_her(aftermath: Aftermath) -> None:
    said = {
        **aftermath.said,
        "log": aftermath.folder.log.read_bytes(),
        "standard error": aftermath.folder.errors.encode(),
    }

    assert {place: marks for place, text in said.items() if (marks := marks_in(text))} == {}
    assert len(aftermath.folder.events()) > 20


def test_the_report_of_clean_tells_of_nothing_but_the_path_that_was_given(
    aftermath: Aftermath, tmp_path: Path
) -> None:
    report, out = tmp_path / "report.jsonl", tmp_path / "out"

    done = aftermath.folder.command(
        "clean", aftermath.sent, out, "--config", aftermath.folder.config, "--report", report
    )

    lines = [json.loads(line) for line in report.read_text().splitlines()]
    inputs = [line.pop("input") for line in lines]
    assert inputs == sorted(map(str, aftermath.sent.iterdir()))
    assert marks_in(json.dumps(lines).encode()) == []
    assert marks_in((done.stdout + done.stderr).encode()) == []
    for path in out.rglob("*"):
        assert marks_in(path.name.encode()) == []
        assert path.is_dir() or marks_in(path.read_bytes()) == []
