"""Files of blobs as they are and encrypted, and scratch files beside plain ones, in one run."""

import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Final

from deid_node.dicom.bulk import LARGE_BYTES
from deid_node.dicom.scratch import Scratch
from deid_node.spool.arrivals import Incoming
from deid_node.spool.blobs import reference
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import PLAIN, BlobFiles
from tests.bench.table import print_rates

ENCRYPTED: Final = BlobFiles(SpoolKey(os.urandom(32)), encrypts=True)
KINDS: Final[Mapping[str, BlobFiles]] = MappingProxyType(
    {"as they are": PLAIN, "encrypted": ENCRYPTED}
)
SIZES: Final = (1 << 19, 1 << 28)
"""A CT slice, and a cine."""

_UNIT: Final = "megabytes a second"
_PDU_BYTES: Final = 1 << 16
_FRAME_BYTES: Final = 1 << 20
_LEAST_BYTES: Final = 1 << 26


def measure_blobs(folder: Path, *, rounds: int, each: int) -> None:
    """Print megabytes a second: received and fsynced, read against the sum, scratch."""
    del each
    for size in SIZES:
        content = os.urandom(min(size, _FRAME_BYTES)) * max(1, size // _FRAME_BYTES)
        times = max(1, _LEAST_BYTES // size)
        received: dict[str, list[float]] = {name: [] for name in KINDS}
        read: dict[str, list[float]] = {name: [] for name in KINDS}
        for _ in range(rounds):
            for name, files in KINDS.items():
                path = _received(folder, content, files)
                taking, reading = (
                    partial(_passed, folder, content, files),
                    partial(reference, path, files),
                )
                received[name].append(_rate(taking, size, times))
                read[name].append(_rate(reading, size, times))
                path.unlink()
        print(f"received and put on disk, {size >> 10} KiB each")
        print_rates(received, against="as they are", unit=_UNIT)
        print(f"read against the sum, {size >> 10} KiB each")
        print_rates(read, against="as they are", unit=_UNIT)
    scratches: dict[str, list[float]] = {"a plain file": [], "a scratch": []}
    for _ in range(rounds):
        scratches["a plain file"].append(_rate(partial(_plain, folder), SIZES[-1], 1))
        scratches["a scratch"].append(_rate(partial(_scratch, folder), SIZES[-1], 1))
    print(f"frames put into a file and read again, {SIZES[-1] >> 20} MiB")
    print_rates(scratches, against="a plain file", unit=_UNIT)


def _rate(work: Callable[[], object], size: int, times: int) -> float:
    began = perf_counter()
    for _ in range(times):
        work()
    return size * times / 1e6 / (perf_counter() - began)


def _passed(folder: Path, content: bytes, files: BlobFiles) -> None:
    _received(folder, content, files).unlink()


def _received(folder: Path, content: bytes, files: BlobFiles) -> Path:
    incoming = Incoming(folder, lambda: None, files)
    view = memoryview(content)
    for begin in range(0, len(content), _PDU_BYTES):
        incoming.write(view[begin : begin + _PDU_BYTES])
    incoming.finish()
    return incoming.path


def _scratch(folder: Path) -> None:
    scratch, frame = Scratch(folder), os.urandom(_FRAME_BYTES)
    assert SIZES[-1] > LARGE_BYTES
    for begin in range(0, SIZES[-1], _FRAME_BYTES):
        scratch.put(begin, frame)
    content = scratch.content()
    for begin in range(0, SIZES[-1], _FRAME_BYTES):
        content[begin : begin + _FRAME_BYTES]


def _plain(folder: Path) -> None:
    frame = os.urandom(_FRAME_BYTES)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for begin in range(0, SIZES[-1], _FRAME_BYTES):
            os.pwrite(file.fileno(), frame, begin)
        for begin in range(0, SIZES[-1], _FRAME_BYTES):
            os.pread(file.fileno(), _FRAME_BYTES, begin)
