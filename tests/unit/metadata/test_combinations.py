"""Every row of the table under every option and combination, at two depths, with canaries."""

from itertools import combinations

import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.uid import UID

from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.plan.action import Action
from deid_node.metadata.plan.options import DATE_OPTIONS, OFFERED, Option
from deid_node.metadata.plan.plan import MISPLACED_GROUPS, Plan, build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import (
    BIRTH,
    KEY,
    VALUES,
    as_read,
    canary_element,
    levels,
    marks_in,
    nested,
    stored,
    study_instance,
)

pytestmark = pytest.mark.slow

RETAINING = [option for option in Option if option.value.startswith("retain_")]
FULL = Option.RETAIN_LONGITUDINAL_FULL_DATES
MODIFIED = Option.RETAIN_LONGITUDINAL_MODIFIED_DATES
TIMES = {"DA", "DT", "TM"}
TIME_ZONE = 0x00080201
NUMBERS = {"AS", "AT", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"}

# What these may hold is defined; whatever else stands there does not stay (test_forms.py).
DEFINED = {0x00100040: "F", 0x00102160: "Asian", 0x001021A0: "NO", 0x00102203: "ALTERED"}

CHOSEN = [
    frozenset(some)
    for size in (1, 2)
    for some in combinations([option for option in RETAINING if option in OFFERED], size)
    if not frozenset(some) >= DATE_OPTIONS
] + [frozenset(OFFERED & set(RETAINING)) - {one} for one in sorted(DATE_OPTIONS)]


def _rows(plan: Plan) -> dict[int, dict[Option, str]]:
    tags = {int(r.pattern.replace(",", ""), 16): r for r in plan.table.rows if "x" not in r.pattern}
    return {
        tag: dict(row.options) for tag, row in tags.items() if tag >> 16 not in MISPLACED_GROUPS
    }


def _element(tag: int) -> DataElement:
    element = canary_element(tag)
    return DataElement(tag, element.VR, DEFINED[tag]) if tag in DEFINED else element


def _instance(rows: dict[int, dict[Option, str]], depth: int) -> Dataset:
    dataset = study_instance()
    if depth == 0:
        for tag in rows:
            dataset[tag] = _element(tag)
        return dataset
    # Examined on the day of birth: each of these dates would be told for that of birth.
    dataset.StudyDate = BIRTH
    level = Dataset()
    for tag in rows:
        level[tag] = _element(tag)
    inner = Dataset()
    inner.ReferencedSeriesSequence = [level]
    nested(dataset, DataElement(0x00081115, "SQ", [inner]), 0)
    return dataset


def _leaf(element: DataElement) -> bytes:
    """Return one element as it is written, by itself."""
    dataset = Dataset()
    dataset[element.tag] = element
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.file_meta = study_instance().file_meta
    for keyword in (
        "SourceApplicationEntityTitle", "PrivateInformationCreatorUID", "PrivateInformation",
        "MediaStorageSOPInstanceUID",
    ):  # fmt: skip
        dataset.file_meta[keyword].value = None
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    return stored(dataset)


def _stays(element: DataElement, letters: set[str]) -> bool:
    if element.VR in {"SQ", "OB"} or element.tag == TIME_ZONE:
        return False
    # A time of day is not moved.
    return letters == {"K"} or (element.VR == "TM" and "C" in letters)


def _tells(element: DataElement, *, listed: bool) -> bool:
    if element.VR in NUMBERS and listed:
        return bool(element.value == VALUES[element.VR])
    return bool(marks_in(_leaf(element)))


@pytest.mark.req("REQ-MD-16")
@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("chosen", CHOSEN, ids=lambda chosen: "+".join(sorted(chosen)))
def test_an_option_keeps_what_its_column_says_and_nothing_else(
    chosen: frozenset[Option], depth: int
) -> None:
    plan = build_plan(chosen)
    rows = _rows(plan)
    original = _instance(rows, depth)

    scrubbed = Scrubber(plan, Pseudonyms(KEY)).scrub(as_read(original)).dataset

    sent = [element for level in levels(original) for element in level]
    told = {tag: {letter for option, letter in rows[tag].items() if option in chosen}
            for tag in rows}  # fmt: skip
    kept, wrong = set(), []
    for level in levels(scrubbed):
        for element in level:
            letters = told.get(int(element.tag), set())
            if _stays(element, letters):
                kept.add(int(element.tag))
                wrong += [] if element in sent else [f"{element.tag} is not kept"]
            elif element.VR != "SQ" and _tells(element, listed=element.tag in rows):
                wrong.append(f"{element.tag} survives")

    assert not wrong
    letting = {Action.KEEP, Action.KEEP_UID, Action.KEEP_DATE, Action.CAP_AGE}
    expected = {
        tag for tag in rows
        if plan.named[tag].by and plan.named[tag].action in letting
        and canary_element(tag).VR != "SQ" and tag != TIME_ZONE
    }  # fmt: skip
    assert kept >= expected


@pytest.mark.parametrize("chosen", CHOSEN, ids=lambda chosen: "+".join(sorted(chosen)))
def test_cleaning_goes_before_keeping_and_the_fallback_is_the_basic_profile(
    plan: Plan, chosen: frozenset[Option]
) -> None:
    combined = build_plan(chosen)

    for row in combined.table.rows:
        if "x" in row.pattern:
            continue
        tag = int(row.pattern.replace(",", ""), 16)
        letters = {letter for option, letter in row.options if option in chosen}
        ruling = combined.named[tag]
        if not letters:
            assert ruling == plan.named[tag]
        elif ruling != plan.named[tag]:
            assert ruling.otherwise is plan.named[tag].action
            assert ruling.action.letter == ("C" if "C" in letters else "K")
            assert ruling.by


def test_every_option_that_retains_changes_the_plan(plan: Plan) -> None:
    # What a private tag means depends on the block: no ruling of a plan can say it.
    for option in OFFERED & set(RETAINING) - {Option.RETAIN_SAFE_PRIVATE}:
        assert build_plan([option]).named != plan.named
