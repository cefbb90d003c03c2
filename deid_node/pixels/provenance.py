"""A Segmentation that marks the pixels of an instance that are not the scanner's.

It is made of nothing but the cleaned header and the boxes of the report, so it says
nothing that the instance beside it does not say. Its masks are whole boxes: a mask of
the pixels that differ would have the shape of the strokes, and could be read.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from copy import deepcopy
from importlib.util import find_spec
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from deid_node import __version__
from deid_node.errors import ConfigurationError, MalformedDataset, ProvenanceFailed
from deid_node.pixeldata.attributes import integer, put, text, value_of
from deid_node.pixels.planes import Plane, plane_of
from deid_node.pixels.text.masks import mask_of
from deid_node.values.geometry import Box, Region

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

LABEL: Final = "Synthesised pixels"
_TOOL: Final = "deid_node"
# What the profile leaves where a date must stand (PS3.15 E.2, action D).
_NO_DAY, _NO_TIME = "19000101", "000000"
_DAYS: Final = ("ContentDate", "AcquisitionDate", "SeriesDate", "StudyDate")
_DATE: Final = re.compile("[0-9]{8}")
_TYPE_2: Final = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
_BEHIND_PATIENT: Final = 0x00130000
_COPIED: Final = (
    *("StudyInstanceUID", "SeriesInstanceUID", "StudyID", "Rows", "Columns"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)
_MARKS: Final = ("LongitudinalTemporalInformationModified", "BurnedInAnnotation")
_STACK: Final = "1"
# Eight frames of one bit a pixel always end with a byte.
_FRAMES_AT_ONCE: Final = 8


def require_library(path: str) -> None:
    """Raise `ConfigurationError` where ``highdicom`` is not installed; `path` asked for it."""
    if find_spec("highdicom") is None:
        raise ConfigurationError(
            path, "seg: highdicom is not installed; it comes with the extra deid-node[provenance]"
        )


def segmentation_of(cleaned: Dataset, regions: Sequence[Region], *, finder: str) -> Dataset:
    """Return a Segmentation with a frame for each frame of `cleaned` that has a region.

    The one segment holds every pixel of every region, whatever filled it. Frames that
    lie in a patient's coordinates keep their place; all others are tied to their source
    by frame number, pixel by pixel. The same arguments give the same bytes.

    Parameters
    ----------
    cleaned
        The scrubbed and attested instance with its file meta information; it is not
        written to.
    regions
        What was filled in it; at least one.
    finder
        The name of what saw the text.

    Raises
    ------
    ProvenanceFailed
        It cannot be made: the header lacks what a Segmentation must repeat.

    Source
    ------
    PS3.3 A.51, C.8.20.2 (Segmentation Image); PS3.16 CID 7150, 7011, 7162.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _made(cleaned, regions, finder)
    # The library refuses a header in many ways, and its texts quote values.
    except (AttributeError, KeyError, TypeError, ValueError, MalformedDataset) as error:
        fault = type(error).__name__
        raise ProvenanceFailed(f"what was filled cannot be marked ({fault})") from None


def _made(cleaned: Dataset, regions: Sequence[Region], finder: str) -> Dataset:
    from highdicom.seg import Segmentation

    on_frame = {
        frame: [region.box for region in found]
        for frame, found in groupby(
            sorted(regions, key=lambda one: one.frame), lambda one: one.frame
        )
    }
    rows, columns = integer(cleaned, "Rows"), integer(cleaned, "Columns")
    frames = tuple(on_frame)
    planes = _planes(cleaned, frames)
    instance = text(cleaned, "SOPInstanceUID")
    result = Segmentation(
        source_images=[_stand_in(cleaned, planes[0] if planes else None)],
        pixel_array=mask_of(on_frame[frames[0]], rows=rows, columns=columns),
        segmentation_type="BINARY",
        segment_descriptions=[_segment(regions, finder)],
        series_instance_uid=_uid("series", text(cleaned, "SeriesInstanceUID")),
        series_number=max(1, integer(cleaned, "SeriesNumber", 1)),
        sop_instance_uid=_uid("instance", instance),
        instance_number=max(1, integer(cleaned, "InstanceNumber", 1)),
        manufacturer=_TOOL,
        manufacturer_model_name=_TOOL,
        software_versions=__version__,
        device_serial_number=__version__,
        content_label="SYNTHESISED",
        content_description="Pixels that de-identification replaced",
        series_description=LABEL,
        specific_character_set="ISO_IR 192",
        content_date=_NO_DAY,
        content_time=_NO_TIME,
    )
    result.file_meta = _file_meta(cleaned, _uid("instance", instance))
    _settle(result, cleaned, _uid("dimensions", instance))
    if integer(cleaned, "NumberOfFrames", 1) > 1:
        _spread(result, frames, planes, on_frame)
    return result


def _segment(regions: Sequence[Region], finder: str) -> "SegmentDescription":
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription

    return SegmentDescription(
        segment_number=1,
        segment_label=LABEL,
        segmented_property_category=codes.SCT.SpatialAndRelationalConcept,
        segmented_property_type=codes.DCM.ImageArtifacts,
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=_TOOL,
            family=codes.DCM.ArtificialIntelligence,
            version=__version__,
            parameters={
                "finder": finder,
                "fill": " ".join(sorted({region.fill for region in regions})),
            },
        ),
    )


def _stand_in(cleaned: Dataset, plane: Plane | None) -> Dataset:
    """Return a single-frame image with the patient and the study of `cleaned`.

    The library takes multi-frame images only with coordinates, and no retired classes.
    """
    source: Dataset = cleaned[:_BEHIND_PATIENT]
    for keyword in _COPIED:
        if keyword in cleaned:
            source[keyword] = cleaned[keyword]
    # The library would judge the values that stand there; they are put back as they are.
    for keyword in _TYPE_2:
        put(source, keyword, "")
    put(source, "SOPClassUID", SecondaryCaptureImageStorage)
    if plane is not None:
        put(source, "FrameOfReferenceUID", text(cleaned, "FrameOfReferenceUID"))
        plane.put_into(source)
    return source


def _planes(cleaned: Dataset, frames: Sequence[int]) -> tuple[Plane, ...]:
    """Return where each of `frames` lies, if all of them lie parallel in one frame of reference."""
    if not text(cleaned, "FrameOfReferenceUID"):
        return ()
    planes = tuple(plane for frame in frames if (plane := plane_of(cleaned, frame)) is not None)
    parallel = len({plane.in_space for plane in planes}) == 1
    return planes if parallel and len(planes) == len(frames) else ()


def _day(cleaned: Dataset) -> str:
    """Return the day of the content, as the cleaned header has it: never that of now."""
    said = (text(cleaned, keyword) for keyword in _DAYS)
    return next(filter(_DATE.fullmatch, said), _NO_DAY)


def _uid(kind: str, source: str) -> UID:
    """Return the UID that belongs to the pseudonymous UID `source`, the same on every run.

    Source: PS3.5 B.2 (UUID derived UIDs); RFC 9562 section 5.5.
    """
    return UID(f"2.25.{uuid5(NAMESPACE_OID, f'{_TOOL} provenance {kind} {source}').int}")


def _file_meta(cleaned: Dataset, sop_instance_uid: UID) -> FileMetaDataset:
    meta = deepcopy(cleaned.file_meta)
    meta.MediaStorageSOPClassUID = SegmentationStorage
    meta.MediaStorageSOPInstanceUID = sop_instance_uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _settle(result: Dataset, cleaned: Dataset, dimensions_uid: str) -> None:
    """Name the true source, attest as it does, and remove what changes from run to run."""
    for keyword in (*_TYPE_2, *_MARKS):
        if keyword in cleaned:
            result[keyword] = cleaned[keyword]
    put(result, "ContentDate", _day(cleaned))
    if "FrameOfReferenceUID" not in result:
        put(result, "PatientOrientation", value_of(cleaned, "PatientOrientation") or "")
    for keyword in (
        "InstanceCreationDate",
        "InstanceCreationTime",
        "ContributingEquipmentSequence",
    ):
        del result[keyword]
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions_uid
    references = [
        *result.SourceImageSequence,
        *(one for series in result.ReferencedSeriesSequence
          for one in series.ReferencedInstanceSequence),
        *_sources(result.PerFrameFunctionalGroupsSequence[0]),
    ]  # fmt: skip
    for reference in references:
        reference.ReferencedSOPClassUID = cleaned.SOPClassUID


def _sources(groups: Dataset) -> list[Dataset]:
    return [
        source
        for derivation in groups.DerivationImageSequence
        for source in derivation.SourceImageSequence
    ]


def _spread(
    result: Dataset,
    frames: Sequence[int],
    planes: Sequence[Plane],
    on_frame: dict[int, list[Box]],
) -> None:
    """Give `result`, which has the first of `frames`, all of them, each tied to its number."""
    first = result.PerFrameFunctionalGroupsSequence[0]
    _add_dimension(result)
    groups = []
    for number, frame in enumerate(frames):
        own = deepcopy(first)
        for source in _sources(own):
            source.ReferencedFrameNumber = frame + 1
        content = own.FrameContentSequence[0]
        content.StackID, content.InStackPositionNumber = _STACK, number + 1
        content.DimensionIndexValues = [1, number + 1]
        if planes:
            own.PlanePositionSequence[0].ImagePositionPatient = list(planes[number].position)
        groups.append(own)
    result.PerFrameFunctionalGroupsSequence = groups
    result.NumberOfFrames = len(frames)
    rows, columns = result.Rows, result.Columns
    packed = b"".join(_packed([on_frame[frame] for frame in frames], rows, columns))
    result.PixelData = packed + b"\0" * (len(packed) % 2)


def _add_dimension(result: Dataset) -> None:
    """Tell frames apart by their order: a cine has no positions, and a stack may repeat them."""
    segment = result.DimensionIndexSequence[0]
    order = Dataset()
    order.DimensionIndexPointer = 0x00209057  # In-Stack Position Number
    order.FunctionalGroupPointer = 0x00209111  # Frame Content Sequence
    order.DimensionOrganizationUID = segment.DimensionOrganizationUID
    order.DimensionDescriptionLabel = "Order of the frames"
    result.DimensionIndexSequence = [segment, order]
    if "DimensionOrganizationType" in result:
        del result.DimensionOrganizationType


def _packed(frames: Sequence[Sequence[Box]], rows: int, columns: int) -> Iterator[bytes]:
    """Yield the masks of `frames` at one bit a pixel, without padding between them.

    Source: PS3.5 8.1.1.
    """
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        masks: list[Any] = [
            mask_of(boxes, rows=rows, columns=columns).ravel()
            for boxes in frames[start : start + _FRAMES_AT_ONCE]
        ]
        yield np.packbits(np.concatenate(masks), bitorder="little").tobytes()
