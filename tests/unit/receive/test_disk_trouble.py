"""The door over a disk that fills up, turns read-only, breaks or lies, and is well again."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydicom import Dataset, dcmread
from pynetdicom.association import Association

from deid_node.errors import CustodyError, JournalDamaged
from deid_node.observe.health import Health, Lifecycle, PartCheck
from deid_node.observe.metrics import Metrics
from deid_node.receive.build import build_reception
from deid_node.receive.options import ReceiveOptions
from deid_node.spool.blobs import verified
from deid_node.spool.custody import Custody
from deid_node.spool.inventory import Inventory
from deid_node.spool.options import SpoolOptions
from deid_node.spool.rows import received_from
from tests.builders.samples import packaged
from tests.fakes.commitment_user import Reports, calling
from tests.fakes.event_log import RecordingLog
from tests.fakes.small_disk import SmallDisk, small_disk

DISK_BYTES = 8_000_000
RESERVE_BYTES = 1_000_000
OUT_OF_RESOURCES = 0xA700


class House:
    """A door with a real spool, its metrics and its health."""

    def __init__(self, folder: Path, *, reserve_bytes: int = 0) -> None:
        self.custody = Custody(
            SpoolOptions(dir=folder, reserve_bytes=reserve_bytes), exclusive=True
        )
        self.custody.open()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry())
        self.metrics.watch_custody(Inventory(self.custody))
        (self.door,) = build_reception(
            ReceiveOptions.model_validate({"host": "127.0.0.1", "port": 0}),
            self.custody,
            lambda *_: None,
            metrics=self.metrics,
            log=self.log,
        ).doors
        self.health = Health(
            [
                PartCheck("receive", self.door.trouble),
                PartCheck("spool", self.custody.require_room),
            ]
        )
        self.health.enter(Lifecycle.RUNNING)
        self.door.start()
        self._sent = 0

    def close(self) -> None:
        self.door.stop(finish_seconds=2)
        self.custody.close()

    def send(self, association: Association) -> int:
        """Send one instance more; return the status."""
        self._sent += 1
        dataset: Dataset = dcmread(packaged("CT_small.dcm"))
        dataset.SOPInstanceUID = f"2.25.{self._sent}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        return int(association.send_c_store(dataset).Status)

    def associate(self) -> Association:
        return calling(self.door.port, Reports())

    def part(self, name: str) -> str:
        return dict(self.health.ready().parts)[name]

    def failures(self, code: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "deid_node_spool_failures_total", {"code": code}
        )
        assert value is not None
        return value

    def intact(self) -> int:
        """Check every instance in the journal against its bytes; return how many there are."""
        rows = self.custody.read("SELECT * FROM instances")
        for row in rows:
            verified(self.custody.blobs.received, received_from(row).blob)
        return len(rows)


@contextmanager
def house(folder: Path, *, reserve_bytes: int = 0) -> Iterator[House]:
    with closing(House(folder, reserve_bytes=reserve_bytes)) as built:
        yield built


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", size_bytes=DISK_BYTES) as made:
        yield made


def must_recover(home: House, heal: Callable[[], None]) -> None:
    """Refuse and say so until it is healed; then take instances again, without a restart."""
    assert not home.health.ready().well
    assert home.associate().is_rejected
    heal()

    assert home.health.ready().well
    association = home.associate()
    assert home.send(association) == 0x0000
    association.release()


@pytest.mark.req("REQ-RX-19")
def test_a_disk_that_fills_up_is_told_and_taken_again_when_there_is_room(disk: SmallDisk) -> None:
    with house(disk.root / "spool") as home:
        association = home.associate()
        acknowledged = 0
        disk.fill(leave_bytes=500_000)
        while (status := home.send(association)) == 0x0000:
            acknowledged += 1
        association.release()

        assert status == OUT_OF_RESOURCES
        assert acknowledged > 0
        assert home.intact() == acknowledged
        assert home.part("spool") == "spool_full"
        assert home.failures("spool_full") > 0
        must_recover(home, disk.make_room)
        assert home.intact() == acknowledged + 1
        assert not [*home.custody.blobs.partial.iterdir()]


@pytest.mark.req("REQ-RX-08")
def test_at_the_reserve_associations_are_refused_and_taken_again_above_it(disk: SmallDisk) -> None:
    with house(disk.root / "spool", reserve_bytes=RESERVE_BYTES) as home:
        disk.fill(leave_bytes=RESERVE_BYTES // 2)

        assert home.part("spool") == "spool_full"
        must_recover(home, disk.make_room)


@pytest.mark.req("REQ-RX-19")
def test_a_disk_that_turns_read_only_is_told_and_taken_again_when_it_is_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ext4 turns after an error: what is open for writing fails from then on."""
    with house(tmp_path / "spool") as home:
        association = home.associate()
        assert home.send(association) == 0x0000
        make_read_only(home, monkeypatch)

        assert home.send(association) == OUT_OF_RESOURCES
        association.release()

        assert home.part("spool") == "spool_unavailable"
        assert home.failures("spool_unavailable") > 0
        must_recover(home, monkeypatch.undo)
        assert home.intact() == 2


def make_read_only(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: object, flags: int, *more: object, **named: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and str(path).startswith(
            str(home.custody.blobs.root)
        ):
            raise OSError(errno.EROFS, "read-only file system")
        return real(path, flags, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)


def test_a_disk_that_was_read_only_from_the_start_keeps_the_node_from_starting(
    disk: SmallDisk,
) -> None:
    disk.remount("ro")
    custody = Custody(SpoolOptions(dir=disk.root / "spool", reserve_bytes=0), exclusive=True)

    with pytest.raises(CustodyError):
        custody.open()
    disk.remount("rw")

    custody.open()
    custody.close()


@pytest.mark.req("REQ-RX-22")
def test_a_journal_with_a_damaged_page_is_not_opened(tmp_path: Path) -> None:
    with house(tmp_path / "spool") as home:
        association = home.associate()
        for _ in range(40):
            assert home.send(association) == 0x0000
        association.release()
    damage(tmp_path / "spool" / "journal.sqlite")
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)

    with pytest.raises(JournalDamaged):
        custody.open()


@pytest.mark.req("REQ-RX-22")
def test_a_page_that_is_damaged_while_the_node_runs_stops_it_from_taking_more(
    tmp_path: Path,
) -> None:
    with house(tmp_path / "spool") as home:
        association = home.associate()
        for _ in range(40):
            assert home.send(association) == 0x0000
        association.release()
    with house(tmp_path / "spool") as home:
        damage(tmp_path / "spool" / "journal.sqlite")
        association = home.associate()
        statuses = {home.send(association) for _ in range(3)}
        association.release()

        assert statuses == {OUT_OF_RESOURCES}
        assert home.failures("journal_damaged") > 0
        assert home.part("spool") == "journal_damaged"
        # It does not heal by itself, however often it is asked.
        assert home.part("spool") == "journal_damaged"
        assert home.associate().is_rejected


def damage(journal: Path) -> None:
    """Overwrite every page of the journal but the first."""
    content = bytearray(journal.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    for start in range(page, len(content), page):
        content[start : start + page] = b"\xa5" * page
    with journal.open("r+b") as file:
        file.write(content)
