"""``clean`` as a person uses it: cut short, gone on with, begun anew, changed in between."""

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deid_node.cli import main, offline
from deid_node.cli.reports import Shown
from deid_node.cli.status import ExitStatus
from deid_node.metadata.apply.keys import new_key_file
from deid_node.spool.files import BlobFiles
from tests.fakes.light_corridor import LightFactory

pytestmark = pytest.mark.timeout(120)

Run = Callable[..., int]


class Command:
    """``clean`` in a folder of its own, with a corridor that has no models."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.input, self.output = root / "in", root / "out"
        self.list = root / "out.worklist"
        self.input.mkdir()
        self._monkeypatch = monkeypatch
        self.keys: list[bytes] = []
        self.calls = 0

        def factory(_config: object, *, keys: Any, files: BlobFiles, offline: bool) -> LightFactory:
            assert offline
            assert not files.encrypts
            self.keys = list(keys)
            return LightFactory()

        monkeypatch.setattr(offline, "corridor_factory", factory)

    def put(self, count: int, *, text: str = "UID {}", start: int = 0) -> None:
        for number in range(start, start + count):
            (self.input / f"n{number:03}").write_text(text.format(number))

    def config(self, text: str = "metadata: {pseudonym_key_file: ./key}\n") -> list[str]:
        if not (self.root / "key").exists():
            new_key_file(self.root / "key")
        (self.root / "node.yaml").write_text(text)
        return ["--config", str(self.root / "node.yaml")]

    def run(self, *arguments: str) -> int:
        self.calls += 1
        report = ["--report", str(self.root / "report.jsonl")]
        return main(["clean", str(self.input), str(self.output), *report, *arguments])

    def run_until(self, count: int, *arguments: str, by: int = signal.SIGINT) -> int:
        """Run, and have a signal come after `count` inputs have ended."""
        advance = Shown.advance

        def interrupting(shown: Shown, line: Any) -> None:
            advance(shown, line)
            if shown.done == count:
                os.kill(os.getpid(), by)

        with self._monkeypatch.context() as patch:
            patch.setattr(Shown, "advance", interrupting)
            return self.run(*arguments)

    def report(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.root / "report.jsonl").read_text().splitlines()]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(tmp_path, monkeypatch)


def test_nothing_but_the_results_is_left_when_all_is_done(command: Command) -> None:
    command.put(5)

    assert command.run() == ExitStatus.DONE

    assert not command.list.exists()
    assert {path.suffix for path in command.output.rglob("*") if path.is_file()} == {".dcm"}
    assert [path.name for path in command.output.iterdir()] == ["2.25.1"]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_after_a_signal_it_goes_on_where_it_was(
    command: Command, capsys: pytest.CaptureFixture[str], by: int
) -> None:
    command.put(90)

    ended = command.run_until(20, by=by)
    told = capsys.readouterr().err
    first = command.keys
    refused = command.run()
    why = capsys.readouterr().err
    at_last = command.run("--resume", "--jobs", "1")

    assert ended == ExitStatus.INTERRUPTED
    assert "of 90 are done; the same command with --resume goes on" in told
    assert refused == ExitStatus.MISUSE
    assert "--resume goes on, --restart begins anew" in why
    assert at_last == ExitStatus.DONE
    # The key that is used once is used for all of it.
    assert command.keys == first
    lines = command.report()
    assert [Path(line["input"]).name for line in lines] == [f"n{n:03}" for n in range(90)]
    assert {line["outcome"] for line in lines} == {"clean"}
    assert not command.list.exists()


def test_begun_anew_the_key_is_another(command: Command) -> None:
    command.put(40)
    command.run_until(5)
    first = command.keys

    assert command.run("--restart") == ExitStatus.DONE

    assert command.keys != first
    assert len(command.report()) == 40


def test_a_resume_of_nothing_is_a_beginning(command: Command) -> None:
    command.put(3)

    assert command.run("--resume") == ExitStatus.DONE


def test_the_list_of_an_unfinished_run_is_private_and_beside_the_output(command: Command) -> None:
    command.put(40)

    command.run_until(5)

    assert command.list.stat().st_mode & 0o777 == 0o600
    partial = [path for path in command.output.iterdir() if path.name.startswith(".partial")]
    assert [path.stat().st_mode & 0o777 for path in partial] == [0o700]


@pytest.mark.parametrize(
    ("after", "named"),
    [
        ("metadata: {pseudonym_key_file: ./other}\n", "the pseudonym key of treatment research"),
        (
            "metadata: {pseudonym_key_file: ./key, options: [retain_uids]}\n",
            "metadata.options[0]",
        ),
        (
            "metadata: {pseudonym_key_file: ./key}\ntreatments: {research: {fill: solid}}\n",
            "treatments.research.fill",
        ),
        (
            "metadata: {pseudonym_key_file: ./key, subject_table_file: ./table.csv}\n",
            "the subject table of treatment research",
        ),
    ],
    ids=["key", "option", "treatment", "subjects"],
)
def test_it_does_not_go_on_under_other_terms_unless_told(
    command: Command, capsys: pytest.CaptureFixture[str], after: str, named: str
) -> None:
    command.put(40)
    new_key_file(command.root / "other")
    (command.root / "table.csv").write_text("original_patient_id,subject_id\n")
    command.run_until(5, *command.config())
    capsys.readouterr()

    refused = command.run(*command.config(after), "--resume")
    why = capsys.readouterr().err
    told = command.run(*command.config(after), "--resume", "--despite-changes")

    assert refused == ExitStatus.MISUSE
    assert named in why
    assert told == ExitStatus.DONE
    assert len(command.report()) == 40


def test_what_has_no_bearing_on_the_outcome_may_change(command: Command) -> None:
    command.put(40)
    command.run_until(5, *command.config())
    text = "metadata: {pseudonym_key_file: ./key}\nwork: {engine: {kind: local, processes: 1}}\n"

    assert command.run(*command.config(text), "--resume") == ExitStatus.DONE


def test_another_input_is_not_gone_on_with(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command.put(40)
    command.run_until(5)
    command.input = command.input.rename(command.root / "in2")

    assert command.run("--resume") == ExitStatus.MISUSE

    assert "has changed: INPUT;" in capsys.readouterr().err


def test_inputs_that_were_cleaned_and_are_others_now_are_not_passed_over(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command.put(90)
    command.run_until(5)
    (command.input / "n001").write_text("withhold it")
    command.put(1, start=90)

    refused = command.run("--resume")
    why = capsys.readouterr().err
    told = command.run("--resume", "--despite-changes")

    assert refused == ExitStatus.MISUSE
    assert "of the inputs that were cleaned before, 1 are other files now" in why
    assert told == ExitStatus.SOME_WITHHELD
    lines = command.report()
    assert len(lines) == 91
    assert [line["code"] for line in lines] == [None, "undecodable", *[None] * 89]


def test_a_fault_before_anything_was_cleaned_leaves_nothing_behind(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command.put(3)

    assert command.run("--config", str(command.root / "none.yaml")) == ExitStatus.MISUSE
    assert command.run_until(0) == ExitStatus.DONE

    assert "--resume" not in capsys.readouterr().err


def test_two_commands_do_not_work_on_one_output(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command.put(3)
    second: list[int] = []
    original = Shown.advance

    def beside(shown: Shown, line: Any) -> None:
        original(shown, line)
        if not second:
            second.append(0)
            second[0] = command.run("--resume")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shown, "advance", beside)
        first = command.run()

    assert (first, second) == (ExitStatus.DONE, [ExitStatus.MISUSE])
    assert "another command works on" in capsys.readouterr().err


def test_the_table_names_paths_codes_and_reasons(command: Command) -> None:
    command.put(1)
    command.put(1, start=1, text="withhold")
    name = os.fsdecode(b"n999 M\xfcller, Hans")
    (command.input / name).write_text("discard")
    table = command.root / "table.csv"

    assert command.run("--csv", str(table)) == ExitStatus.SOME_WITHHELD

    with table.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["outcome"], row["code"], row["reason"]) for row in rows] == [
        ("clean", "", ""),
        ("withheld", "undecodable", "frame 3 cannot be decoded"),
        ("discarded", "", ""),
    ]
    assert rows[2]["input"] == str(command.input / name)
    assert Path(rows[0]["output"]).read_text() == "clean UID 0"


def test_an_index_of_a_disc_is_passed_over_with_a_line(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command.put(1)
    (command.input / "DICOMDIR").write_text("an index")

    assert command.run() == ExitStatus.DONE

    assert "1 DICOMDIR passed over" in capsys.readouterr().err


def test_a_folder_without_files_is_misuse_and_leaves_no_list(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run() == ExitStatus.MISUSE

    assert "holds no files" in capsys.readouterr().err
    assert not command.list.exists()


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_no_jobs_at_all_is_misuse(command: Command, jobs: str) -> None:
    command.put(1)

    with pytest.raises(SystemExit) as raised:
        command.run("--jobs", jobs)

    assert raised.value.code == ExitStatus.MISUSE
