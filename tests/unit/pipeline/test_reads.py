"""How often the bytes of one instance are read on their way through the node.

Counted where files are read, for what lies in the spool: from custody through the corridor
to a destination. What the sender sends is written while it comes and not read again.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from deid_node.dicom import part10
from deid_node.dicom.bulk import LARGE_BYTES, Descriptor
from deid_node.forward.base import Parcel
from deid_node.forward.folder import FolderDestination
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.spool.options import SpoolOptions
from deid_node.values.delivery import DeliveryResult
from deid_node.values.geometry import Box
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from tests.builders.custody import Spool
from tests.builders.samples import packaged
from tests.unit.pipeline.test_corridor import a_corridor
from tests.unit.pipeline.test_rivals import send

KINDS = {"plain": PLAIN, "encrypted": BlobFiles(SpoolKey(bytes(range(32))), encrypts=True)}


class Meter:
    """Counts the bytes that are read of files."""

    def __init__(self) -> None:
        self.bytes = 0

    def lap(self) -> int:
        """Return what was read since the last time."""
        read, self.bytes = self.bytes, 0
        return read


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Meter:
    meter = Meter()
    read_at = Descriptor.read_at

    def counted(descriptor: Descriptor, place: int, size: int) -> bytes:
        content = read_at(descriptor, place, size)
        meter.bytes += len(content)
        return content

    monkeypatch.setattr(Descriptor, "read_at", counted)
    return meter


@pytest.fixture(params=KINDS)
def files(request: pytest.FixtureRequest) -> BlobFiles:
    return KINDS[request.param]


@pytest.fixture
def custody(tmp_path: Path, files: BlobFiles) -> Iterator[Custody]:
    options = SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0)
    custody = Custody(options, exclusive=True, files=files)
    custody.open()
    yield custody
    custody.close()


def a_slice(rows: int) -> Dataset:
    dataset = part10.read(packaged("CT_small.dcm"))
    dataset.Rows, dataset.Columns = rows, 512
    dataset.PixelData = bytes(range(256)) * (rows * 4)
    return dataset


def reads(
    custody: Custody, folder: Path, meter: Meter, dataset: Dataset, box: Box | None
) -> dict[str, float]:
    """Send `dataset` through the node; return how often its bytes were read by each part."""
    meter.lap()
    acceptance = send(custody, dataset, ExplicitVRLittleEndian)
    size = acceptance.instance.blob.size_bytes
    laps = {"door": meter.lap()}
    order = Spool(custody).claim(acceptance.instance.id)
    assert isinstance(order, WorkOrder)
    laps["claim"] = meter.lap()
    corridor = a_corridor(box=box, files=custody.blobs.files)
    outcome = corridor.clean(order)
    laps["worker"] = meter.lap()
    assert isinstance(outcome, Cleaned), outcome
    Spool(custody).record(order, outcome)
    (delivery,) = Deliveries(custody).due("archive", limit=1)
    path = Deliveries(custody).clean_path(delivery.instance)
    laps["before it is sent"] = meter.lap()
    destination = FolderDestination("archive", folder / "out", custody.blobs.files)
    (receipt,) = destination.deliver([Parcel(delivery.instance, path)])
    assert receipt.result is DeliveryResult.DELIVERED
    laps["sent"] = meter.lap()
    return {part: read / size for part, read in laps.items()}


@pytest.mark.parametrize("box", [None, Box(10, 10, 60, 30)], ids=["without text", "with text"])
def test_the_bytes_of_a_slice_are_read_four_times(
    custody: Custody, tmp_path: Path, meter: Meter, box: Box | None
) -> None:
    """By the worker, by the second look at what it wrote, before the sending, by the sending."""
    times = reads(custody, tmp_path, meter, a_slice(512), box)

    assert sum(times.values()) < 4.2, times
    assert times["door"] == 0


def test_what_is_too_large_to_be_held_is_read_no_more_than_its_parts_need(
    custody: Custody, tmp_path: Path, meter: Meter
) -> None:
    """Against its checksum, for its frames, to be copied; by the second look; twice to be sent."""
    times = reads(custody, tmp_path, meter, a_slice(2 * LARGE_BYTES // 1024), None)

    assert sum(times.values()) < 6.3, times
