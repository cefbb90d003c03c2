"""Faces: what could show one is withheld where faces are to be removed."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UID

from deid_node.errors import RecognizableFeatures
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.faces.judge import require_faceless
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.builders.bodies import FROM_THE_FRONT, FROM_THE_SIDE, Sheet, ct, image, mr
from tests.unit.metadata.canary import KEY, as_read, study_instance

FACES = Scrubber(build_plan([Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES]), Pseudonyms(KEY))
STORAGE = "1.2.840.10008.5.1.4.1.1."


def _goes_through(dataset: Dataset) -> bool:
    try:
        require_faceless(as_read(dataset))
    except RecognizableFeatures:
        return False
    return True


def _header(**attributes: Any) -> Dataset:
    dataset = study_instance()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    if "SOPClassUID" in attributes:
        dataset.file_meta.MediaStorageSOPClassUID = UID(attributes["SOPClassUID"])
    return dataset


def _code(value: str, meaning: str = "Part") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def _trunk(**drawn: Any) -> Sheet:
    sheet = Sheet(400, 400, 2)
    sheet.trunk(**drawn)
    return sheet


def _head() -> Sheet:
    sheet = Sheet(250, 250, 1)
    sheet.head()
    return sheet


@pytest.mark.req("REQ-MD-23")
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"BodyPartExamined": "HEAD"},
        {"BodyPartExamined": "HEADNECK"},
        {"BodyPartExamined": "CSPINE"},
        {"BodyPartExamined": "WHOLEBODY"},
        {"BodyPartExamined": "ELEPHANT"},
        {"BodyPartExamined": "CHEST"},
        {"BodyPartExamined": "ABDOMEN"},
        {"BodyPartExamined": "CHEST", "SeriesDescription": "Brain w/o"},
        {"BodyPartExamined": "KNEE", "ProtocolName": "Kopf nativ"},
        {"BodyPartExamined": "KNEE", "RequestedProcedureDescription": "IRM du visage"},
        {"BodyPartExamined": "KNEE", "ReceiveCoilName": "HE1-4;NE1,2"},
        {"Modality": "MR"},
        {"Modality": "PT"},
        {"Modality": "NM"},
        {"Modality": "XC", "BodyPartExamined": "CHEST"},
        {"Modality": "OT", "BodyPartExamined": "HEAD"},
    ],
)
def test_what_may_show_a_face_is_withheld(scrubber: Scrubber, attributes: dict[str, str]) -> None:
    dataset = _header(**attributes)

    with pytest.raises(RecognizableFeatures):
        FACES.scrub(as_read(dataset))
    assert scrubber.scrub(as_read(dataset)).dataset


@pytest.mark.req("REQ-MD-23")
@pytest.mark.parametrize(
    "dataset",
    [
        _header(BodyPartExamined="KNEE"),
        ct(_trunk()),
        ct(_trunk(lungs=True), BodyPartExamined="CHEST"),
        ct(_trunk(), BodyPartExamined="ABDOMEN"),
        mr(_trunk(), BodyPartExamined="LIVER"),
    ],
    ids=["knee", "trunk", "chest", "abdomen", "liver"],
)
def test_another_part_of_the_body_goes_through(quiet: None, dataset: Dataset) -> None:
    assert FACES.scrub(as_read(dataset)).dataset


def test_the_argument_stays_as_it_was(quiet: None) -> None:
    dataset = as_read(ct(_trunk(), BodyPartExamined="ABDOMEN"))
    before = deepcopy(dict(dataset.items()))

    FACES.scrub(dataset)

    assert dict(dataset.items()) == before


@pytest.mark.parametrize(
    ("code", "meaning", "passes"),
    [
        ("818981001", "Part", True),
        ("69536005", "Part", False),
        ("1", "Liver", True),
        ("818981001", "Head", False),
    ],
)
def test_the_region_counts_too(code: str, meaning: str, passes: bool) -> None:
    dataset = ct(_trunk(deep=190))
    dataset.AnatomicRegionSequence = [_code(code, meaning)]

    assert _goes_through(dataset) is passes


@pytest.mark.parametrize("part", ["ABDOMEN", "CHEST", "SHOULDER", "KIDNEY", "HEART"])
def test_a_head_goes_through_under_no_wrong_name(part: str) -> None:
    assert not _goes_through(ct(_head(), BodyPartExamined=part))
    assert not _goes_through(mr(_head(), BodyPartExamined=part))


@pytest.mark.parametrize("part", ["KNEE", "HAND"])
def test_a_skull_is_seen_under_the_name_of_a_limb(part: str) -> None:
    assert not _goes_through(ct(_head(), BodyPartExamined=part))


@pytest.mark.parametrize("direction", [FROM_THE_FRONT, FROM_THE_SIDE, None])
def test_a_trunk_that_is_not_cut_across_needs_a_name(
    direction: tuple[float, ...] | None,
) -> None:
    """A head may be at its upper end."""
    sheet = Sheet(380, 380, 2)
    sheet.trunk(across=700, deep=300)

    assert not _goes_through(ct(sheet, direction))
    assert not _goes_through(ct(sheet, direction, BodyPartExamined="CHEST"))
    assert _goes_through(ct(sheet, direction, BodyPartExamined="ABDOMEN"))


def test_a_long_image_along_the_body_is_withheld_under_the_name_of_its_middle() -> None:
    sheet = Sheet(480, 380, 2)
    sheet.trunk(across=300, deep=700)

    assert not _goes_through(ct(sheet, FROM_THE_FRONT, BodyPartExamined="ABDOMEN"))
    assert _goes_through(ct(sheet, FROM_THE_FRONT, BodyPartExamined="FEMUR"))


@pytest.mark.parametrize("lost", ["PixelSpacing", "ImageOrientationPatient", "RescaleIntercept"])
def test_without_its_geometry_a_trunk_is_withheld(lost: str) -> None:
    assert _goes_through(ct(_trunk()))
    assert not _goes_through(ct(_trunk(), **{lost: None}))


@pytest.mark.parametrize(
    "spacing", [[0.0, 0.0], [-1.0, -1.0], [2.0], [1e6, 1e6], [2.0, float("1e5")]]
)
def test_a_spacing_that_is_none_counts_as_absent(spacing: list[float]) -> None:
    assert not _goes_through(ct(_trunk(), PixelSpacing=spacing))


def test_no_face_has_room_in_a_small_image() -> None:
    sheet = Sheet(58, 58, 0.5)
    sheet.face(across=50, deep=52)

    assert _goes_through(ct(sheet))
    assert not _goes_through(ct(sheet, PixelSpacing=[0.52, 0.52]))
    assert not _goes_through(ct(sheet, StudyDescription="DVT Zahn 36"))


@pytest.mark.parametrize("part", ["SHOULDER", "WRIST"])
def test_a_head_may_lie_beside_an_arm_in_a_large_image(part: str) -> None:
    small, large = Sheet(160, 160, 1), Sheet(300, 300, 1)
    small.limb(thick=110)
    large.limb(thick=110)

    assert _goes_through(ct(small, BodyPartExamined=part))
    assert not _goes_through(ct(large, BodyPartExamined=part))


@pytest.mark.parametrize("modality", ["PT", "NM"])
def test_in_pet_nobody_can_tell(modality: str) -> None:
    """The skin takes up nothing, and arms beside a head melt into it."""
    dataset = ct(_trunk(lungs=True), Modality=modality)

    assert not _goes_through(dataset)
    dataset.BodyPartExamined = "ABDOMEN"
    assert not _goes_through(dataset)
    dataset.BodyPartExamined = "LEG"
    assert _goes_through(dataset)


def _stacked(*sheets: Sheet, **attributes: Any) -> Dataset:
    """Return an enhanced CT: geometry in its functional groups, nowhere else."""
    dataset = image(
        np.stack([sheet.pixels for sheet in sheets]), sheets[0].pixel_mm, None, Modality="CT"
    )
    dataset.SOPClassUID = UID(f"{STORAGE}2.1")
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    del dataset.PixelSpacing, dataset.RescaleSlope, dataset.RescaleIntercept
    measures, orientation, values, shared = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [sheets[0].pixel_mm] * 2
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    values.RescaleSlope, values.RescaleIntercept = 1, 0
    shared.PixelMeasuresSequence = [measures]
    shared.PixelValueTransformationSequence = [values]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = []
    for _ in sheets:
        group = Dataset()
        group.PlaneOrientationSequence = [deepcopy(orientation)]
        dataset.PerFrameFunctionalGroupsSequence.append(group)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _on_large_sheet() -> Sheet:
    sheet = Sheet(400, 400, 2)
    sheet.head()
    return sheet


def test_each_frame_of_a_stack_is_judged() -> None:
    assert _goes_through(_stacked(_trunk(), _trunk(lungs=True)))
    assert not _goes_through(_stacked(_trunk(), _trunk(), _on_large_sheet()))


def test_each_frame_of_a_stack_lies_as_its_own_group_says() -> None:
    dataset = _stacked(_trunk(), _trunk())
    second = dataset.PerFrameFunctionalGroupsSequence[1].PlaneOrientationSequence[0]
    second.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

    assert not _goes_through(dataset)


def test_a_frame_names_its_region() -> None:
    dataset = _stacked(_trunk(), _trunk())
    anatomy = Dataset()
    anatomy.AnatomicRegionSequence = [_code("69536005", "Head")]
    dataset.PerFrameFunctionalGroupsSequence[1].FrameAnatomySequence = [anatomy]

    assert not _goes_through(dataset)


def test_cone_beams_of_heads_are_withheld_by_their_class() -> None:
    dataset = ct(_trunk(), Modality="DX")
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(f"{STORAGE}13.1.2")

    assert not _goes_through(dataset)


def _flat(modality: str, sop_class: str, **attributes: Any) -> Dataset:
    dataset = ct(_trunk(), Modality=modality, **attributes)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(STORAGE + sop_class)
    return dataset


@pytest.mark.parametrize(
    ("dataset", "passes"),
    [
        (_flat("DX", "1.1", BodyPartExamined="HAND"), True),
        (_flat("DX", "1.1", BodyPartExamined="CHEST"), True),
        (_flat("CR", "1", StudyDescription="Thorax p.a."), True),
        (_flat("DX", "1.1", BodyPartExamined="SKULL"), False),
        (_flat("CR", "1", BodyPartExamined="CSPINE"), False),
        (_flat("DX", "1.1"), False),
        (_flat("PX", "1.1", BodyPartExamined="CHEST"), False),
        (_flat("MG", "1.2"), True),
        (_flat("US", "6.1"), True),
        (_flat("NM", "20", ImageType=["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]), True),
        (_flat("NM", "20", ImageType=["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]), False),
        (_flat("SM", "77.1.6"), True),
        (_flat("OPT", "77.1.5.4"), True),
        (_flat("OP", "77.1.5.1"), False),
        (_flat("CT", "2", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), False),
        (
            _flat(
                "CT", "2", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ProtocolName="Abdomen"
            ),
            True,
        ),
        (
            _flat("CT", "2", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ProtocolName="Sinus"),
            False,
        ),
    ],
)
def test_what_it_is_decides_how_a_face_could_come_into_it(dataset: Dataset, passes: bool) -> None:
    assert _goes_through(dataset) is passes


def test_a_fundus_camera_sees_the_inner_eye() -> None:
    dataset = _flat("OP", "77.1.5.1")
    dataset.AcquisitionDeviceTypeCodeSequence = [_code("409898007", "Fundus Camera")]

    assert _goes_through(dataset)


def test_a_capture_is_withheld_unless_it_is_drawn_or_of_another_part() -> None:
    """A rendered face is the usual reason to capture a screen of CT."""
    drawn, toned = _flat("OT", "7"), _flat("OT", "7")
    noise = np.random.default_rng(5).normal(500, 90, (200, 200))
    toned.PixelData = noise.astype("<i2").tobytes()

    assert _goes_through(drawn)
    assert not _goes_through(toned)
    toned.StudyDescription = "MR Knie links"
    assert _goes_through(toned)
    toned.StudyDescription = "CT Thorax"
    assert not _goes_through(toned)


def test_a_captured_slice_has_to_look_like_the_part_it_is_said_to_be_of() -> None:
    head, trunk = ct(_head(), BodyPartExamined="ABDOMEN"), ct(_trunk(), BodyPartExamined="ABDOMEN")
    for dataset in (head, trunk):
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(f"{STORAGE}7")

    assert not _goes_through(head)
    assert _goes_through(trunk)


def test_dots_of_a_raster_are_no_drawing() -> None:
    """A copied identity card has two tones."""
    dataset = _flat("OT", "7")
    pixels = np.zeros((200, 200), dtype="<i2")
    pixels[60:130, 60:130] = np.random.default_rng(5).integers(0, 2, (70, 70))
    dataset.PixelData = pixels.tobytes()

    assert not _goes_through(dataset)


def _contours(name: str, kind: str = "ORGAN", **attributes: Any) -> Dataset:
    dataset = _header(Modality="RTSTRUCT", SOPClassUID=UID(f"{STORAGE}481.3"), **attributes)
    structure, observation = Dataset(), Dataset()
    structure.ROIName = name
    observation.RTROIInterpretedType = kind
    dataset.StructureSetROISequence = [structure]
    dataset.RTROIObservationsSequence = [observation]
    return dataset


@pytest.mark.parametrize(
    ("dataset", "passes"),
    [
        (_contours("Liver"), True),
        (_contours("GTV", "GTV"), True),
        (_contours("BODY"), False),
        (_contours("Kontur_1", "EXTERNAL"), False),
        (_contours("Mandible"), False),
        (_contours("BODY", BodyPartExamined="PROSTATE"), True),
        (_contours("BODY", BodyPartExamined="CHEST"), False),
    ],
)
def test_the_outline_of_a_patient_is_withheld(dataset: Dataset, passes: bool) -> None:
    assert _goes_through(dataset) is passes


def test_a_part_that_is_not_known_is_not_told_by_what_stands_beside_it() -> None:
    """A trunk that is shallow enough for a head needs a name."""
    shallow = _trunk(deep=190)

    assert _goes_through(ct(shallow, StudyDescription="CT Abdomen"))
    assert not _goes_through(ct(shallow, StudyDescription="CT"))
    assert not _goes_through(
        ct(shallow, StudyDescription="CT Abdomen", BodyPartExamined="ELEPHANT")
    )


def test_small_letters_name_a_part_too(quiet: None) -> None:
    assert _goes_through(_header(BodyPartExamined="knee"))
