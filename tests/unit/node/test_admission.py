"""A spool that does not fit refuses the start, and says what a person can do."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from deid_node.cli import main
from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import KEY_PATH, fingerprint_of, new_key_file
from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.spool.custody import Custody
from deid_node.spool.foundlings import Foundlings
from deid_node.spool.key_mark import KeyMark
from deid_node.spool.options import SpoolOptions
from deid_node.spool.withheld import WorkList
from deid_node.work.admission import Admission
from tests.fakes.event_log import RecordingLog
from tests.unit.spool.test_foundlings import send

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def custody(tmp_path: Path) -> Iterator[Custody]:
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    yield custody
    custody.close()


def admission(
    custody: Custody, key: bytes, log: RecordingLog | None = None, *, takes_new_key: bool = False
) -> Admission:
    return Admission(
        [KeyMark(custody, fingerprint_of(key), setting=KEY_PATH)],
        Foundlings(custody),
        metrics=Metrics(CollectorRegistry()),
        log=log or RecordingLog(),
        takes_new_key=takes_new_key,
    )


def test_the_same_key_is_let_in_again_and_again(custody: Custody) -> None:
    for _ in range(3):
        admission(custody, OLD)()


def test_another_key_is_refused_by_fingerprint_until_a_person_takes_it(custody: Custody) -> None:
    admission(custody, OLD)()

    with pytest.raises(ConfigurationError) as raised:
        admission(custody, NEW)()

    assert raised.value.path == "metadata.pseudonym_key_file"
    assert fingerprint_of(OLD) in str(raised.value)
    assert fingerprint_of(NEW) in str(raised.value)
    admission(custody, NEW, takes_new_key=True)()
    admission(custody, NEW)()
    with pytest.raises(ConfigurationError):
        admission(custody, OLD)()


def test_a_fingerprint_is_nothing_of_the_key() -> None:
    assert fingerprint_of(OLD) != fingerprint_of(NEW)
    assert OLD.hex()[:8] not in fingerprint_of(OLD)
    assert len(fingerprint_of(OLD)) == 16


def test_what_was_found_is_withheld_counted_and_said(custody: Custody) -> None:
    found = send(custody, "1.2.3").instance.id
    custody.write(lambda transaction: transaction.connection.execute("DELETE FROM instances"))
    (custody.blobs.clean / "stray.dcm").touch()
    log = RecordingLog()

    admission(custody, OLD, log)()

    assert [one.id for one in WorkList(custody).entries()] == [found]
    assert [line["count"] for line in log.lines_of(Event.INSTANCES_ADOPTED)] == [1]
    assert [line["count"] for line in log.lines_of(Event.FILES_SET_ASIDE)] == [1]


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    new_key_file(tmp_path / "pseudonym.key")
    content = {
        "receive": {"host": "127.0.0.1", "port": 0},
        "spool": {"dir": "./spool", "reserve_bytes": 0},
        "metadata": {"pseudonym_key_file": "./pseudonym.key"},
        "route": {"rules": []},
        "forward": {"destinations": {"archive": {"kind": "folder", "dir": "./archive"}}},
        "observe": {"http": {"port": 0}},
    }
    path = tmp_path / "node.yaml"
    path.write_text(json.dumps(content))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield path
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.slow
def test_serve_without_the_journal_or_with_another_key_ends_at_once(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = SpoolOptions(dir=config.parent / "spool", reserve_bytes=0)
    custody = Custody(spool, exclusive=True)
    custody.open()
    admission(custody, OLD)()
    send(custody, "1.2.3")
    custody.close()

    other_key = main(["serve", "--config", str(config)]), capsys.readouterr().err
    for path in spool.dir.glob("journal.sqlite*"):
        path.unlink()
    no_journal = main(["serve", "--config", str(config)]), capsys.readouterr().err
    beside = main(["withheld", "list", "--config", str(config)]), capsys.readouterr().err

    assert (other_key[0], no_journal[0], beside[0]) == (2, 2, 2)
    assert "metadata.pseudonym_key_file: " in other_key[1]
    assert "serve --new-key" in other_key[1]
    assert "serve --new-journal" in no_journal[1]
    assert len(list((spool.dir / "received").iterdir())) == 1
