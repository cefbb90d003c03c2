"""A back-file through real worker processes, with a corridor that has no models."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from deid_node.batch.batch import MOST_CUT_SHORT, Batch
from deid_node.batch.placing import Folder
from deid_node.batch.walk import Walk
from deid_node.batch.work_list import State, WorkList
from deid_node.errors import InputError
from deid_node.values.retry import RetryPolicy
from deid_node.work.engine import Engine
from deid_node.work.workers.options import LocalOptions
from tests.fakes.light_corridor import LightFactory

pytestmark = pytest.mark.timeout(120)


class Home:
    """A folder of inputs, one of results, and the list between two runs."""

    def __init__(self, root: Path) -> None:
        self.input, self.output = root / "in", root / "out"
        self.partial = self.output / ".partial"
        self.input.mkdir()
        self.partial.mkdir(parents=True)
        self._where = root / "list"

    def put(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.input / name).write_text(text)

    @contextmanager
    def work_list(self) -> Iterator[WorkList]:
        with closing(WorkList(self._where)) as opened:
            yield opened

    def run(
        self, *, jobs: int = 1, processes: int = 2, upto: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the lines of a run, which ends early after `upto` of them."""
        lines: list[dict[str, Any]] = []
        walk = Walk(self.input)
        with self.work_list() as work_list:
            work_list.take_in(walk, again_if_changed=False)
            batch = Batch(
                work_list,
                walk,
                output=self.output,
                partial=self.partial,
                placing=Folder(self.output, self.partial),
                factory=LightFactory(),
                engine=LocalOptions(processes=processes),
                jobs=jobs,
            )
            with batch:
                for line in batch.lines():
                    lines.append(line)
                    if len(lines) == upto:
                        break
        return lines

    def results(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.output)): path.read_text()
            for path in sorted(self.output.rglob("*.dcm"))
        }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def _told(lines: Sequence[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(Path(line["input"]).name, line["outcome"], line["code"]) for line in lines]


def test_every_input_ends_once_in_the_order_of_paths(home: Home) -> None:
    home.put(d="UID 4", a="UID 1", c="discard", b="withhold", e="UID 5 marked")

    lines = home.run(jobs=2)

    assert _told(lines) == [
        ("a", "clean", None),
        ("b", "withheld", "undecodable"),
        ("c", "discarded", None),
        ("d", "clean", None),
        ("e", "clean", None),
    ]
    assert home.results() == {
        "2.25.1/2.25.8/2.25.75.dcm": "marks UID 5 marked",
        "2.25.1/2.25.90/2.25.1.dcm": "clean UID 1",
        "2.25.1/2.25.90/2.25.4.dcm": "clean UID 4",
        "2.25.1/2.25.90/2.25.5.dcm": "clean UID 5 marked",
    }
    assert lines[4]["output"] == str(home.output / "2.25.1/2.25.90/2.25.5.dcm")
    assert lines[4]["provenance"] == str(home.output / "2.25.1/2.25.8/2.25.75.dcm")
    assert list(home.partial.iterdir()) == []


def test_what_kills_its_worker_is_withheld_and_harms_no_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The trouble does not pass: its second and third start need not wait for that.
    defaults = Engine.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "another_start", RetryPolicy(0.01, 1, 0.01))
    home.put(a="UID 1", b="crash", c="UID 3", d="UID 4")

    lines = home.run(jobs=2)

    assert _told(lines) == [
        ("a", "clean", None),
        ("b", "withheld", "worker_lost"),
        ("c", "clean", None),
        ("d", "clean", None),
    ]


def test_of_two_that_say_something_else_under_one_uid_the_first_stays(home: Home) -> None:
    # Many behind them, so that both are under way at once.
    home.put(**{f"n{number:03}": f"UID {number % 20} {number // 20}" for number in range(60)})

    one, two = home.run(jobs=1), home.results()
    elsewhere = home.input.parent / "again"
    elsewhere.mkdir()
    again = Home(elsewhere)
    again.put(**{path.name: path.read_text() for path in home.input.iterdir()})
    both = again.run(jobs=2)

    assert again.results() == two
    assert _told(both) == _told(one)
    assert [code for _, _, code in _told(one)] == [None] * 20 + ["uid_conflict"] * 40


def test_a_run_that_is_gone_on_with_tells_all_and_cleans_only_the_rest(home: Home) -> None:
    home.put(**{f"n{number:03}": f"UID {number}" for number in range(100)})
    before = home.run(upto=30)
    ended = {Path(line["output"]): Path(line["output"]).stat().st_ino for line in before}
    # What has ended is not read again: it would be another file now.
    for line in before:
        status = Path(line["input"]).stat()
        Path(line["input"]).write_text("withh")
        os.utime(line["input"], ns=(status.st_atime_ns, status.st_mtime_ns))

    lines = home.run(jobs=2)

    assert lines[:30] == before
    assert [line["outcome"] for line in lines] == ["clean"] * 100
    assert {path: path.stat().st_ino for path in ended} == ended
    assert home.results() == {
        f"2.25.1/2.25.9{number // 10}/2.25.{number}.dcm": f"clean UID {number}"
        for number in range(100)
    }


def test_a_result_that_was_made_and_not_placed_is_placed_and_not_made_again(home: Home) -> None:
    home.put(a="UID 1", b="UID 2")
    with home.work_list() as work_list:
        work_list.take_in(Walk(home.input), again_if_changed=False)
        (home.partial / "x").write_text("clean once")
        sha256 = "5ee6d76b0d1d8b4d2ddb2b6e9a3ef3e1"
        moves = json.dumps([["x", "2.25.1/2.25.90/2.25.1.dcm", sha256]])
        line = {"output": "2.25.1/2.25.90/2.25.1.dcm", "provenance": None}
        rest = {"outcome": "clean", "code": None, "rule": "everything", "seconds": 1}
        work_list.keep_outcome(b"a", json.dumps({"input": "", **line, **rest}), moves)

    lines = home.run()

    assert _told(lines) == [("a", "clean", None), ("b", "clean", None)]
    assert home.results()["2.25.1/2.25.90/2.25.1.dcm"] == "clean once"


def test_a_result_that_is_lost_is_made_again(home: Home) -> None:
    home.put(a="UID 1")
    with home.work_list() as work_list:
        work_list.take_in(Walk(home.input), again_if_changed=False)
        moves = json.dumps([["x", "2.25.1/2.25.90/2.25.1.dcm", "00"]])
        work_list.keep_outcome(b"a", "{}", moves)

    lines = home.run()

    assert _told(lines) == [("a", "clean", None)]
    assert home.results() == {"2.25.1/2.25.90/2.25.1.dcm": "clean UID 1"}


def test_what_the_command_died_of_again_and_again_is_withheld(home: Home) -> None:
    home.put(a="UID 1", b="UID 2")
    for _ in range(MOST_CUT_SHORT):
        with home.work_list() as work_list:
            work_list.take_in(Walk(home.input), again_if_changed=False)
            work_list.take_in_hand(b"a")

    lines = home.run()

    assert _told(lines) == [("a", "withheld", "worker_lost"), ("b", "clean", None)]
    assert str(MOST_CUT_SHORT) in lines[0]["reason"]


def test_another_file_of_the_same_name_in_the_output_stays(home: Home) -> None:
    home.put(a="UID 1", b="UID 2 marked")
    theirs = home.output / "2.25.1/2.25.90/2.25.2.dcm"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("somebody else's")

    lines = home.run()

    assert _told(lines) == [("a", "clean", None), ("b", "withheld", "uid_conflict")]
    assert lines[1]["output"] is None
    assert theirs.read_text() == "somebody else's"
    assert not (home.output / "2.25.1/2.25.8").exists()
    assert list(home.partial.iterdir()) == []


def test_an_input_that_has_gone_is_withheld_and_told(home: Home) -> None:
    home.put(a="UID 1", b="UID 2")
    with home.work_list() as work_list:
        work_list.take_in(Walk(home.input), again_if_changed=False)
    (home.input / "a").unlink()

    assert _told(home.run()) == [("a", "withheld", "unexpected"), ("b", "clean", None)]


def test_no_worker_is_started_where_all_has_ended(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(a="UID 1", b="withhold")
    first = home.run()
    monkeypatch.setattr("deid_node.batch.batch.build_engine", None)

    assert home.run() == first
    with home.work_list() as work_list:
        assert work_list.totals()[State.ENDED] == 2


def test_a_disk_that_is_full_ends_the_command_and_not_the_inputs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(**{f"n{number}": f"UID {number}" for number in range(9)})

    def full(_folder: Folder, _moves: object) -> bool:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "place", full)
        with pytest.raises(InputError, match="No space left"):
            home.run()

    assert {outcome for _, outcome, _ in _told(home.run())} == {"clean"}


def test_files_of_an_earlier_run_that_nobody_waits_for_are_removed(home: Home) -> None:
    home.put(a="UID 1")
    (home.partial / "half").write_text("half a file")

    home.run()

    assert list(home.partial.iterdir()) == []


def test_no_name_under_way_says_anything_of_an_input(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(Mueller_Hans_19500101="UID 1")
    names: list[str] = []
    place = Folder.place

    def watched(folder: Folder, moves: Any) -> bool:
        names.extend(path.name for path in home.output.rglob("*"))
        return place(folder, moves)

    monkeypatch.setattr(Folder, "place", watched)
    home.run()

    assert any(len(name) == 16 for name in names)
    assert not any("Mueller" in name for name in [*names, *home.results()])
