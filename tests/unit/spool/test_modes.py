"""Everything in the spool is for its owner alone, whatever the umask says."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.audit.build import OUTBOX_NAME
from deid_node.audit.outbox import Outbox
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from tests.builders.audit import one_of_each
from tests.unit.spool.test_spool import claimed


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.req("REQ-RX-20")
def test_folders_are_0700_and_files_0600(tmp_path: Path, open_umask: None) -> None:
    options = SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0)
    custody = Custody(options, exclusive=True)
    custody.open()
    claimed(custody)
    outbox = Outbox(options.dir / OUTBOX_NAME, most=100)
    outbox.open()
    outbox.add(one_of_each())

    modes = {
        path.relative_to(options.dir).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (options.dir, *options.dir.rglob("*"))
    }
    outbox.close()
    custody.close()

    assert {name for name in modes if "." in name} >= {
        "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "audit.sqlite",
        "audit.sqlite-wal", "audit.sqlite-shm",
    }  # fmt: skip
    folders = {".", "partial", "received", "clean"}
    assert {modes[name] for name in folders} == {0o700}
    assert {mode for name, mode in modes.items() if name not in folders} == {0o600}
    assert any(name.startswith("received/") for name in modes)
