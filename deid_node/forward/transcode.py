"""A dataset in another encoding, for archives that refuse the stored one.

Pixels are decoded to their native form as the corridor decoded them, never encoded
again, and what was written is read again and compared with the sealed frames, sample
by sample: otherwise nothing leaves. The work is done in a process of its own: the
decoders are foreign C code over bytes that once came from outside, and a crash there
must not take the node down.

Source: PS3.4 B.2.2 (the SCU may convert; the instance keeps its UID); PS3.5 8.2, 10.1;
PS3.3 C.7.6.3.
"""

import errno
import multiprocessing
import threading
from contextlib import suppress
from enum import StrEnum, auto
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, assert_never

from pydicom import Dataset

from deid_node.dicom import part10
from deid_node.dicom.bulk import Bulk, Content, pieces
from deid_node.dicom.scratch import Scratch
from deid_node.dicom.silence import silence_libraries
from deid_node.dicom.syntaxes import EXPLICIT_BIG
from deid_node.errors import CleaningError, SpoolFull, TranscodingDiffers
from deid_node.observe.traces import leave_no_core
from deid_node.pixeldata.attributes import twin_of
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.pixeldata.lossy import mark_lossy_history
from deid_node.pixeldata.writers import DecodedWriter
from deid_node.spool.files import PLAIN, BlobFiles

_NO_ROOM: Final = "there is no room to transcode an instance"


class Untranscodable(Exception):
    """The dataset cannot be brought into the other encoding without loss."""


class _Told(StrEnum):
    """What became of one dataset, as the worker tells it."""

    DONE = auto()
    UNTRANSCODABLE = auto()
    DIFFERS = auto()
    NO_ROOM = auto()


class Transcoder:
    """Transcodes in one worker process, started when it is first needed; any thread may call.

    `files` opens what is to be transcoded; what it holds goes to that process.
    """

    def __init__(self, files: BlobFiles = PLAIN, *, time_limit_seconds: float) -> None:
        self._files = files
        self._time_limit_seconds = time_limit_seconds
        self._lock = threading.Lock()
        self._worker: tuple[multiprocessing.process.BaseProcess, Connection] | None = None

    def transcoded(self, path: Path, transfer_syntax: str) -> Bulk:
        """Return the dataset of the Part 10 file at `path`, encoded in `transfer_syntax`.

        `transfer_syntax` is Explicit or Implicit VR Little Endian. What is large lies in
        a file without a name in the folder of `path`.

        Raises
        ------
        Untranscodable
            Also where the worker died or outlasted the time limit.
        TranscodingDiffers
            What was made is not what was sealed.
        SpoolFull
            The disk has no room for it now.
        """
        scratch = Scratch(path.parent)
        with self._lock:
            _, line = self._worker = self._worker or _started(self._files)
            try:
                line.send((path, transfer_syntax))
                told, length = self._next(line).recv()
                while len(scratch) < length:
                    scratch.add(self._next(line).recv_bytes())
            except (OSError, EOFError) as error:
                # The worker, or our disk: what is still on its way is not taken any more.
                self._end()
                if _is_shortage(error):
                    raise SpoolFull(_NO_ROOM) from None
                raise Untranscodable("the decoder died or did not end") from None
        _raise_unless_done(told)
        return scratch.bulk()

    def close(self) -> None:
        """End the worker process; what it is doing fails."""
        worker = self._worker
        if worker is not None:
            # Before the lock: its holder may be waiting for this very process.
            with suppress(ValueError):
                worker[0].kill()
        with self._lock:
            self._end()

    def _next(self, line: Connection) -> Connection:
        """Return `line` once something can be taken from it; raises `TimeoutError`."""
        if not line.poll(self._time_limit_seconds):
            raise TimeoutError
        return line

    def _end(self) -> None:
        if self._worker is not None:
            process, line = self._worker
            line.close()
            process.kill()
            process.join()
            process.close()
            self._worker = None


def _raise_unless_done(told: _Told) -> None:
    match told:
        case _Told.DONE:
            return
        case _Told.UNTRANSCODABLE:
            raise Untranscodable("no decoder for the stored encoding")
        case _Told.DIFFERS:
            raise TranscodingDiffers
        case _Told.NO_ROOM:
            raise SpoolFull(_NO_ROOM)
        case _:
            assert_never(told)


def _started(files: BlobFiles) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, files), daemon=True)
    process.start()
    # With our copy of its end gone, the worker's death is the end of the line, and ours is its.
    theirs.close()
    return process, ours


def _serve(line: Connection, files: BlobFiles) -> None:
    """Answer until the line ends: what became of it and how long it is, then the dataset."""
    silence_libraries()
    leave_no_core()
    while True:
        try:
            path, transfer_syntax = line.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        told, content = _made(files, path, transfer_syntax)
        line.send((told, len(content)))
        for piece in pieces(content):
            line.send_bytes(piece)


def _made(files: BlobFiles, path: Path, transfer_syntax: str) -> tuple[_Told, Content]:
    try:
        return _Told.DONE, encoded(files.open(path), transfer_syntax, path.parent)
    except TranscodingDiffers:
        return _Told.DIFFERS, b""
    # Decoders raise whatever they like; all of it means the same here.
    except Exception as error:  # noqa: BLE001
        return (_Told.NO_ROOM if _is_shortage(error) else _Told.UNTRANSCODABLE), b""


def _is_shortage(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def encoded(file: Bulk, transfer_syntax: str, scratch_dir: Path) -> Bulk:
    """Return the dataset of the open `file` in `transfer_syntax`.

    Frames are decoded, written and compared one by one; what is large lies in a file
    without a name in `scratch_dir`.

    Raises
    ------
    TranscodingDiffers
        A frame, or what the attributes say of it, would not arrive as it was sealed.
    Untranscodable
        It is Big Endian.
    CleaningError, MemoryError, OSError
        It cannot be read, decoded or written.
    """
    sealed = part10.read(file, scratch_dir=scratch_dir)
    if sealed.file_meta.TransferSyntaxUID == EXPLICIT_BIG:
        # The words of OW, OF, ... elements would have to be turned as well; nobody sends it now.
        raise Untranscodable("big endian")
    keyword = pixel_keyword(sealed)
    frames = None if keyword is None else Frames(sealed, keyword)
    other = twin_of(sealed)
    if frames is not None and frames.syntax.encapsulated:
        writer = DecodedWriter(frames, scratch_dir)
        for index in range(len(frames)):
            writer.keep(index)
        writer.write(other)
        mark_lossy_history(other, frames)
    whole, dataset = part10.held(other, transfer_syntax, scratch_dir)
    _require_same(frames, part10.read(whole, scratch_dir=scratch_dir))
    return dataset


def _require_same(sealed: Frames | None, written: Dataset) -> None:
    """Raise `TranscodingDiffers` unless `written` shows the `sealed` frames, each sample the same.

    Words are compared, and the values that the attributes make of them.
    """
    keyword = pixel_keyword(written)
    if sealed is None or keyword is None:
        if sealed is not None or keyword is not None:
            raise TranscodingDiffers
        return
    try:
        frames = Frames(written, keyword)
        if _picture(frames) != _picture(sealed):
            raise TranscodingDiffers
        for ours, theirs in zip(sealed, frames, strict=True):
            values = values_of(ours, sealed.layout), values_of(theirs, frames.layout)
            if ours.tobytes() != theirs.tobytes() or values[0].tobytes() != values[1].tobytes():
                raise TranscodingDiffers
    except CleaningError:
        raise TranscodingDiffers from None


def _picture(frames: Frames) -> tuple[object, ...]:
    layout = frames.layout
    return layout.keyword, len(frames), layout.shape, layout.photometric, layout.value_dtype
