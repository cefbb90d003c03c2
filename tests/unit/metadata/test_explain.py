"""The plan as people read it: from the plan itself, so that it cannot say something else."""

import csv
import json
from pathlib import Path

import pytest

from deid_node.cli import main
from deid_node.cli.status import ExitStatus
from deid_node.metadata.explain import changed_rows, format_rows, plan_rows
from deid_node.metadata.plan.options import AdditionOptions, Option
from deid_node.metadata.plan.plan import MISPLACED_GROUPS, Plan, build_plan

GOLDEN = Path(__file__).parent / "golden" / "explain.csv"
RETAINING = [
    Option.RETAIN_LONGITUDINAL_MODIFIED_DATES,
    Option.RETAIN_PATIENT_CHARACTERISTICS,
    Option.RETAIN_DEVICE_IDENTITY,
    Option.RETAIN_UIDS,
    Option.RETAIN_INSTITUTION_IDENTITY,
]


def test_every_row_of_the_table_is_explained(plan: Plan) -> None:
    explained = {row.tag.strip("()").lower(): row for row in plan_rows(plan)}

    for row in plan.table.rows:
        if "x" not in row.pattern and int(row.pattern[:4], 16) not in MISPLACED_GROUPS:
            assert explained[row.pattern].source == row.basic_profile
            assert explained[row.pattern].keyword == row.keyword


def test_every_row_tells_what_the_plan_does(plan: Plan) -> None:
    for row in plan_rows(plan):
        if row.keyword:
            tag = int(row.tag.strip("()").replace(",", ""), 16)
            assert plan.judge(tag, row.vr.split(" or ")[0]).action.letter == row.action


def test_the_three_forms_say_the_same(plan: Plan) -> None:
    rows = plan_rows(plan)

    from_json = json.loads(format_rows(rows, "json"))
    from_csv = list(csv.DictReader(format_rows(rows, "csv").splitlines()))
    lines = format_rows(rows, "md").splitlines()

    assert from_json == from_csv
    assert [row["tag"] for row in from_csv] == [row.tag for row in rows]
    assert len(lines) == len(rows) + 2
    assert lines[2].split("|")[1].strip() == rows[0].tag
    assert {line.count("|") for line in lines} == {20}


def test_what_changed_is_told_with_what_it_was_and_nothing_else(plan: Plan) -> None:
    retaining = build_plan([Option.RETAIN_DEVICE_IDENTITY])

    changed = changed_rows(plan_rows(retaining), plan_rows(plan))

    station = next(row for row in changed if row.keyword == "StationName")
    assert station.does == "keep"
    assert station.note.startswith("was: ")
    assert "keep" not in station.note
    assert all(str(Option.RETAIN_DEVICE_IDENTITY) in row.by for row in changed)
    assert "PatientName" not in {row.keyword for row in changed}
    assert changed_rows(plan_rows(plan), plan_rows(plan)) == []


def test_the_command_can_tell_what_a_configuration_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "node.yaml"
    config.write_text("treatments:\n  research: {options: [retain_uids]}\n")

    assert main(["explain", "--config", str(config), "--changed", "--format", "csv"]) == 0

    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert "SOPInstanceUID" in {row["keyword"] for row in rows}
    assert all("retain_uids" in row["by"] for row in rows)


def test_what_is_attested_is_not_told_as_only_removed(plan: Plan) -> None:
    """A data protection officer reads this page: (0012,0062) leaves with a value."""
    notes = {row.keyword: row.note for row in plan_rows(plan)}

    for keyword in ("PatientIdentityRemoved", "DeidentificationMethod", "BurnedInAnnotation"):
        assert "written anew" in notes[keyword]


def test_originals_that_are_locked_into_the_instance_are_told(plan: Plan) -> None:
    (without,) = (row for row in plan_rows(plan) if row.tag == "(0400,0500)")
    (locked,) = (row for row in plan_rows(plan, seals_originals=True) if row.tag == "(0400,0500)")

    assert "written anew" not in without.note
    assert "written anew: the originals" in locked.note


def test_every_letter_of_the_table_is_told(plan: Plan) -> None:
    explained = {row.tag.strip("()").lower(): row for row in plan_rows(plan)}

    for row in plan.table.rows:
        if "x" not in row.pattern and int(row.pattern[:4], 16) not in MISPLACED_GROUPS:
            cells = explained[row.pattern].cells()
            assert {name: cells[name] for name, _ in row.options} == dict(row.options)


@pytest.mark.req("REQ-CL-06")
def test_what_options_change_is_what_was_reviewed(plan: Plan) -> None:
    """A golden file: a change of it is a change of what leaves, and is read by a person.

    Written anew with ``explained_changes(plan)`` where the change is meant.
    """
    assert explained_changes(plan) == GOLDEN.read_text("utf-8")


def explained_changes(plan: Plan) -> str:
    """Return the lines of the plan that five options change, as CSV."""
    basic = {(row.tag, row.vr): row.does for row in plan_rows(plan)}
    rows = plan_rows(build_plan(RETAINING))
    return format_rows([row for row in rows if row.does != basic[row.tag, row.vr]], "csv")


@pytest.mark.req("REQ-MD-21")
def test_a_weakening_is_told_beside_the_row() -> None:
    row = AdditionOptions(attribute="StudyDescription", action="K", reason="for the trial")

    lines = {line.keyword: line for line in plan_rows(build_plan(additions=[row]))}

    assert lines["StudyDescription"].by == "metadata.additions"
    assert lines["StudyDescription"].note == "for the trial; WEAKER than without it: remove"
    assert not [line for line in lines.values() if line.by and line.keyword != "StudyDescription"]


@pytest.mark.req("REQ-MD-21")
def test_check_lists_what_a_site_weakens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "pseudonym.key"
    key.touch(mode=0o600)
    key.write_bytes(b"k" * 32)
    config = tmp_path / "node.yaml"
    config.write_text(
        "forward: {destinations: {archive: {kind: folder, dir: out}}}\n"
        "metadata:\n"
        "  additions:\n"
        "    - {attribute: StudyDescription, action: K, reason: for the trial}\n"
        "    - {attribute: SegmentLabel, action: K, reason: for the trial}\n"
        "    - {attribute: Manufacturer, action: X, reason: for the trial}\n",
        encoding="utf-8",
    )

    assert main(["check", "--config", str(config)]) == ExitStatus.DONE

    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("metadata.additions")] == [
        "metadata.additions weakens StudyDescription: K instead of X; Table E.1-1 asks for more",
        "metadata.additions weakens SegmentLabel: K instead of D",
    ]
