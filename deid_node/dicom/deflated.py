"""Deflated datasets: inflated and deflated by the piece, so far as they are believable.

A kilobyte can claim to be a megabyte of zeros, and a file of a few megabytes to be
more than a disk holds. So what shrank further than pixels do is not inflated.

Source: PS3.5 A.5.
"""

import zlib
from pathlib import Path
from typing import BinaryIO, Final, cast

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from deid_node.dicom.bulk import Bulk, Content, pieces
from deid_node.dicom.new_file import NewFile
from deid_node.dicom.scratch import Scratch
from deid_node.errors import MalformedDataset

_PREAMBLE: Final = b"\x00" * 128 + b"DICM"
_SEEN_BYTES: Final = 1024
"""File meta information of a sender names the transfer syntax that early."""

_INFLATED_BYTES: Final = 1 << 20
_ANY_RATIO_BYTES: Final = 64 << 20
_MAX_RATIO: Final = 200
_MAX_BYTES: Final = 4 << 30


def inflated(
    file: Bulk, header: bytes, scratch_dir: Path | None
) -> tuple[FileMetaDataset, Content] | None:
    """Return the file meta information of `file` and its dataset inflated behind `header`.

    None where the dataset is not deflated.

    Raises
    ------
    MalformedDataset
        It does not end as deflated data do, or it would inflate beyond belief.
    OSError
        The disk does not take it.
    """
    if str(DeflatedExplicitVRLittleEndian).encode() not in file[:_SEEN_BYTES]:
        return None
    file.seek(len(_PREAMBLE))
    read = read_dataset(
        cast("BinaryIO", file),
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, _vr, _length: tag >> 16 != 0x0002,
    )
    if read.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return None
    scratch = Scratch(scratch_dir)
    scratch.add(header)
    _inflate(file, file.tell(), scratch)
    return FileMetaDataset(read), scratch.content()


def _inflate(file: Bulk, start: int, scratch: Scratch) -> None:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    most = max(_ANY_RATIO_BYTES, min(_MAX_BYTES, _MAX_RATIO * (len(file) - start)))
    for piece in pieces(file, start):
        waiting = bytes(piece)
        while waiting and not inflater.eof:
            scratch.add(inflater.decompress(waiting, _INFLATED_BYTES))
            waiting = inflater.unconsumed_tail
            if len(scratch) > most:
                raise MalformedDataset("a deflated dataset that inflates beyond belief")
    scratch.add(inflater.flush())
    if not inflater.eof:
        raise MalformedDataset("the file breaks off")


def is_deflated(dataset: Dataset) -> bool:
    """Return whether `dataset` is to be written deflated."""
    return bool(dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian)


def write_deflated(file: NewFile, dataset: Dataset) -> None:
    """Write `dataset` with its file meta information to `file`, deflated on the way."""
    file.write(_PREAMBLE)
    write_file_meta_info(DicomIO(cast("BinaryIO", file)), dataset.file_meta, enforce_standard=True)
    deflating = _Deflating(file)
    encoder = DicomIO(deflating)
    encoder.is_implicit_VR, encoder.is_little_endian = False, True
    write_dataset(encoder, dataset)
    deflating.finish()


class _Deflating:
    """Deflates what is written to it; the position counts what came in."""

    def __init__(self, file: NewFile) -> None:
        self._file = file
        self._deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        self._taken = 0
        self._given = 0

    def write(self, content: bytes | bytearray | memoryview, /) -> int:
        """Take `content`."""
        self._taken += len(content)
        self._give(self._deflater.compress(content))
        return len(content)

    def tell(self) -> int:
        """Return how many bytes were taken."""
        return self._taken

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        """Refuse: nothing can be written over any more."""
        raise OSError("deflated data cannot be written over")

    def finish(self) -> None:
        """Write what is left, of even length."""
        self._give(self._deflater.flush())
        self._give(b"\x00" * (self._given % 2))

    def _give(self, deflated: bytes) -> None:
        self._given += len(deflated)
        self._file.write(deflated)
