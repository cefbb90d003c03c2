"""What the header costs: scrub, attest and second look of one instance, on one core.

Three headers made by code: a plain CT, a CT with five hundred private elements
of its maker, and an enhanced multi-frame with a thousand functional groups. The
pixels are a few bytes: their cost is measured elsewhere.
"""

from io import BytesIO
from pathlib import Path
from statistics import median
from time import process_time

from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

from deid_node.leaks.check import LeakCheck
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.attest import attest
from deid_node.metadata.plan.options import DATE_OPTIONS, OFFERED, MetadataOptions, Option

ROOT = "1.2.826.0.1.3680043.8.498.77"
MODIFIED = Option.RETAIN_LONGITUDINAL_MODIFIED_DATES
CHOSEN = {
    "basic profile": frozenset({Option.CLEAN_PIXEL_DATA}),
    "every option": (OFFERED - DATE_OPTIONS - {Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES})
    | {MODIFIED},
}


def measure_metadata(folder: Path, *, rounds: int, each: int) -> None:
    """Print the milliseconds of each step for each header: the median of all runs."""
    del folder
    headers = {"plain CT": plain_ct(), "vendor CT": vendor_ct(), "enhanced CT": enhanced_ct()}
    for options, chosen in CHOSEN.items():
        print(f"{options:13}  {'scrub+attest':>12}  {'second look':>11}  {'together':>8}  (ms)")
        for name, content in headers.items():
            runs = rounds * (max(1, each // 20) if name == "enhanced CT" else each)
            scrubbing, looking = _timed(content, chosen, runs)
            both = scrubbing + looking
            print(f"{name:13}  {scrubbing:12.2f}  {looking:11.2f}  {both:8.2f}")


def _timed(content: bytes, chosen: frozenset[Option], runs: int) -> tuple[float, float]:
    scrubber = build_scrubber(MetadataOptions(), chosen, key=b"k" * 32)
    leaks = LeakCheck()
    scrubbing, looking = [], []
    for _ in range(runs):
        original = dcmread(BytesIO(content))
        started = process_time()
        dataset = scrubber.scrub(original).dataset
        attest(dataset, options=chosen, pixels_looked_at=True, second_look_clean=True)
        scrubbing.append(process_time() - started)
        written = dcmread(BytesIO(_bytes(dataset)))
        started = process_time()
        leaks.check(original, written, retained=chosen)
        looking.append(process_time() - started)
    return median(scrubbing) * 1000, median(looking) * 1000


def plain_ct() -> bytes:
    """Return a CT slice with the attributes that a scanner writes."""
    return _bytes(_ct())


def vendor_ct() -> bytes:
    """Return a CT slice with five hundred private elements beside the others."""
    dataset = _ct()
    block = dataset.private_block(0x0029, "BENCH MARK HEADER", create=True)
    vrs = ("LO", "DS", "SH", "UN", "IS")
    values = ("Text of the maker", "12.345", "SHORT", b"\1\2\3\4" * 8, "42")
    for number in range(250):
        block.add_new(number, vrs[number % 5], values[number % 5])
    other = dataset.private_block(0x0051, "BENCH MARK SECOND", create=True)
    for number in range(250):
        other.add_new(number, vrs[number % 5], values[number % 5])
    return _bytes(dataset)


def enhanced_ct() -> bytes:
    """Return an enhanced CT with a thousand functional groups of seven macros each."""
    dataset = _ct()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.NumberOfFrames = 1000
    dataset.SharedFunctionalGroupsSequence = [_item(PixelMeasuresSequence=[_item(
        PixelSpacing=[0.7, 0.7], SliceThickness=1)])]  # fmt: skip
    dataset.PerFrameFunctionalGroupsSequence = [_group(number) for number in range(1000)]
    return _bytes(dataset)


def _group(number: int) -> Dataset:
    return _item(
        FrameContentSequence=[_item(
            FrameAcquisitionDateTime=f"20260102120000.{number:06}", FrameAcquisitionDuration=1.5,
            FrameReferenceDateTime=f"20260102120000.{number:06}", StackID="1",
            InStackPositionNumber=number + 1, DimensionIndexValues=[1, number + 1])],
        PlanePositionSequence=[_item(ImagePositionPatient=[0, 0, number])],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        CTExposureSequence=[_item(ExposureTimeInms=500.0, XRayTubeCurrentInmA=200.0)],
        CTPositionSequence=[_item(TableHeight=100.0, DataCollectionCenterPatient=[0, 0, number])],
        FrameAnatomySequence=[_item(FrameLaterality="U", AnatomicRegionSequence=[_item(
            CodeValue="816094009", CodingSchemeDesignator="SCT", CodeMeaning="Chest")])],
        DerivationImageSequence=[_item(SourceImageSequence=[_item(
            ReferencedSOPClassUID=CTImageStorage,
            ReferencedSOPInstanceUID=f"{ROOT}.9.{number}")])],
    )  # fmt: skip


def _item(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _ct() -> Dataset:
    dataset = _item(
        SpecificCharacterSet="ISO_IR 100", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        SOPClassUID=CTImageStorage, SOPInstanceUID=f"{ROOT}.1.1",
        StudyInstanceUID=f"{ROOT}.0.1", SeriesInstanceUID=f"{ROOT}.0.2",
        FrameOfReferenceUID=f"{ROOT}.0.3", StudyDate="20260102", SeriesDate="20260102",
        AcquisitionDate="20260102", ContentDate="20260102", StudyTime="120000",
        SeriesTime="120100", AcquisitionTime="120110.123", ContentTime="120112",
        AccessionNumber="ACC20260001", Modality="CT", Manufacturer="Bench Works",
        InstitutionName="Hospital of the Bench", InstitutionAddress="Bench Lane 12, Markham",
        ReferringPhysicianName="Referrer^Rita", StationName="CT-ROOM-7",
        StudyDescription="CT chest with contrast", SeriesDescription="Lung 1.0 B60f",
        InstitutionalDepartmentName="Radiology", PhysiciansOfRecord="Record^Rolf",
        PerformingPhysicianName="Perform^Petra", OperatorsName="Operator^Olga",
        ManufacturerModelName="Bencher 64", PatientName="Mark^Benjamin^Q", PatientID="B-4711-08",
        PatientBirthDate="19601224", PatientSex="M", PatientAge="065Y", PatientWeight="81.5",
        PatientSize="1.82", OtherPatientIDs=["MRN-99887", "MRN-99888"],
        AdditionalPatientHistory="Cough for three weeks", BodyPartExamined="CHEST",
        ScanOptions="HELICAL MODE", SliceThickness="1", KVP="120", DataCollectionDiameter="500",
        DeviceSerialNumber="SN-081547", SoftwareVersions="bench 4.2", ProtocolName="Chest routine",
        ReconstructionDiameter="350", DistanceSourceToDetector="1085.6",
        DistanceSourceToPatient="595", GantryDetectorTilt="0", TableHeight="151",
        RotationDirection="CW", ExposureTime="500", XRayTubeCurrent="200", Exposure="100",
        FilterType="FLAT", GeneratorPower="50", FocalSpots=["1.2"],
        DateOfLastCalibration="20260101", TimeOfLastCalibration="063000",
        ConvolutionKernel="B60f", PatientPosition="FFS", StudyID="4711",
        SeriesNumber="2", AcquisitionNumber="1", InstanceNumber="1",
        ImagePositionPatient=[-175, -175, 100], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PositionReferenceIndicator="", SliceLocation="100", SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2", Rows=2, Columns=2, PixelSpacing=[0.7, 0.7],
        BitsAllocated=16, BitsStored=12, HighBit=11, PixelRepresentation=0,
        WindowCenter=["40", "-600"], WindowWidth=["400", "1600"], RescaleIntercept="-1024",
        RescaleSlope="1", PerformedProcedureStepStartDate="20260102",
        PerformedProcedureStepStartTime="115900", PerformedProcedureStepID="PPS-4711",
        PerformedProcedureStepDescription="CT chest",
        ReferencedImageSequence=[_item(ReferencedSOPClassUID=CTImageStorage,
                                       ReferencedSOPInstanceUID=f"{ROOT}.1.2")],
        RequestAttributesSequence=[_item(RequestedProcedureID="RP-4711",
                                         ScheduledProcedureStepID="SPS-4711")],
    )  # fmt: skip
    dataset.add_new("PixelData", "OW", b"\0\1" * 4)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def _bytes(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
