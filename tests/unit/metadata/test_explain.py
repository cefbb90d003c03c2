import csv
import json
from pathlib import Path

from deid_node.metadata.explain import format_rows, plan_rows
from deid_node.metadata.plan import MISPLACED_GROUPS, Plan

DATA = Path(__file__).resolve().parents[3] / "deid_node/metadata/data"


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
    assert {line.count("|") for line in lines} == {9}


def test_what_is_attested_is_not_told_as_only_removed(plan: Plan) -> None:
    """A data protection officer reads this page: (0012,0062) leaves with a value."""
    notes = {row.keyword: row.note for row in plan_rows(plan)}

    for keyword in ("PatientIdentityRemoved", "DeidentificationMethod", "BurnedInAnnotation"):
        assert "written anew" in notes[keyword]
