"""``deid-node status``: how much of a study came, and where it is."""

import json
import os
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom.dsutils import encode

from deid_node.cli import main
from deid_node.config.fingerprint import fingerprint_of
from deid_node.config.load import load
from deid_node.dicom import part10
from deid_node.metadata.apply.keys import new_key_file, read_key_file
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.spool.reload_note import ReloadNotes
from tests.builders.custody import Spool
from tests.builders.samples import packaged
from tests.builders.values import EXPLICIT, an_arrival
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


def test_the_node_is_told_without_an_argument(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--json", "--config", str(config)]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["process"] is None
    assert {one["state"]: one["instances"] for one in told["waiting"]} == {
        "received": 0,
        "held": 0,
        "clean": 1,
        "withheld": 0,
    }
    assert [(one["what"], one["port"]) for one in told["ports"]] == [
        ("dicom", 11112),
        ("metrics", 9464),
    ]
    assert [(one["name"], one["instances"]) for one in told["peers"]] == [("any", 3)]
    assert [(one["name"], one["due"]) for one in told["destinations"]] == [("archive", 1)]
    assert told["received_last_day"] == 0
    assert told["free_bytes"] > 0


def test_a_person_reads_how_the_node_is(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    assert main(["status", "--config", str(config)]) == 0

    told = capsys.readouterr().out
    assert "no node runs" in told
    assert "archive (not configured)" in " ".join(told.split())
    assert "GB free" in told


def test_a_running_node_is_told_by_its_process(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    custody = Custody(SpoolOptions(dir=config.parent / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    try:
        assert main(["status", "--json", "--config", str(config)]) == 0
    finally:
        custody.close()

    assert json.loads(capsys.readouterr().out)["process"] == os.getpid()


def test_a_file_that_is_not_in_force_is_told_as_such(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    custody = Custody(SpoolOptions(dir=config.parent / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    ReloadNotes(custody).write("started", fingerprint_of(load(config)))
    custody.close()
    said = []
    for port in (None, 104):
        if port is not None:
            content = {**json.loads(config.read_text()), "receive": {"port": port}}
            config.write_text(json.dumps(content))
        assert main(["status", "--config", str(config)]) == 0
        said.append("it is not in force" in capsys.readouterr().out)

    assert said == [False, True]


def test_studies_are_found_by_their_accession_number(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The journal holds no number: only who has number and key finds the row."""
    key = read_key_file(config.parent / "pseudonym.key")
    custody = Custody(
        SpoolOptions(dir=config.parent / "spool", reserve_bytes=0),
        exclusive=True,
        mark=Pseudonyms(key).accession_mark,
    )
    custody.open()
    dataset = dcmread(packaged("CT_small.dcm"))
    dataset.AccessionNumber = "A-4711 "
    content = encode(dataset, False, True)
    assert content is not None
    header = part10.spool_header(
        sop_class_uid="1.2", sop_instance_uid="1.2.9", transfer_syntax=EXPLICIT
    )
    Spool(custody).accept(an_arrival("1.2.9"), [header, content])
    custody.close()

    assert main(["status", "--accession", "A-4711", "--json", "--config", str(config)]) == 0
    assert json.loads(capsys.readouterr().out)["instances"] == 1
    assert main(["status", "--accession", "A-4712", "--config", str(config)]) == 2
    assert b"A-4711" not in b"".join(
        path.read_bytes() for path in (config.parent / "spool").glob("journal.sqlite*")
    )
    (config.parent / "pseudonym.key").unlink()
    new_key_file(config.parent / "pseudonym.key")
    assert main(["status", "--accession", "A-4711", "--config", str(config)]) == 2
