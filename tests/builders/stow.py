"""Requests of STOW-RS, made by code: files in parts, heads, and what is wrong with them."""

from collections.abc import Iterable, Sequence
from io import BytesIO

from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from tests.builders.samples import packaged

CT = "1.2.840.10008.5.1.4.1.1.2"
BOUNDARY = "a-boundary"
RELATED = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
DICOM_HEADERS = (("Content-Type", "application/dicom"),)


def part_ten(
    uid: str = "1.2.3.4",
    *,
    study: str = "1.2.3",
    syntax: str = ExplicitVRLittleEndian,
    rows: int = 4,
    filling: int = 0,
) -> bytes:
    """Return a small Part 10 file; `filling` adds so many bytes to it."""
    dataset = Dataset()
    dataset.SOPClassUID = CT
    dataset.SOPInstanceUID = uid
    dataset.PatientName = "Nobody^Here"
    dataset.StudyInstanceUID = study
    dataset.SeriesInstanceUID = f"{study}.1"
    dataset.Rows = rows
    if filling:
        dataset.EncapsulatedDocument = bytes(filling)
    dataset.ensure_file_meta()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = UID(CT)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def packaged_file(name: str) -> bytes:
    """Return a file of the package of the library."""
    return packaged(name).read_bytes()


def instance_uid(content: bytes) -> str:
    """Return the SOP Instance UID of a file."""
    return str(dcmread(BytesIO(content)).SOPInstanceUID)


def body(
    parts: Iterable[bytes],
    *,
    boundary: str = BOUNDARY,
    headers: Iterable[tuple[str, str]] = DICOM_HEADERS,
    closing: str = "--",
) -> bytes:
    """Return the body of a request with `parts`; without `closing` it has no end."""
    said = "".join(f"{name}: {value}\r\n" for name, value in headers)
    begin = f"--{boundary}\r\n{said}\r\n".encode()
    content = b"".join(b"\r\n" + begin + part for part in parts)
    return content + f"\r\n--{boundary}{closing}\r\n".encode()


def request(
    content: bytes,
    *,
    method: str = "POST",
    target: str = "/dicom-web/studies",
    content_type: str = RELATED,
    length: int | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Return a request as it goes over the wire; `length` may lie."""
    said = [
        ("Host", "node"),
        ("Content-Type", content_type),
        ("Content-Length", str(len(content) if length is None else length)),
        *headers,
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in said)
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + content


def chunked(content: bytes, *, size: int = 1000) -> bytes:
    """Return `content` in chunks of `size` bytes, closed."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"
