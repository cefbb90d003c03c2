"""Going back to the version before, by the steps of the handbook: nothing that came is lost.

The newer version is this one with a step more: its journal has a column that this one does
not know, and it keeps a copy of what it found.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from deid_node.errors import JournalNewer
from deid_node.spool import journal
from deid_node.spool.custody import Custody
from deid_node.spool.foundlings import Foundlings
from deid_node.spool.options import SpoolOptions
from deid_node.spool.retention import Retention
from deid_node.spool.withheld import Choice, WorkList
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from tests.architecture.source import ROOT
from tests.builders.custody import Spool
from tests.unit.spool.test_foundlings import send, started
from tests.unit.spool.test_inventory import arrive, deliver, seal

OURS = journal.SCHEMA_VERSION
STEP = "ALTER TABLE instances ADD COLUMN of_the_future TEXT"
HANDBOOK = ROOT / "docs" / "operations.md"


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Become the newer version, or the older one again."""
    steps = journal._STEPS

    def become(is_newer: bool) -> None:
        monkeypatch.setattr(journal, "SCHEMA_VERSION", OURS + is_newer)
        monkeypatch.setattr(journal, "_STEPS", (*steps, STEP) if is_newer else steps)

    return become


def state_of(custody: Custody, instance: InstanceId) -> tuple[str, str | None]:
    (row,) = custody.read("SELECT state, code FROM instances WHERE id = ?", (instance,))
    return row["state"], row["code"]


def go_back(folder: Path) -> None:
    """Do what the handbook says."""
    copy = folder / journal.copy_name(OURS)
    aside = folder / "journal-newer.sqlite"
    (folder / "journal.sqlite").rename(aside)
    for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "journal.sqlite").write_bytes(copy.read_bytes())
    (folder / "journal.sqlite").chmod(0o600)


def test_what_the_newer_version_received_waits_for_a_person_or_its_sender(
    options: SpoolOptions, upgrade: Callable[[bool], None]
) -> None:
    custody = started(options)
    walks, leaves, left = (arrive(custody, number) for number in range(3))
    seal(custody, leaves, "archive", study="2.25.7")
    seal(custody, left, "archive", study="2.25.7")
    deliver(custody, left, "archive")
    custody.close()

    upgrade(True)
    custody = started(options)
    assert custody.read("SELECT of_the_future FROM instances")
    came = send(custody, "1.9.1").instance.id
    released = send(custody, "1.9.2").instance.id
    seal(custody, walks, "archive", study="2.25.7")
    deliver(custody, leaves, "archive")
    assert Retention(custody).remove_expired() == 2
    custody.close()

    upgrade(False)
    with pytest.raises(JournalNewer, match=rf"journal-v{OURS}\.sqlite"):
        Custody(options, exclusive=True).open()
    go_back(options.dir)
    custody = Custody(options, exclusive=True)
    custody.open()
    found = Foundlings(custody).take_in()
    Retention(custody).reconcile()

    # What came since is there, with its bytes, and waits; nothing was put away.
    assert set(found.adopted) == {came, released}
    assert found.set_aside == 0
    assert state_of(custody, came) == state_of(custody, released) == ("withheld", "origin_unknown")
    # What it had sealed is as it was before: it walks again, under the same new UIDs.
    assert state_of(custody, walks) == ("received", None)
    # What was delivered before stays so; what was delivered since is due once more.
    assert state_of(custody, left) == ("delivered", None)
    assert state_of(custody, leaves) == ("clean", None)

    assert not send(custody, "1.9.1").repeated
    assert state_of(custody, came) == ("received", None)
    WorkList(custody).release_all([released], person="somebody")
    assert state_of(custody, released) == ("received", None)
    custody.close()


def test_a_node_that_was_drained_goes_back_without_anything_to_decide(
    options: SpoolOptions, upgrade: Callable[[bool], None]
) -> None:
    custody = started(options)
    before = arrive(custody, 1)
    seal(custody, before, "archive", study="2.25.7")
    deliver(custody, before, "archive")
    Retention(custody).remove_expired()
    custody.close()
    upgrade(True)
    custody = started(options)
    since = arrive(custody, 2)
    seal(custody, since, "archive", study="2.25.7")
    deliver(custody, since, "archive")
    Retention(custody).remove_expired()
    custody.close()

    upgrade(False)
    go_back(options.dir)
    custody = started(options)

    assert WorkList(custody).chosen(Choice()) == []
    assert state_of(custody, before) == ("delivered", None)
    # Nobody knows any more that it was delivered: sent again, it walks and leaves the same.
    assert isinstance(Spool(custody).claim(arrive(custody, 2)), WorkOrder)
    custody.close()


def test_the_handbook_says_what_this_test_does() -> None:
    text = " ".join(HANDBOOK.read_text("utf-8").split())

    assert "mv journal.sqlite journal-newer.sqlite" in text
    assert "rm -f journal.sqlite-wal journal.sqlite-shm" in text
    assert "cp journal-vN.sqlite journal.sqlite" in text
