"""``clean --dry-run``: what would become of every file, and nothing is written but that."""

import csv
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmwrite

from deid_node.cli import main, offline
from deid_node.cli.status import ExitStatus
from deid_node.metadata.apply.keys import new_key_file
from deid_node.values.geometry import Box
from tests.builders.samples import packaged
from tests.fakes.plain_corridor import PlainFactory
from tests.unit.metadata.canary import marks_in, study_instance

pytestmark = pytest.mark.timeout(120)


class DryRun:
    """``clean`` in a folder of its own, with the corridor of the package and no models."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.input, self.temporary = root / "in", root / "tmp"
        self.input.mkdir()
        self.temporary.mkdir()
        self.config: Any = None
        monkeypatch.setattr(tempfile, "tempdir", str(self.temporary))

        def factory(config: object, **_: object) -> PlainFactory:
            self.config = config
            return PlainFactory(Box(20, 30, 60, 40))

        monkeypatch.setattr(offline, "corridor_factory", factory)

    def put(self, *names: str) -> None:
        for name in names:
            shutil.copy(packaged(name), self.input / name)

    def run(self, *arguments: str | Path) -> int:
        report = ["--report", self.root / "report.jsonl", "--jobs", "1"]
        return main(["clean", *map(str, [self.input, *arguments, *report])])

    def report(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.root / "report.jsonl").read_text().splitlines()]


@pytest.fixture
def dry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DryRun:
    return DryRun(tmp_path, monkeypatch)


def test_nothing_is_written_but_the_report(dry: DryRun) -> None:
    dry.put("CT_small.dcm", "rtplan.dcm")

    assert dry.run("--dry-run") == ExitStatus.DONE

    assert {path.name for path in dry.root.iterdir()} == {"in", "tmp", "report.jsonl"}
    assert list(dry.temporary.iterdir()) == []


def test_changes_are_told_by_attribute_for_each_instance_and_for_all(
    dry: DryRun, capsys: pytest.CaptureFixture[str]
) -> None:
    dry.put("CT_small.dcm", "MR_small.dcm", "MR_truncated.dcm")

    assert dry.run("--dry-run") == ExitStatus.SOME_WITHHELD

    lines = dry.report()
    assert [line["outcome"] for line in lines] == ["clean", "clean", "withheld"]
    assert all(line["dry_run"] for line in lines)
    name = {"attribute": "PatientName", "tag": "00100010", "action": "replaced"}
    assert [name in line["changes"] for line in lines] == [True, True, False]
    pixels = {"attribute": "PixelData", "tag": "7FE00010", "action": "replaced"}
    # The finder sees something in the first alone.
    assert [pixels in line["changes"] for line in lines] == [True, False, False]
    told = capsys.readouterr().out
    (row,) = (line for line in told.splitlines() if line.startswith("  PatientName "))
    assert row.split() == ["PatientName", "(0010,0010)", "replaced", "2"]
    assert told.endswith("nothing was written\n")


def test_no_value_of_the_patient_is_in_what_is_told(
    dry: DryRun, capsys: pytest.CaptureFixture[str]
) -> None:
    dcmwrite(dry.input / "a", study_instance(), enforce_file_format=True)

    assert dry.run("--dry-run", "--csv", dry.root / "table.csv") == ExitStatus.DONE

    said = capsys.readouterr()
    assert "PatientName" in said.out
    for told in (said.out, said.err, *((dry.root / n).read_text() for n in ("report.jsonl",))):
        assert not marks_in(told.encode())
    with (dry.root / "table.csv").open(newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == ["clean"]


def test_it_foretells_what_the_run_does(dry: DryRun) -> None:
    dry.put("CT_small.dcm", "MR_small.dcm", "MR_truncated.dcm")
    new_key_file(dry.root / "key")
    (dry.root / "node.yaml").write_text("metadata: {pseudonym_key_file: ./key}\n")
    # A twin that says something else, and one that says the same.
    content = packaged("CT_small.dcm").read_bytes()
    (dry.input / "z_other.dcm").write_bytes(content[:-1] + b"\7")
    (dry.input / "z_same.dcm").write_bytes(packaged("MR_small.dcm").read_bytes())
    config = ("--config", dry.root / "node.yaml")

    foretold = dry.run(dry.root / "out", "--dry-run", *config), dry.report()
    assert not (dry.root / "out").exists()
    done = dry.run(dry.root / "out", *config), dry.report()
    again = dry.run(dry.root / "out", "--dry-run", *config), dry.report()

    def plain(run: tuple[int, list[dict[str, Any]]]) -> Any:
        own = {"seconds", "dry_run", "changes"}
        return run[0], [{k: v for k, v in line.items() if k not in own} for line in run[1]]

    assert plain(foretold) == plain(done) == plain(again)
    assert [line["code"] for line in foretold[1]] == [
        None, None, "malformed_dataset", "uid_conflict", None,
    ]  # fmt: skip


def test_the_sheet_is_drawn_where_it_is_asked_for_and_private(
    dry: DryRun, capsys: pytest.CaptureFixture[str]
) -> None:
    dry.put("CT_small.dcm", "MR_small.dcm")
    sheet = dry.root / "sheet.png"

    assert dry.run("--dry-run", "--contact-sheet", sheet) == ExitStatus.DONE

    assert sheet.stat().st_mode & 0o777 == 0o600
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert f"contact sheet: {sheet}" in capsys.readouterr().err
    assert list(dry.temporary.iterdir()) == []


def test_where_nothing_would_be_filled_there_is_no_sheet(
    dry: DryRun, capsys: pytest.CaptureFixture[str]
) -> None:
    dry.put("rtplan.dcm")

    assert dry.run("--dry-run", "--contact-sheet", dry.root / "sheet.png") == ExitStatus.DONE

    assert not (dry.root / "sheet.png").exists()
    assert "nothing would be filled" in capsys.readouterr().err


def test_values_are_shown_on_a_terminal_and_nowhere_else(
    dry: DryRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dry.put("CT_small.dcm")

    refused = dry.run("--dry-run", "--show-values")
    why = capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(sys.stdout, "isatty", lambda: True)
        shown = dry.run("--dry-run", "--show-values")

    assert (refused, shown) == (ExitStatus.MISUSE, ExitStatus.DONE)
    assert "this is none" in why
    assert "PatientName: CompressedSamples^CT1 => " in capsys.readouterr().out
    assert "CompressedSamples" not in (dry.root / "report.jsonl").read_text()


def test_the_list_of_old_and_new_identifiers_is_left_alone(dry: DryRun) -> None:
    dry.put("rtplan.dcm")
    new_key_file(dry.root / "key")
    (dry.root / "node.yaml").write_text(
        "metadata: {pseudonym_key_file: ./key, crosswalk: {enabled: true, file: ./walk}}\n"
        "treatments: {research: {project: {crosswalk: {enabled: true, file: ./own}}}}\n"
    )

    assert dry.run("--dry-run", "--config", dry.root / "node.yaml") == ExitStatus.DONE

    (treatment,) = dry.config.treatments.values()
    assert not treatment.project.over(dry.config.metadata).crosswalk.enabled


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--dry-run", "--resume"], "--resume is not for --dry-run"),
        (["--dry-run", "--restart"], "--restart is not for --dry-run"),
        (["out", "--contact-sheet", "sheet.png"], "--contact-sheet is for --dry-run"),
        (["out", "--show-values"], "--show-values is for --dry-run"),
        ([], "OUTPUT is missing"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_together_is_misuse(
    dry: DryRun, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    dry.put("rtplan.dcm")

    assert dry.run(*arguments) == ExitStatus.MISUSE

    assert why in capsys.readouterr().err


def test_interrupted_it_leaves_nothing_in_the_folder_for_temporary_files(
    dry: DryRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    dry.put("CT_small.dcm", "rtplan.dcm")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deid_node.cli.rehearse.taken", interrupted)

    assert dry.run("--dry-run") == ExitStatus.INTERRUPTED
    assert list(dry.temporary.iterdir()) == []
