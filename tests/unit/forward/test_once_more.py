"""`redeliver` and `reprocess` at the command line, beside a sender that runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from deid_node.cli import main
from deid_node.forward.folder import FolderDestination
from deid_node.forward.sender import Sender
from deid_node.metadata.apply.keys import new_key_file, read_key_file
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.observe.metrics import Metrics
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.values.instance import CleanInstance
from deid_node.values.retry import RetryPolicy
from tests.builders.custody import Spool, sealed
from tests.builders.values import an_arrival
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually


class Home:
    """A spool, a folder as its archive with a sender, and a configuration that names them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        new_key_file(folder / "pseudonym.key")
        self.config = folder / "node.yaml"
        content = {
            "spool": {"dir": "./spool", "reserve_bytes": 0},
            "metadata": {"pseudonym_key_file": "./pseudonym.key"},
        }
        self.config.write_text(json.dumps(content))
        self.custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.sender = Sender(
            FolderDestination("archive", folder / "archive"),
            Deliveries(self.custody),
            RetryPolicy(0.1, 2, 1),
            log=RecordingLog(),
            metrics=Metrics(CollectorRegistry()),
            look_again_seconds=0.1,
        )
        self.sender.start()

    def close(self) -> None:
        self.sender.stop(finish_seconds=5)
        self.custody.close()

    def delivered(self, *instances: CleanInstance) -> None:
        """Wait until the archive has all of them, and forgets them."""
        paths = [self.place(one) for one in instances]
        eventually(
            lambda: (
                all(path.exists() for path in paths)
                and not self.custody.read("SELECT 1 FROM instances WHERE state = 'clean'")
            ),
            what="the archive has it",
        )
        for path in paths:
            path.unlink()

    def place(self, instance: CleanInstance) -> Path:
        study = self.folder / "archive" / instance.study_instance_uid
        return study / instance.series_instance_uid / f"{instance.sop_instance_uid}.dcm"

    def order(self, *arguments: str) -> int:
        return main([*arguments, "--config", str(self.config)])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    built = Home(tmp_path)
    yield built
    built.close()


def test_what_the_archive_has_lost_is_delivered_again_beside_the_sender(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (sealed(home.custody, tmp_path, number=n, study=n).instance for n in (1, 2))
    home.delivered(one, two)

    assert home.order("redeliver", "--study", two.study_instance_uid, "--since", "1h") == 0

    home.delivered(two)
    assert not home.place(one).exists()
    assert capsys.readouterr().out == "1 go again\n"


def test_a_study_is_known_by_its_uid_as_it_was_sent(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = Pseudonyms(read_key_file(tmp_path / "pseudonym.key")).uid("1.2.840.7")
    instance = sealed(home.custody, tmp_path, number=1).instance
    home.delivered(instance)
    home.custody.write(
        lambda transaction: transaction.connection.execute(
            "UPDATE instances SET clean_study_instance_uid = ?", (new,)
        )
    )

    assert home.order("redeliver", "--study", "1.2.840.7", "--dry-run") == 0

    assert capsys.readouterr().out == "1 go again\n"
    assert not home.place(instance).exists()


def test_reprocess_gives_it_to_the_corridor_again(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = sealed(home.custody, tmp_path, number=1).instance
    home.delivered(instance)

    assert home.order("reprocess", "--destination", "archive") == 0

    assert Spool(home.custody).received() == {"SCANNER": [instance.id]}
    assert capsys.readouterr().out == "1 go again\n"


@pytest.mark.parametrize("command", ["redeliver", "reprocess"])
def test_without_its_bytes_it_is_said_and_the_next_sending_counts(
    home: Home, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = sealed(home.custody, tmp_path, number=1).instance
    home.delivered(instance)
    assert Retention(home.custody).remove_expired() == 1

    assert home.order(command, instance.id) == 0

    assert "1 have no bytes here any more" in capsys.readouterr().out
    assert not Spool(home.custody).accept(an_arrival("1.2.1.1"), [b"as sent 1"]).repeated


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--dry-run",),
        ("--study", "1.2.3"),
        ("--destination", "nowhere"),
        ("--since", "yesterday"),
        ("--since", "2026-13-01"),
    ],
)
@pytest.mark.parametrize("command", ["redeliver", "reprocess"])
def test_what_chooses_nothing_is_misuse_and_changes_nothing(
    home: Home,
    tmp_path: Path,
    command: str,
    arguments: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    home.delivered(sealed(home.custody, tmp_path, number=1).instance)

    assert home.order(command, *arguments) == 2

    said = capsys.readouterr()
    assert said.err.startswith("deid-node: ")
    assert said.err.count("\n") == 1
    assert not home.custody.read("SELECT 1 FROM decisions")


def test_an_id_that_cannot_be_done_is_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert home.order("redeliver", "00000000000000aa") == 2

    assert "1 stay as they are" in capsys.readouterr().out
