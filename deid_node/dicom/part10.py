"""Part 10 files: the header that the spool writes, reading, and writing.

The spool's header depends on the instance alone (no AE title, no version), so
that the same dataset sent twice gives the same file, byte for byte.
"""

import errno
import io
import struct
from collections.abc import Callable
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Final, cast

from pydicom import Dataset, config, dcmread, dcmwrite
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid_node.dicom.bulk import LARGE_BYTES, Bulk, Content, file_at
from deid_node.dicom.deflated import inflated, is_deflated, write_deflated
from deid_node.dicom.large import Items, settle_large
from deid_node.dicom.new_file import NewFile, PlainFile
from deid_node.dicom.scratch import Scratch, ScratchFile
from deid_node.dicom.tag_order import DEEPEST, walk, walk_meta
from deid_node.errors import CleaningError, DatasetUnreadable, MalformedDataset, NotDicom

IMPLEMENTATION_CLASS_UID: Final = "2.25.235311011693747004582259167232954186433"
"""Made from a UUID (PS3.5 B.2); names this implementation in every file it writes."""

_SPOOL_VERSION_NAME: Final = "DEID_NODE_SPOOL"
_UNDEFINED_LENGTH: Final = 0xFFFFFFFF
_HEADER_READS: Final = (4, 8)
_SHORTAGES: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOMEM})
_STRAYS: Final = (Tag(0xFFFE, 0xE000), Tag(0xFFFE, 0xE0DD))


def spool_header(*, sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str) -> bytes:
    """Return preamble, prefix and File Meta Information for a dataset as it was sent.

    Raises
    ------
    DatasetUnreadable
        A UID is not ASCII: it can be no UID (PS3.5 section 9).

    Source
    ------
    PS3.10 section 7.1.
    """
    try:
        elements = b"".join(
            (
                b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01",
                _ui(0x0002, sop_class_uid),
                _ui(0x0003, sop_instance_uid),
                _ui(0x0010, transfer_syntax),
                _ui(0x0012, IMPLEMENTATION_CLASS_UID),
                _element(0x0013, b"SH", _SPOOL_VERSION_NAME.encode("ascii"), b" "),
            )
        )
    except UnicodeEncodeError:
        raise DatasetUnreadable("a UID of the command is not ASCII") from None
    length = struct.pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(elements))
    return b"\x00" * 128 + b"DICM" + length + elements


def read(place: "PathLike[str] | str | Bulk", *, scratch_dir: Path | None = None) -> Dataset:
    """Return the dataset of the Part 10 file at `place`, or of one that is open.

    Pixels of more than `LARGE_BYTES` stay in the file: their value is a `Bulk`, and
    the file stays open. What is deflated is inflated first, into a file without a name
    in `scratch_dir` (None: where the system keeps temporary files) if it is large.
    Zeros behind the last element are padding, and items that belong to no sequence no
    elements: they are left out.

    Raises
    ------
    NotDicom
        No Part 10 file.
    RepeatedTag
        A tag stands twice, or tags do not ascend, at any depth.
    MalformedDataset
        The file cannot be read, breaks off, contradicts itself or inflates beyond belief.
    MemoryError, OSError
        Memory or the disk is short: nothing that the file can help.
    """
    header = spool_header(
        sop_class_uid="", sop_instance_uid="", transfer_syntax=ExplicitVRLittleEndian
    )
    try:
        file = (place if isinstance(place, Bulk) else file_at(place)).held()
        name = "" if isinstance(place, Bulk) else str(place)
        plain = inflated(file, header, scratch_dir)
        if plain is None:
            dataset = _read_in_order(file, name)
        else:
            meta, content = plain
            walk_meta(file)
            dataset = _read_in_order(content, name)
            dataset.file_meta = meta
    except InvalidDicomError:
        raise NotDicom from None
    except (CleaningError, MemoryError):
        raise
    # pydicom raises many kinds of errors on broken input, and their texts may quote values.
    except Exception as error:  # noqa: BLE001
        _raise_shortage(error)
        raise MalformedDataset(f"the file cannot be read ({type(error).__name__})") from None
    return dataset


def write(dataset: Dataset, path: Path, *, create: Callable[[Path], NewFile] = PlainFile) -> None:
    """Write `dataset` with its file meta information to the new file `path`, and fsync it.

    `create` makes the file. Raises
    ------
    MalformedDataset
        A value cannot be encoded.
    MemoryError, OSError
        Memory is short, or the disk does not take it.
    """
    file = create(path)
    try:
        # Straight into the file: pixels of a gigabyte are not held.
        if is_deflated(dataset):
            write_deflated(file, dataset)
        else:
            dcmwrite(cast("BinaryIO", file), dataset, enforce_file_format=True)
        file.finish()
    except MemoryError:
        _give_up(file, path)
        raise
    # An `OSError` too: the library raises one of its own where a value has the wrong type.
    except Exception as error:  # noqa: BLE001
        _give_up(file, path)
        raise _unwritable(error) from None


def held(dataset: Dataset, transfer_syntax: str, scratch_dir: Path | None) -> tuple[Bulk, Bulk]:
    """Return `dataset` as a Part 10 file in `transfer_syntax`, and the part of it behind group 2.

    `transfer_syntax` is Explicit or Implicit VR Little Endian. It is held in memory while
    it is small, then in a file without a name in `scratch_dir`. Raises as `write`.
    """
    header = spool_header(sop_class_uid="", sop_instance_uid="", transfer_syntax=transfer_syntax)
    scratch = Scratch(scratch_dir)
    scratch.add(header)
    encoder = DicomIO(ScratchFile(scratch))
    encoder.is_implicit_VR = transfer_syntax == ImplicitVRLittleEndian
    encoder.is_little_endian = True
    try:
        write_dataset(encoder, dataset)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001
        raise _unwritable(error) from None
    whole = scratch.bulk()
    return whole, whole.within(len(header), len(whole) - len(header))


def _give_up(file: NewFile, path: Path) -> None:
    # It writes what it holds back first, and the disk may be full.
    with suppress(OSError):
        file.close()
    path.unlink()


def _unwritable(error: Exception) -> MalformedDataset:
    """Return what it means that the library raised `error`; raises what the disk has said."""
    _raise_shortage(error)
    return MalformedDataset(f"the dataset cannot be encoded ({type(error).__name__})")


def _raise_shortage(error: BaseException) -> None:
    """Raise what the disk or the memory has said, if that is behind `error`.

    The library raises an error anew to name the element, and its number is lost on the way.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _SHORTAGES:
            raise cause from None
        cause = cause.__cause__ or cause.__context__


class _Watched(io.BufferedReader):
    """Remembers whether the header of an element was cut: the library takes that for the end."""

    header_cut = False
    # What is read from need not have a name, and the library asks for one.
    name = ""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as usual."""
        content = super().read(size)
        if size in _HEADER_READS and 0 < len(content) < size:
            self.header_cut = True
        return content


def _read_in_order(content: Content, name: str) -> Dataset:
    walked = walk(content)
    whole = walked.end == len(content)
    dataset = _read_to_the_end(content if whole else _cut(content, walked.end), name)
    for tag in _STRAYS:
        if tag in dataset:
            del dataset[tag]
    if _counted(dataset) != walked.elements:
        raise MalformedDataset("the file can be read in two ways")
    return dataset


def _cut(content: Content, end: int) -> Content:
    return content.within(0, end) if isinstance(content, Bulk) else content[:end]


def _read_to_the_end(content: Content, name: str) -> Dataset:
    raw = content if isinstance(content, Bulk) else io.BytesIO(content)
    with _Watched(cast("io.RawIOBase", raw)) as file:
        file.name = name
        try:
            # Otherwise the library returns what it has where a file breaks off, and says nothing.
            with config.strict_reading():
                dataset = dcmread(file, force=False, defer_size=LARGE_BYTES)
        except EOFError:
            raise MalformedDataset("the file breaks off") from None
        # Strictness about anything else is not wanted: many sound files are a little irregular.
        except Exception:  # noqa: BLE001
            file.seek(0)
            dataset = dcmread(file, force=False, defer_size=LARGE_BYTES)
        if file.header_cut:
            raise MalformedDataset("the file breaks off")
        settle_large(dataset, content)
        return dataset


def _counted(dataset: Dataset, depth: int = 0) -> int:
    """Return how many elements there are, at any depth.

    Raises `MalformedDataset` where a value is shorter than its element says.
    """
    if depth > DEEPEST or (depth == 0 and len(dataset) == 0):
        raise MalformedDataset("the dataset is empty, or nested beyond any use")
    count = 0
    # `items` gives the elements as they were read; the library's own annotation leaves that out.
    for tag, element in cast("Items", dataset.items()):
        count += 1
        if isinstance(element, RawDataElement):
            if len(element.value or b"") < element.length != _UNDEFINED_LENGTH:
                raise MalformedDataset("the file breaks off inside a value")
            if not _is_sequence(element):
                continue
        if dataset[tag].VR == "SQ":
            count += sum(_counted(item, depth + 1) for item in dataset[tag].value or ())
    return count


def _is_sequence(element: RawDataElement) -> bool:
    if element.VR not in {None, "UN"}:
        return bool(element.VR == "SQ")
    return dictionary_has_tag(element.tag) and bool(dictionary_VR(element.tag) == "SQ")


def _ui(element: int, uid: str) -> bytes:
    return _element(element, b"UI", uid.encode("ascii"), b"\x00")


def _element(element: int, vr: bytes, value: bytes, padding: bytes) -> bytes:
    padded = value + padding * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0002, element, vr, len(padded)) + padded
