"""A dataset in another encoding, for archives that refuse the stored one.

Pixels are decoded without loss to their native form, never encoded again. The
work is done in a process of its own: the decoders are foreign C code over bytes
that once came from outside, and a crash there must not take the node down.
"""

import multiprocessing
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO, cast

from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian

from deid_node.dicom.bulk import Bulk
from deid_node.dicom.silence import silence_libraries
from deid_node.observe.traces import leave_no_core
from deid_node.spool.files import PLAIN, BlobFiles


class Untranscodable(Exception):
    """The dataset cannot be brought into the other encoding without loss."""


class Transcoder:
    """Transcodes in one worker process, started when it is first needed; any thread may call.

    `files` opens what is to be transcoded; what it holds goes to that process.
    """

    def __init__(self, files: BlobFiles = PLAIN, *, time_limit_seconds: float) -> None:
        self._files = files
        self._time_limit_seconds = time_limit_seconds
        self._lock = threading.Lock()
        self._worker: tuple[multiprocessing.process.BaseProcess, Connection] | None = None

    def transcoded(self, path: Path, transfer_syntax: str) -> bytes:
        """Return the dataset of the Part 10 file at `path`, encoded in `transfer_syntax`.

        `transfer_syntax` is Explicit or Implicit VR Little Endian. Raises
        `Untranscodable`, also where the worker died or outlasted the time limit.
        """
        with self._lock:
            _, line = self._worker = self._worker or _started(self._files)
            try:
                line.send((path, transfer_syntax))
                answer = line.recv() if line.poll(self._time_limit_seconds) else None
            except (OSError, EOFError):
                answer = None
            if answer is None:
                self._end()
                raise Untranscodable("the decoder died or did not end")
        if not isinstance(answer, bytes):
            raise Untranscodable("no decoder for the stored encoding")
        return answer

    def close(self) -> None:
        """End the worker process; what it is doing fails."""
        worker = self._worker
        if worker is not None:
            # Before the lock: its holder may be waiting for this very process.
            with suppress(ValueError):
                worker[0].kill()
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._worker is not None:
            process, line = self._worker
            line.close()
            process.kill()
            process.join()
            process.close()
            self._worker = None


def _started(files: BlobFiles) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, files), daemon=True)
    process.start()
    # With our copy of its end gone, the worker's death is the end of the line, and ours is its.
    theirs.close()
    return process, ours


def _serve(line: Connection, files: BlobFiles) -> None:
    """Answer until the line ends: bytes, or None for what cannot be transcoded."""
    silence_libraries()
    leave_no_core()
    while True:
        try:
            path, transfer_syntax = line.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            answer: bytes | str = encoded(files.open(path), transfer_syntax)
        # Decoders raise whatever they like; all of it means the same here.
        except Exception:  # noqa: BLE001
            answer = "untranscodable"
        line.send(answer)


def encoded(file: Bulk, transfer_syntax: str) -> bytes:
    """Return the dataset of the open `file` in `transfer_syntax`; raises what pydicom raises."""
    dataset = dcmread(cast("BinaryIO", file))
    stored = UID(dataset.file_meta.TransferSyntaxUID)
    if stored == ExplicitVRBigEndian:
        # The words of OW, OF, ... elements would have to be turned as well; nobody sends it now.
        raise Untranscodable("big endian")
    if stored.is_encapsulated:
        # The same instance in other clothes keeps its UID (PS3.4 B.2.2 allows the SCU to convert),
        # and colours stay in the space they were decoded in: turning them would round.
        dataset.decompress(as_rgb=False, generate_instance_uid=False)
        if dataset.PhotometricInterpretation == "YBR_FULL_422":
            # The decoder has given every pixel its own chrominance (PS3.3 C.7.6.3.1.2).
            dataset.PhotometricInterpretation = "YBR_FULL"
        _require_described(dataset)
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = transfer_syntax == ImplicitVRLittleEndian
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def _require_described(dataset: Dataset) -> None:
    """Raise `Untranscodable` where the decoded pixels are not what the attributes say of them."""
    bits = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated
    frames = int(dataset.get("NumberOfFrames", None) or 1)
    size_bytes = (bits * frames + 7) // 8
    # Native Pixel Data is padded to an even length (PS3.5 section 8.2).
    if len(dataset.PixelData) != size_bytes + size_bytes % 2:
        raise Untranscodable("the decoded pixels have another length")
