import pytest
from pydantic import ValidationError

from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_nothing
from tests.unit.pixeldata.instances import Kind, instance, noise

BOX = {"left": 5, "top": 4, "right": 20, "bottom": 12}


def rule(**what: object) -> DeviceRegionsOptions:
    return DeviceRegionsOptions.model_validate({"boxes": [BOX], **what})


@pytest.mark.parametrize(
    ("what", "fits"),
    [
        ({}, True),
        ({"manufacturer": "acme medical"}, True),
        ({"manufacturer": "ACME"}, False),
        ({"manufacturer": "Acme Medical", "model": "Sono 1", "rows": 40, "columns": 56}, True),
        ({"rows": 41}, False),
        ({"columns": 55}, False),
        ({"sop_class": "1.2.840.10008.5.1.4.1.1.7"}, True),
        ({"sop_class": "1.2.840.10008.5.1.4.1.1.2"}, False),
    ],
)
def test_a_rule_fills_its_boxes_on_every_frame_of_the_devices_it_names(
    what: dict[str, object], fits: bool
) -> None:
    dataset = instance(noise(Kind(), frames=2), Kind())
    dataset.Manufacturer, dataset.ManufacturerModelName = "Acme Medical ", "Sono 1"
    cleaner = PixelCleaner(finds_nothing(), SolidInpainter(), [rule(**what)])

    cleaned = cleaner.clean(dataset, seed=1)

    assert cleaned.changed == fits
    assert [(r.frame, r.source) for r in cleaned.regions] == (
        [(0, "device_rule"), (1, "device_rule")] if fits else []
    )
    assert all(r.box == Box(2, 1, 23, 15) for r in cleaned.regions)


@pytest.mark.parametrize(
    ("test", "fits"),
    [
        ({"attribute": "SeriesDescription", "value": "dose report"}, True),
        ({"attribute": "SeriesDescription", "value": "dose report", "capitals": True}, False),
        ({"attribute": "SeriesDescription", "value": "Dose"}, False),
        ({"attribute": "SeriesDescription", "value": "dose", "test": "starts_with"}, True),
        ({"attribute": "SeriesDescription", "value": "report", "test": "ends_with"}, True),
        ({"attribute": "SeriesDescription", "value": "E R", "test": "contains"}, True),
        ({"attribute": "ImageType", "value": "secondary\\dose", "test": "ends_with"}, True),
        ({"attribute": "ImageType", "value": "SECONDARY", "test": "contains"}, True),
        ({"attribute": "Rows", "value": "40"}, True),
        ({"attribute": "StationName", "value": ""}, True),
        ({"attribute": "StationName", "value": "A", "test": "contains"}, False),
        ({"attribute": "StationName", "value": "A", "test": "contains", "negated": True}, True),
        ({"attribute": "Rows", "value": "40", "negated": True}, False),
        ({"attribute": "Rows", "value": "39.5", "test": "greater_than"}, True),
        ({"attribute": "Rows", "value": "100", "test": "less_than"}, True),
        ({"attribute": "Rows", "value": "40", "test": "less_than"}, False),
        ({"attribute": "Rows", "value": "40", "test": "greater_than"}, False),
        ({"attribute": "Rows", "value": "40", "test": "less_than", "negated": True}, True),
        ({"attribute": "StationName", "value": "40", "test": "less_than"}, True),
        ({"attribute": "StationName", "value": "4", "test": "less_than", "negated": True}, True),
    ],
)
def test_tests_of_attributes_narrow_a_rule(test: dict[str, object], fits: bool) -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    dataset.SeriesDescription = "Dose Report"
    dataset.ImageType = ["DERIVED", "SECONDARY", "DOSE"]
    other = {"attribute": "Modality", "value": "OT"}
    cleaner = PixelCleaner(finds_nothing(), SolidInpainter(), [rule(where=[other, test])])

    assert cleaner.clean(dataset, seed=1).changed == fits


@pytest.mark.parametrize(
    "test",
    [
        {"attribute": "NoSuchThing", "value": "1"},
        {"attribute": "PixelData", "value": "1"},
        {"attribute": "ReferencedImageSequence", "value": "1"},
        {"attribute": "Rows"},
        {"attribute": "Rows", "value": "1", "test": "matches"},
        {"attribute": "Rows", "value": "many", "test": "less_than"},
        {"attribute": "Rows", "value": "inf", "test": "greater_than"},
    ],
)
def test_a_test_that_cannot_be_made_refuses_to_start(test: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        rule(where=[test])


@pytest.mark.parametrize(
    "boxes", [[], [{**BOX, "right": 5}], [{**BOX, "left": -1}], [{**BOX, "width": 3}]]
)
def test_a_rule_without_a_proper_box_refuses_to_start(boxes: list[object]) -> None:
    with pytest.raises(ValidationError):
        DeviceRegionsOptions.model_validate({"boxes": boxes})
