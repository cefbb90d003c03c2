"""A short run of the fuzzers with a seed that stays: ``make fuzz`` is the long one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from deid_node.dicom.silence import silenced
from tests.fuzz.conversations import Conversation, conversations
from tests.fuzz.corpus import few
from tests.fuzz.drawing import drawn
from tests.fuzz.files import DamagedFile, damaged_files
from tests.fuzz.findings import FAULTS, Findings
from tests.fuzz.siege import besieged
from tests.fuzz.walking import Walker, walking
from tests.fuzz.web import WebRequest, WebSiege, web_requests

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fuzz")]

SEED = 20260102


def _conversations(count: int) -> Sequence[Conversation]:
    said: list[Conversation] = []
    with silenced():
        drawn(conversations(), count, seed=SEED, take=said.append)
    return said


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walker]:
    """One corridor for all the files."""
    folder = tmp_path_factory.mktemp("walker")
    with silenced(), walking(folder, Findings(folder / "kept")) as walker:
        yield walker


@pytest.mark.req("REQ-NW-05")
def test_no_conversation_takes_the_door_down_or_leaves_anything_behind(tmp_path: Path) -> None:
    findings = Findings(tmp_path / "kept")

    with besieged(tmp_path / "node", findings) as siege:
        siege.storm(_conversations(150))

    assert findings.faults == findings.verdicts["unexpected"] == 0, findings.table()
    assert siege.totals["acknowledged"] > 5
    assert siege.totals["delivered"] > 5


@pytest.mark.req("REQ-NW-05")
def test_no_request_takes_the_door_of_stow_rs_down_or_leaves_anything_behind(
    tmp_path: Path,
) -> None:
    findings = Findings(tmp_path / "kept")
    said: list[WebRequest] = []
    drawn(web_requests(), 200, seed=SEED, take=said.append)

    with silenced(), closing(WebSiege(tmp_path / "spool", findings)) as siege:
        siege.storm(said)

    assert findings.faults == findings.verdicts["unexpected"] == 0, findings.table()
    assert findings.totals["named"] > 50


def test_the_files_are_sound_before_they_are_damaged(walker: Walker) -> None:
    """Otherwise what is withheld would say nothing of the damage."""
    verdicts = [walker.walk(DamagedFile(one.name, (), one.content)) for one in few()]

    assert verdicts == ["clean"] * len(few())


def test_no_damaged_file_leaves_the_corridor_dirty_or_stops_it(walker: Walker) -> None:
    walked: Counter[str] = Counter()

    drawn(damaged_files(few()), 100, seed=SEED, take=lambda one: walked.update([walker.walk(one)]))

    assert FAULTS.isdisjoint(walked), walked
    assert min(walked["clean"], walked["malformed_dataset"]) > 10


def test_a_conversation_is_kept_so_that_it_can_be_played_again() -> None:
    for conversation in _conversations(20):
        assert Conversation.from_json(conversation.to_json()) == conversation


def test_what_is_dirty_or_lost_would_be_told_of(tmp_path: Path) -> None:
    """The judge itself."""
    findings = Findings(tmp_path / "kept")
    leak = tmp_path / "node" / "archive" / "leak.dcm"

    with besieged(tmp_path / "node", findings) as siege:
        leak.parent.mkdir(exist_ok=True)
        leak.write_bytes(b"..Canarybird..")
        siege.expect("2.25.4711")

    assert findings.verdicts == {"dirty": 1, "lost": 1}
    assert {path.suffix for path in findings.kept} == {".dcm", ".jsonl"}
