"""Whatever is nested in whatever: no trace of the canary, and nothing raised that is foreign."""

import copy
from collections import defaultdict
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from deid_node.leaks.check import LeakCheck
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.plan.action import Action
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.plan import MISPLACED_GROUPS, build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import (
    KEY,
    UID_ROOT,
    VALUES,
    as_read,
    canary_element,
    levels,
    marks_in,
    stored,
    study_instance,
)

pytestmark = pytest.mark.slow

PLAN = build_plan()
SCRUBBER = Scrubber(PLAN, Pseudonyms(KEY))
RETAINING = {
    chosen: Scrubber(build_plan(chosen), Pseudonyms(KEY))
    for chosen in (
        frozenset({Option.RETAIN_LONGITUDINAL_MODIFIED_DATES}),
        frozenset({Option.RETAIN_LONGITUDINAL_FULL_DATES, Option.RETAIN_UIDS}),
        frozenset({Option.RETAIN_LONGITUDINAL_MODIFIED_DATES, Option.RETAIN_UIDS}),
    )
}
LEAK_CHECK = LeakCheck()

_VRS = {
    tag: vr.split(" or ")[0]
    for tag, (vr, *_) in DicomDictionary.items()
    if vr != "NONE" and tag >> 16 not in MISPLACED_GROUPS
}
_IDENTITY = {0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E}
_LEAVES = sorted(
    tag
    for tag, vr in _VRS.items()
    if vr not in {"SQ", *["AS", "AT", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"]}
    and tag not in _IDENTITY
    and PLAN.judge(tag, vr).action is not Action.KEEP
)
_KEPT_NUMBERS = sorted(
    tag for tag, vr in _VRS.items() if vr in {"US", "DS"} and tag not in PLAN.named
)
_SEQUENCES = sorted(tag for tag, vr in _VRS.items() if vr == "SQ")

_leaf = st.sampled_from(_LEAVES).map(canary_element)
_number = st.sampled_from(_KEPT_NUMBERS).map(lambda tag: DataElement(tag, _VRS[tag], 7))
_uid = st.builds(
    lambda tag, number: DataElement(tag, "UI", f"{UID_ROOT}.{number}"),
    st.sampled_from([tag for tag in _LEAVES if _VRS[tag] == "UI"]),
    st.integers(1, 4),
)
_private = st.builds(
    lambda group, element, vr: DataElement((group << 16) | element, vr, VALUES[vr]),
    st.integers(0x0005, 0x1FFF).map(lambda number: number * 2 + 1),
    st.integers(0x1000, 0x10FF),
    st.sampled_from(["LO", "UN", "PN", "OB", "UT"]),
)


def _dataset(elements: list[DataElement]) -> Dataset:
    dataset = Dataset()
    for element in elements:
        dataset[element.tag] = copy.deepcopy(element)
    return dataset


def _sequence(items: st.SearchStrategy[Dataset]) -> st.SearchStrategy[DataElement]:
    return st.builds(
        lambda tag, values: DataElement(tag, "SQ", Sequence(values)),
        st.sampled_from(_SEQUENCES),
        st.lists(items, max_size=3),
    )


_plain = st.one_of(_leaf, _number, _uid, _private)
_item = st.recursive(
    st.lists(_plain, max_size=6).map(_dataset),
    lambda items: st.lists(st.one_of(_plain, _sequence(items)), max_size=6).map(_dataset),
    max_leaves=8,
)


def _instance(content: Dataset) -> Dataset:
    dataset = study_instance()
    for element in content:
        if element.tag not in dataset:
            dataset[element.tag] = element
    return dataset


_settings = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_settings
@given(_item)
def test_nothing_of_the_canary_survives_and_the_result_can_be_read(content: Dataset) -> None:
    original = as_read(_instance(content))

    scrubbed = SCRUBBER.scrub(original).dataset

    written = stored(scrubbed)
    assert not marks_in(written)
    LEAK_CHECK.check(original, dcmread(BytesIO(written)))
    assert len(list(levels(dcmread(BytesIO(written))))) >= 1


@_settings
@given(_item)
def test_the_argument_stays_and_the_result_is_the_same_twice(content: Dataset) -> None:
    dataset = _instance(content)
    before = stored(dataset)

    first, second = SCRUBBER.scrub(dataset), SCRUBBER.scrub(dataset)

    assert stored(first.dataset) == stored(second.dataset)
    assert first.actions == second.actions
    assert stored(dataset) == before


@_settings
@given(_item, st.sampled_from(sorted(RETAINING, key=sorted)))
def test_options_leave_nothing_but_what_they_keep(
    content: Dataset, chosen: frozenset[Option]
) -> None:
    original = as_read(_instance(content))

    first, second = (RETAINING[chosen].scrub(original) for _ in range(2))

    written = dcmread(BytesIO(stored(first.dataset)))
    LEAK_CHECK.check(original, written, retained=chosen)
    assert stored(first.dataset) == stored(second.dataset)
    if Option.RETAIN_UIDS in chosen:
        assert written.StudyInstanceUID == original.StudyInstanceUID


@_settings
@given(_item, _item)
def test_the_instances_of_a_study_keep_fitting_together(one: Dataset, other: Dataset) -> None:
    scrubber = RETAINING[frozenset({Option.RETAIN_LONGITUDINAL_MODIFIED_DATES})]
    for content in (one, other):
        # The same id of another issuer is another patient.
        content.pop(0x00100021, None)
    originals = [as_read(_instance(content)) for content in (one, other)]

    cleaned = [scrubber.scrub(original).dataset for original in originals]

    same = ("StudyDate", "SeriesDate", "StudyInstanceUID", "SeriesInstanceUID", "PatientID")
    told = defaultdict(set)
    for before, after in zip(originals, cleaned, strict=True):
        for keyword in same:
            told[keyword, before.get(keyword)].add(after.get(keyword))
    assert all(len(values) == 1 for values in told.values())


@_settings
@given(_item)
def test_equal_uids_stay_equal_and_different_ones_different(content: Dataset) -> None:
    original = as_read(_instance(content))
    pseudonyms = Pseudonyms(KEY)
    expected = {pseudonyms.uid(f"{UID_ROOT}.{number}") for number in (1, 2, 3, 4)} | {
        pseudonyms.uid(f"{UID_ROOT}.3.1")
    }

    scrubbed = SCRUBBER.scrub(original).dataset

    found = {
        str(element.value)
        for level in levels(scrubbed)
        for element in level
        if element.VR == "UI" and str(element.value).startswith("2.25.")
    }
    assert found <= expected
    assert len(expected) == 5


@_settings
@given(_item)
def test_what_the_plan_keeps_is_kept_bit_for_bit(content: Dataset) -> None:
    original = as_read(_instance(content))

    scrubbed = SCRUBBER.scrub(original).dataset

    for element in original:
        ruling = PLAN.judge(int(element.tag), str(element.VR))
        if ruling.action is Action.KEEP and element.VR != "SQ":
            assert scrubbed[element.tag].value == element.value
        if ruling.action is Action.REMOVE:
            assert element.tag not in scrubbed
