"""Small reports and presentation states of the canary, valid but for what they say."""

from typing import Any

from pydicom import Dataset
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    CTImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
)

from tests.unit.metadata.canary import BIRTH, UID_ROOT, VALUES, study_instance


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return a coded entry."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def content(value_type: str, name: Dataset, relation: str = "CONTAINS", **values: Any) -> Dataset:
    """Return a content item; `values` are its attributes by keyword."""
    item = Dataset()
    item.RelationshipType, item.ValueType = relation, value_type
    item.ConceptNameCodeSequence = [name]
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def measured(value: str, unit: Dataset) -> Dataset:
    """Return an item of Measured Value Sequence."""
    item = Dataset()
    item.NumericValue = value
    item.MeasurementUnitsCodeSequence = [unit]
    return item


def reference() -> Dataset:
    """Return a reference to the first image of the study."""
    item = Dataset()
    item.ReferencedSOPClassUID = CTImageStorage
    item.ReferencedSOPInstanceUID = f"{UID_ROOT}.3.1"
    return item


def _of_class(sop_class: UID, modality: str) -> Dataset:
    dataset = study_instance(2)
    del dataset.Rows
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.Modality = modality
    dataset.StudyDate = dataset.ContentDate = "20040826"
    dataset.StudyTime = dataset.ContentTime = "101112"
    dataset.ReferringPhysicianName = "Quack^Donald"
    dataset.PatientSex = "F"
    dataset.Laterality = ""
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    return dataset


def report() -> Dataset:
    """Return a report with every kind of item, a canary in each that can hold one."""
    dataset = _of_class(ComprehensiveSRStorage, "SR")
    finding = code("121071", "DCM", "Finding")
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = [code("126000", "DCM", "Imaging Measurement Report")]
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    dataset.CurrentRequestedProcedureEvidenceSequence = [_evidence()]
    inner = content(
        "TEXT", finding, TextValue="Canarybird, b. 13.02.1951: liver lesion, segment 4, 12 mm."
    )
    dataset.ContentSequence = [
        content("PNAME", code("121008", "DCM", "Person Observer Name"), "HAS OBS CONTEXT",
                PersonName=VALUES["PN"]),
        content("UIDREF", code("121012", "DCM", "Device Observer UID"), "HAS OBS CONTEXT",
                UID=f"{UID_ROOT}.9"),
        content("TEXT", code("121013", "DCM", "Device Observer Name"), "HAS OBS CONTEXT",
                TextValue="LIVER CT"),
        content("TEXT", code("121030", "DCM", "Subject ID"), "HAS OBS CONTEXT",
                TextValue="CB-771259"),
        content("DATE", code("121031", "DCM", "Subject Birth Date"), "HAS OBS CONTEXT", Date=BIRTH),
        content("CODE", code("121032", "DCM", "Subject Sex"), "HAS OBS CONTEXT",
                ConceptCodeSequence=[code("F", "DCM", "Female")]),
        content("NUM", code("121033", "DCM", "Subject Age"), "HAS OBS CONTEXT",
                MeasuredValueSequence=[measured("97", code("a", "UCUM", "year"))]),
        content("TEXT", finding, TextValue="canarybird/tweety"),
        content("DATETIME", code("121135", "DCM", "Observation Date Time"),
                DateTime=f"{BIRTH}101112"),
        content("TIME", code("111061", "DCM", "Study Time"), Time="101112"),
        content("CODE", finding, ConceptCodeSequence=[code("10200004", "SCT", "Canarybird")]),
        content("CODE", finding, ConceptCodeSequence=[code("CB", "99HOSP", "Ward of Tweety")]),
        content("CODE", finding, ConceptCodeSequence=[code("17", "99HOSP", "Liver lesion")]),
        content("NUM", code("121206", "DCM", "Distance"),
                MeasuredValueSequence=[measured("12.5", code("mm", "UCUM", "millimeter"))]),
        content("IMAGE", finding, ReferencedSOPSequence=[reference()]),
        content("CONTAINER", code("121070", "DCM", "Findings"), ContinuityOfContent="SEPARATE",
                ContentSequence=[inner]),
    ]  # fmt: skip
    return dataset


def _evidence() -> Dataset:
    study, series = Dataset(), Dataset()
    series.SeriesInstanceUID = f"{UID_ROOT}.2"
    series.ReferencedSOPSequence = [reference()]
    study.StudyInstanceUID = f"{UID_ROOT}.1"
    study.ReferencedSeriesSequence = [series]
    return study


def presentation_state(*texts: str) -> Dataset:
    """Return a presentation state whose annotations say `texts`."""
    dataset = _of_class(GrayscaleSoftcopyPresentationStateStorage, "PR")
    series, area, layer, annotation = Dataset(), Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = f"{UID_ROOT}.2"
    series.ReferencedImageSequence = [reference()]
    dataset.ReferencedSeriesSequence = [series]
    dataset.ContentLabel, dataset.ContentDescription = "NOTES", "of Canarybird"
    dataset.ContentCreatorName = VALUES["PN"]
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = "20040826", "101112"
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [1, 1], [2, 2]
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    dataset.DisplayedAreaSelectionSequence = [area]
    layer.GraphicLayer, layer.GraphicLayerOrder = "LAYER", 1
    layer.GraphicLayerDescription = "drawn by Canarybird"
    dataset.GraphicLayerSequence = [layer]
    annotation.GraphicLayer = "LAYER"
    annotation.TextObjectSequence = [_text(text) for text in texts]
    annotation.GraphicObjectSequence = [_line()]
    dataset.GraphicAnnotationSequence = [annotation]
    dataset.PresentationLUTShape = "IDENTITY"
    return dataset


def _text(text: str) -> Dataset:
    item = Dataset()
    item.UnformattedTextValue = text
    item.AnchorPoint, item.AnchorPointVisibility = [1.0, 2.0], "N"
    item.AnchorPointAnnotationUnits = "PIXEL"
    return item


def _line() -> Dataset:
    item = Dataset()
    item.GraphicAnnotationUnits, item.GraphicDimensions = "PIXEL", 2
    item.NumberOfGraphicPoints, item.GraphicData = 2, [1.0, 1.0, 2.0, 2.0]
    item.GraphicType, item.GraphicFilled = "POLYLINE", "N"
    return item
