"""Faces: what could show one is withheld where faces are to be removed."""

import pytest
from pydicom import Dataset
from pydicom.uid import UID

from deid_node.errors import RecognizableFeatures
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY, as_read, study_instance

FACES = Scrubber(build_plan([Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES]), Pseudonyms(KEY))


def _image(**attributes: str) -> Dataset:
    dataset = study_instance()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _region(code: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "SCT", "Part"
    return item


@pytest.mark.req("REQ-MD-23")
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"BodyPartExamined": "HEAD"},
        {"BodyPartExamined": "HEADNECK"},
        {"BodyPartExamined": "WHOLEBODY"},
        {"BodyPartExamined": "ELEPHANT"},
        {"BodyPartExamined": "CHEST", "SeriesDescription": "Brain w/o"},
        {"BodyPartExamined": "CHEST", "ProtocolName": "Kopf nativ"},
        {"Modality": "MR"},
        {"Modality": "PT"},
        {"Modality": "XC", "BodyPartExamined": "CHEST"},
        {"Modality": "OT", "BodyPartExamined": "HEAD"},
    ],
)
def test_what_may_show_a_face_is_withheld(scrubber: Scrubber, attributes: dict[str, str]) -> None:
    dataset = _image(**attributes)

    with pytest.raises(RecognizableFeatures):
        FACES.scrub(as_read(dataset))
    assert scrubber.scrub(as_read(dataset)).dataset


@pytest.mark.req("REQ-MD-23")
@pytest.mark.parametrize("part", ["CHEST", "knee", "ABDOMEN"])
def test_another_part_of_the_body_goes_through(quiet: None, part: str) -> None:
    assert FACES.scrub(as_read(_image(BodyPartExamined=part))).dataset


@pytest.mark.parametrize(("code", "passes"), [("816094009", True), ("69536005", False)])
def test_the_region_counts_too(code: str, passes: bool) -> None:
    dataset = _image(BodyPartExamined="CHEST")
    dataset.AnatomicRegionSequence = [_region(code)]

    if passes:
        assert FACES.scrub(as_read(dataset)).dataset
    else:
        with pytest.raises(RecognizableFeatures):
            FACES.scrub(as_read(dataset))


def test_an_image_without_depth_goes_through() -> None:
    dataset = _image(Modality="US")
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(
        "1.2.840.10008.5.1.4.1.1.6.1"
    )

    assert FACES.scrub(as_read(dataset)).dataset
