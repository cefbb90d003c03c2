"""Private attributes that a site knows to be safe: under their creator, looked at like others."""

from typing import Any

import pytest
from pydantic import ValidationError
from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence as Items

from deid_node.errors import ConfigurationError
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.explain import plan_rows
from deid_node.metadata.plan.options import MetadataOptions, Option, SafePrivateOptions
from deid_node.metadata.plan.plan import build_plan
from tests.builders.samples import SHARED
from tests.unit.metadata.canary import KEY, as_read, study_instance

SAFE = frozenset({Option.RETAIN_SAFE_PRIVATE})
GE = "GEMS_ACQU_01"


def _own(attribute: str = "0019,xxBB", **changed: str) -> SafePrivateOptions:
    values = {"creator": GE, "attribute": attribute, "vr": "DS", "reason": "gradient"} | changed
    return SafePrivateOptions.model_validate(values)


def _cleaned(
    dataset: Dataset, *own: SafePrivateOptions, options: frozenset[Option] = SAFE
) -> Dataset:
    scrubber = build_scrubber(MetadataOptions(safe_private=own), options, key=KEY)
    return as_read(scrubber.scrub(dataset).dataset)


def _gradient(
    *, block: int = 0x10, creator: str = GE, vr: str = "DS", value: Any = "0.71"
) -> Dataset:
    dataset = study_instance()
    dataset[0x00190000 | block] = DataElement(0x00190000 | block, "LO", creator)
    tag = 0x00190000 | block << 8 | 0xBB
    dataset[tag] = DataElement(tag, vr, value)
    return dataset


@pytest.mark.req("REQ-MD-35")
@pytest.mark.parametrize("block", [0x10, 0x42])
def test_what_the_site_names_stays_wherever_its_block_lies(block: int) -> None:
    cleaned = _cleaned(as_read(_gradient(block=block)), _own())

    assert float(cleaned[0x00190000 | block << 8 | 0xBB].value) == 0.71
    (record,) = cleaned.PrivateDataElementCharacteristicsSequence
    assert (record.PrivateCreatorReference, record.BlockIdentifyingInformationStatus) == (
        GE,
        "SAFE",
    )


def test_without_the_option_or_the_row_nothing_stays() -> None:
    for own, options in (((), SAFE), ((_own(),), frozenset({Option.RETAIN_UIDS}))):
        cleaned = _cleaned(as_read(_gradient()), *own, options=options)

        assert not [element for element in cleaned if element.tag.is_private]


@pytest.mark.parametrize(
    ("changed"),
    [
        {"creator": "gems_acqu_01"},
        {"vr": "LO", "value": "0.71"},
        {"vr": "UN", "value": b"Canarybird"},
    ],
)
def test_another_creator_or_another_kind_of_value_goes(changed: dict[str, Any]) -> None:
    cleaned = _cleaned(as_read(_gradient(**changed)), _own())

    assert not [element for element in cleaned if element.tag.is_private]


def test_text_that_the_site_names_is_hunted_all_the_same() -> None:
    dataset = _gradient(vr="LO", value="scan of Canarybird")

    cleaned = _cleaned(as_read(dataset), _own(vr="LO"))

    assert not [element for element in cleaned if element.tag.is_private]


def test_a_row_of_the_site_goes_before_the_shipped_one() -> None:
    dataset = study_instance()
    dataset[0x20010010] = DataElement(0x20010010, "LO", "Philips Imaging DD 001")
    dataset[0x20011003] = DataElement(0x20011003, "FD", 1000.0)

    cleaned = _cleaned(
        as_read(dataset), _own("2001,xx03", creator="Philips Imaging DD 001", vr="FD")
    )

    assert cleaned[0x20011003].value == 1000.0


def test_items_of_a_sequence_of_the_site_go_through_the_plan() -> None:
    dataset, item = study_instance(), Dataset()
    item[0x20050010] = DataElement(0x20050010, "LO", "Philips MR Imaging DD 001")
    item[0x2005100E] = DataElement(0x2005100E, "FL", 0.25)
    item[0x20050014] = DataElement(0x20050014, "LO", "CANARYBIRD")
    item.PatientName = "Canarybird"
    dataset[0x20050014] = DataElement(0x20050014, "LO", "Philips MR Imaging DD 005")
    dataset[0x2005140F] = DataElement(0x2005140F, "SQ", Items([item]))
    own = _own("2005,xx0F", creator="Philips MR Imaging DD 005", vr="SQ")

    cleaned = _cleaned(as_read(dataset), own)

    (kept,) = cleaned[0x2005140F].value
    assert kept[0x2005100E].value == 0.25
    assert not kept.PatientName
    assert 0x20050014 not in kept


@pytest.mark.parametrize("depth", [0, 1])
def test_a_safe_sequence_with_pixels_goes_and_the_instance_does_not_wait(depth: int) -> None:
    dataset, item = study_instance(), Dataset()
    item.add_new("PixelData", "OW", b"\0\0")
    if depth:
        outer = Dataset()
        outer.ReferencedImageSequence = [item]
        item = outer
    dataset[0x20010010] = DataElement(0x20010010, "LO", "Philips Imaging DD 001")
    dataset[0x2001105F] = DataElement(0x2001105F, "SQ", Items([item]))

    cleaned = _cleaned(as_read(dataset))

    assert not [element for element in cleaned if element.tag.is_private]


@pytest.mark.parametrize(
    "changed",
    [
        {"attribute": "0018,xxBB"}, {"attribute": "0019,10BB"}, {"attribute": "0019,BB"},
        {"attribute": "0001,xxBB"}, {"attribute": "FFFF,xx01"}, {"attribute": "0007,xx01"},
        {"vr": "DA"}, {"vr": "DT"}, {"vr": "OB"}, {"vr": "UN"}, {"vr": "PN"}, {"vr": "XX"},
        {"creator": ""}, {"creator": " GEMS"}, {"creator": "A\\B"}, {"reason": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_judged_cannot_be_named(changed: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        _own(**changed)


def test_the_same_row_twice_is_refused_by_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"metadata\.safe_private\[1\]\.attribute"):
        _cleaned(study_instance(), _own(), _own(attribute="0019,xxbb", vr="FD"))


def test_explain_shows_the_rows_of_the_site_where_they_hold() -> None:
    own = _own()

    shown = [
        row
        for row in plan_rows(build_plan(SAFE), own_private=[own])
        if row.by == "metadata.safe_private"
    ]

    assert [(row.tag, row.name, row.vr, row.action, row.note) for row in shown] == [
        ("(0019,xxBB)", f"of {GE}", "DS", "K", "gradient")
    ]
    assert not [r for r in plan_rows(build_plan(), own_private=[own]) if "of GEMS" in r.name]


@pytest.mark.shared
def test_gradients_and_scale_slopes_of_real_files_stay() -> None:
    ge = SHARED / "field" / "13_ge_dwi_gradient_lost.dcm"
    philips = SHARED / "field" / "13b_philips_enhanced_scale_slope_lost/IM-0001-0170-0001.dcm"
    if not (ge.exists() and philips.exists()):
        pytest.skip("the shared data folder is missing")
    own = [
        _own("0019,xxBB"), _own("0019,xxBC"), _own("0019,xxBD"),
        _own("2005,xx0F", creator="Philips MR Imaging DD 005", vr="SQ"),
    ]  # fmt: skip

    gradients = _cleaned(dcmread(ge), *own)
    slopes = _cleaned(dcmread(philips), *own)

    assert [float(gradients[tag].value) for tag in (0x001910BB, 0x001910BC, 0x001910BD)] == [
        0.71, -0.35, 0.61
    ]  # fmt: skip
    (item,) = slopes.PerFrameFunctionalGroupsSequence[0][0x2005140F].value
    assert item[0x2005100E].value == pytest.approx(0.0002765719254966825)
    assert item[0x2005100D].value == 0.0
    LeakCheck().check(dcmread(philips), slopes)
