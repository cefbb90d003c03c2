"""``deid-node status``: how much of a study came, and where it is."""

import json
from pathlib import Path

import pytest

from deid_node.cli import main
from deid_node.metadata.apply.keys import new_key_file, read_key_file
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from tests.unit.spool.test_inventory import STUDY, arrive, deliver, seal


@pytest.fixture
def config(tmp_path: Path) -> Path:
    new_key_file(tmp_path / "pseudonym.key")
    config = tmp_path / "node.yaml"
    content = {
        "spool": {"dir": "./spool", "reserve_bytes": 0},
        "metadata": {"pseudonym_key_file": "./pseudonym.key"},
    }
    config.write_text(json.dumps(content))
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    new = Pseudonyms(read_key_file(tmp_path / "pseudonym.key")).uid(STUDY)
    for number in range(3):
        instance = arrive(custody, number)
        seal(custody, instance, "archive", study=new)
        if number:
            deliver(custody, instance, "archive")
    # One of which an older version of the node took no study down.
    custody.write(
        lambda transaction: transaction.connection.execute(
            "UPDATE instances SET study_instance_uid = '' WHERE sequence = 1"
        )
    )
    custody.close()
    return config


def test_a_study_is_told_in_numbers(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--study", STUDY, "--format", "json", "--config", str(config)]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "instances": 3,
        "series": 1,
        "states": {"clean": 1, "delivered": 2},
        "withheld": {},
        "deliveries": {"archive": {"due": 1, "delivered": 2}},
        "superseded": 0,
    }


def test_a_person_reads_a_table(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--study", STUDY, "--config", str(config)]) == 0

    told = capsys.readouterr().out
    assert "3 instances of 1 series" in told
    assert [line.split() for line in told.splitlines() if "archive" in line] == [
        ["│", "archive", "│", "delivered", "│", "│", "2", "│"],
        ["│", "archive", "│", "due", "│", "│", "1", "│"],
    ]
    assert STUDY not in told


def test_an_unknown_study_is_misuse(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--study", "1.9", "--config", str(config)]) == 2

    assert "nothing of that study has come" in capsys.readouterr().err


def test_a_study_is_found_by_its_new_uid_under_the_key_of_a_project(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_key_file(config.parent / "heart.key")
    old_key = (config.parent / "pseudonym.key").read_bytes()
    content = json.loads(config.read_text())
    content["treatments"] = {"heart": {"project": {"pseudonym_key_file": "./heart.key"}}}
    config.write_text(json.dumps(content))
    (config.parent / "heart.key").write_bytes(old_key)
    (config.parent / "pseudonym.key").unlink()
    new_key_file(config.parent / "pseudonym.key")

    assert main(["status", "--study", STUDY, "--format", "json", "--config", str(config)]) == 0

    # One of the three has lost the UID that it was sent with: the new one alone finds it.
    assert json.loads(capsys.readouterr().out)["instances"] == 3
