"""The site's own rows: stricter in silence, laxer only in the open."""

import pytest

from deid_node.errors import ConfigurationError, IdentifierLeft
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.plan.action import Action
from deid_node.metadata.plan.options import AdditionOptions, Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY, as_read, study_instance


def _row(attribute: str, action: str, reason: str = "the trial asks for it") -> AdditionOptions:
    return AdditionOptions.model_validate(
        {"attribute": attribute, "action": action, "reason": reason}
    )


def test_a_stricter_row_is_done_and_needs_no_word() -> None:
    plan = build_plan(additions=[_row("Manufacturer", "X"), _row("0008,1030", "X")])
    original = study_instance()

    scrubbed = Scrubber(plan, Pseudonyms(KEY)).scrub(as_read(original)).dataset

    assert "Manufacturer" not in scrubbed
    assert plan.weakenings == ()
    assert plan.follows_table


@pytest.mark.req("REQ-MD-21")
@pytest.mark.parametrize(
    ("attribute", "action", "options", "against_table"),
    [
        ("StudyDescription", "K", [], True),
        ("StudyDescription", "D", [], True),
        ("SegmentLabel", "K", [], False),
        ("OperatorsName", "D", [], False),
        ("StudyDate", "K", [], True),
        ("StudyDate", "K", [Option.RETAIN_LONGITUDINAL_MODIFIED_DATES], True),
        ("FrameOfReferenceUID", "K", [], True),
        ("PatientAge", "K", [], True),
    ],
)
def test_a_laxer_row_is_done_and_listed(
    attribute: str, action: str, options: list[Option], against_table: bool
) -> None:
    plan = build_plan(options, additions=[_row(attribute, action)])

    assert [weakening.keyword for weakening in plan.weakenings] == [attribute]
    assert plan.weakenings[0].against_table is against_table
    assert plan.follows_table is not against_table


def test_a_row_that_an_option_allows_is_no_weakening() -> None:
    plan = build_plan([Option.RETAIN_DEVICE_IDENTITY], additions=[_row("StationName", "K")])

    assert plan.weakenings == ()


@pytest.mark.req("REQ-MD-21")
def test_a_weakening_does_not_silence_the_second_look(leak_check: LeakCheck) -> None:
    plan = build_plan(additions=[_row("StudyDescription", "K")])
    harmless, telling = study_instance(), study_instance()
    harmless.StudyDescription = "Head routine"
    telling.StudyDescription = "Head of Canarybird"

    kept = Scrubber(plan, Pseudonyms(KEY)).scrub(as_read(harmless)).dataset
    leak_check.check(harmless, kept)

    assert kept.StudyDescription == "Head routine"
    with pytest.raises(IdentifierLeft):
        leak_check.check(telling, Scrubber(plan, Pseudonyms(KEY)).scrub(as_read(telling)).dataset)


def test_a_kept_date_is_a_date(quiet: None) -> None:
    plan = build_plan(additions=[_row("StudyDate", "K")])
    original = study_instance()
    original.StudyDate = "CANARYBIRD"

    assert not Scrubber(plan, Pseudonyms(KEY)).scrub(original).dataset.StudyDate
    assert plan.named[0x00080020].action is Action.KEEP_DATE


@pytest.mark.parametrize(
    ("rows", "path"),
    [
        ([("NoSuchKeyword", "X")], "metadata.additions[0].attribute"),
        ([("0009,1001", "X")], "metadata.additions[0].attribute"),
        ([("6000,3000", "K")], "metadata.additions[0].attribute"),
        ([("0008,4711", "K")], "metadata.additions[0].attribute"),
        ([("SOPInstanceUID", "K")], "metadata.additions[0].attribute"),
        ([("PixelData", "X")], "metadata.additions[0].attribute"),
        ([("PatientIdentityRemoved", "K")], "metadata.additions[0].attribute"),
        ([("StudyID", "X"), ("StudyDate", "U")], "metadata.additions[1].action"),
        ([("StudyID", "X"), ("0020,0010", "Z")], "metadata.additions[1].attribute"),
    ],
)
def test_a_row_that_cannot_be_done_is_refused(rows: list[tuple[str, str]], path: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        build_plan(additions=[_row(*row) for row in rows])

    assert raised.value.path == path
