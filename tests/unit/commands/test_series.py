"""``deid-node series``: beside a node that runs or does not."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from deid_node.cli import main
from deid_node.metadata.apply.keys import new_key_file, read_key_file
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from tests.unit.spool.test_inventory import SERIES, STUDY
from tests.unit.spool.test_series import waits

OTHER = "1.2.840.1.2"

Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """A spool in which two series are waited for, one of two instances and one of one."""
    new_key_file(tmp_path / "pseudonym.key")
    config = tmp_path / "node.yaml"
    config.write_text(
        json.dumps(
            {
                "spool": {"dir": "./spool", "reserve_bytes": 0},
                "metadata": {"pseudonym_key_file": "./pseudonym.key"},
            }
        )
    )
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    with closing(custody):
        for number, series in ((1, SERIES), (2, SERIES), (3, OTHER)):
            waits(custody, number, series=series)
    return lambda *arguments: main(["series", *arguments, "--config", str(config)])


def listed(command: Command, capsys: pytest.CaptureFixture[str], *which: str) -> list[int]:
    capsys.readouterr()
    assert command("list", "--format", "json", *which) == 0
    return [json.loads(line)["number"] for line in capsys.readouterr().out.splitlines()]


def test_what_is_waited_for_is_listed_without_its_names(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    assert command("list") == 0

    told = capsys.readouterr().out
    assert "research" in told
    assert STUDY not in told
    assert listed(command, capsys) == [1, 2]


def test_series_are_chosen_by_number_and_by_their_uids_as_sent_or_as_they_leave(
    command: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    new = Pseudonyms(read_key_file(tmp_path / "pseudonym.key")).uid

    assert listed(command, capsys, "--series", OTHER) == [2]
    assert listed(command, capsys, "--series", new(SERIES)) == [1]
    assert listed(command, capsys, "--study", STUDY) == [1, 2]
    assert listed(command, capsys, "--study", new(STUDY), "--series", OTHER) == [2]
    assert listed(command, capsys, "--study", "1.9.9") == []


def test_a_person_lets_one_go_on_or_all(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("release", "2") == 0
    assert "1 instances go on" in capsys.readouterr().out
    assert listed(command, capsys) == [1]

    assert command("release", "--all") == 0
    assert "2 instances go on" in capsys.readouterr().out
    assert listed(command, capsys) == []


def test_a_person_says_how_many_there_are(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("expect", "1", "--instances", "5") == 0
    assert "0 instances go on" in capsys.readouterr().out

    assert command("expect", "--series", SERIES, "--instances", "2") == 0
    assert "2 instances go on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("release",), "say which"),
        (("release", "9"), "no such series"),
        (("expect", "--study", STUDY, "--instances", "5"), "one series at a time"),
        (("expect", "1", "--instances", "0"), "how many instances"),
    ],
)
def test_what_nobody_can_mean_is_refused(
    command: Command, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert command(*arguments) == 2
    assert said in capsys.readouterr().err
    assert listed(command, capsys) == [1, 2]
