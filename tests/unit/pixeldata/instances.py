"""Instances made of arrays, in any transfer syntax, by code that the room does not use itself.

Native bytes come from numpy, RLE from pydicom's own encoder, offset tables from
pydicom: a mistake in our encoder cannot hide in the test that checks our decoder.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, SecondaryCaptureImageStorage, generate_uid

ROOT = "1.2.840.10008.1.2"
IMPLICIT, EXPLICIT, BIG, DEFLATED = ROOT, f"{ROOT}.1", f"{ROOT}.2", f"{ROOT}.1.99"
RLE, JLS, JLS_NEAR = f"{ROOT}.5", f"{ROOT}.4.80", f"{ROOT}.4.81"
J2K, J2K_LOSSY, HTJ2K = f"{ROOT}.4.90", f"{ROOT}.4.91", f"{ROOT}.4.201"
BASELINE, EXTENDED, LOSSLESS, SV1 = (f"{ROOT}.4.{n}" for n in (50, 51, 57, 70))
UNCOMPRESSED, DEFLATED_FRAMES = f"{ROOT}.1.98", f"{ROOT}.8.1"

Array = NDArray[Any]


@dataclass(frozen=True)
class Kind:
    """What an instance is like; `samples` follows from `photometric`."""

    syntax: str = EXPLICIT
    photometric: str = "MONOCHROME2"
    allocated: int = 8
    stored: int = 8
    signed: bool = False
    planar: int = 0

    @property
    def samples(self) -> int:
        return 1 if self.photometric in {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"} else 3

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(f"{'i' if self.signed else 'u'}{max(8, self.allocated) // 8}")

    def __str__(self) -> str:
        sign = "s" if self.signed else "u"
        tail = self.syntax.removeprefix(ROOT).lstrip(".") or "implicit"
        name = self.photometric.replace(" ", "_")
        return f"{tail}-{name}-{sign}{self.stored}of{self.allocated}-p{self.planar}"


def noise(kind: Kind, *, frames: int, rows: int = 40, columns: int = 56, seed: int = 7) -> Array:
    """Return ``(frames, rows, columns[, 3])`` values over the whole range of `kind`."""
    draw = np.random.default_rng(seed)
    low = -(1 << (kind.stored - 1)) if kind.signed else 0
    shape: tuple[int, ...] = (frames, rows, columns, 3)[: 3 if kind.samples == 1 else 4]
    return draw.integers(low, low + (1 << kind.stored), shape, dtype=np.int64).astype(kind.dtype)


def instance(values: Array, kind: Kind, *, pixels: bytes | None = None) -> Dataset:
    """Return an instance that holds `values`, written to a file and read again."""
    frames, rows, columns = values.shape[:3]
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["instance"])
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = dataset.SOPInstanceUID
    dataset.Modality = "OT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.PatientName = "Doe^Jane"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel = kind.samples
    dataset.PhotometricInterpretation = kind.photometric
    if kind.samples > 1:
        dataset.PlanarConfiguration = kind.planar
    dataset.BitsAllocated, dataset.BitsStored = kind.allocated, kind.stored
    dataset.HighBit = kind.stored - 1
    dataset.PixelRepresentation = int(kind.signed)
    if frames > 1:
        dataset.NumberOfFrames = frames
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(kind.syntax)
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    encoded = encode(values, kind) if pixels is None else pixels
    wide = kind.allocated > 8 or kind.syntax == IMPLICIT
    vr = "OW" if wide and not UID(kind.syntax).is_encapsulated else "OB"
    dataset.add_new(0x7FE00010, vr, encoded)
    dataset["PixelData"].is_undefined_length = is_encapsulated(kind.syntax)
    return reread(dataset)


def is_encapsulated(syntax: str) -> bool:
    return syntax not in {IMPLICIT, EXPLICIT, BIG, DEFLATED}


def reread(dataset: Dataset) -> Dataset:
    """Return `dataset` as a reader of the written file has it."""
    if dataset.file_meta.TransferSyntaxUID == DEFLATED_FRAMES:
        return dataset  # pydicom neither writes nor knows it
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcmwrite(buffer, dataset, enforce_file_format=False)
        buffer.seek(0)
        return dcmread(buffer, force=True)


def encode(values: Array, kind: Kind) -> bytes:
    """Return Pixel Data for `values`."""
    if not is_encapsulated(kind.syntax):
        return native(values, kind)
    frames = [codestream(frame, kind) for frame in values]
    return encapsulate(frames, has_bot=len(frames) > 1)


def native(values: Array, kind: Kind) -> bytes:
    """Return native Pixel Data for `values`, padded to an even length."""
    ordered = values.astype(values.dtype.newbyteorder(">" if kind.syntax == BIG else "<"))
    if kind.samples == 3 and kind.planar == 1:
        ordered = np.moveaxis(ordered, -1, 1)
    plain = ordered.tobytes()
    return plain + b"\x00" * (len(plain) % 2)


def codestream(frame: Array, kind: Kind) -> bytes:
    """Return one frame coded in `kind.syntax`."""
    mask = (1 << kind.stored) - 1
    plain = (frame.astype(np.int64) & mask).astype(f"u{frame.dtype.itemsize}")
    colour = kind.photometric if kind.photometric == "RGB" else "YCBCR"
    space = colour if kind.samples == 3 else None
    match kind.syntax:
        case s if s == RLE:
            return bytes(
                RLELosslessEncoder.encode(
                    np.ascontiguousarray(frame),
                    encoding_plugin="pydicom",
                    rows=frame.shape[0],
                    columns=frame.shape[1],
                    samples_per_pixel=kind.samples,
                    bits_allocated=kind.allocated,
                    bits_stored=kind.stored,
                    pixel_representation=int(kind.signed),
                    number_of_frames=1,
                    photometric_interpretation=kind.photometric,
                    planar_configuration=0,
                )
            )
        case s if s in {JLS, JLS_NEAR}:
            return bytes(
                jpeg_ls.encode_pixel_data(
                    plain.tobytes(),
                    lossy_error=2 if s == JLS_NEAR else 0,
                    rows=frame.shape[0],
                    columns=frame.shape[1],
                    samples_per_pixel=kind.samples,
                    bits_stored=kind.stored,
                    planar_configuration=0,
                )
            )
        case s if s in {J2K, J2K_LOSSY}:
            return bytes(
                imagecodecs.jpeg2k_encode(
                    frame,
                    level=None if s == J2K else 40,
                    codecformat="j2k",
                    reversible=s == J2K,
                    bitspersample=kind.stored,
                    mct=kind.photometric in {"YBR_RCT", "YBR_ICT"},
                )
            )
        case s if s == HTJ2K:
            return bytes(imagecodecs.htj2k_encode(frame, reversible=True, rgb=False))
        case s if s in {LOSSLESS, SV1}:
            # YCBCR would be written with tables that the scan does not name.
            lossless = "UNKNOWN" if space == "YCBCR" else space
            return bytes(
                imagecodecs.jpeg8_encode(
                    plain,
                    lossless=True,
                    predictor=1 if s == SV1 else 4,
                    bitspersample=kind.stored,
                    colorspace=lossless,
                    outcolorspace=lossless,
                )
            )
        case s if s in {BASELINE, EXTENDED}:
            return bytes(
                imagecodecs.jpeg8_encode(
                    plain,
                    level=90,
                    bitspersample=8 if s == BASELINE else 12,
                    colorspace=space,
                    outcolorspace=space,
                )
            )
        case s if s == UNCOMPRESSED:
            return native(frame[None], kind)
        case s if s == DEFLATED_FRAMES:
            return deflated(native(frame[None], kind))
    raise AssertionError(kind.syntax)


def deflated(plain: bytes) -> bytes:
    import zlib

    coder = zlib.compressobj(wbits=-15)
    return coder.compress(plain) + coder.flush()


def decoded_elsewhere(dataset: Dataset, *, plugin: str = "", raw: bool = True) -> Array:
    """Return all frames as pydicom decodes them, first axis the frames."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = pixel_array(dataset, raw=raw, decoding_plugin=plugin)
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    return array if frames > 1 else array[None]


def outside(shape: Sequence[int], boxes: Sequence[Any]) -> NDArray[np.bool_]:
    """Return True where none of `boxes` lies, ``(rows, columns)``."""
    mask = np.ones(tuple(shape), dtype=np.bool_)
    for box in boxes:
        mask[box.slices] = False
    return mask
