import json

import pytest

from deid_node.errors import ConfigurationError
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.table import EDITION, ProfileRow, load_table, parse_table
from tests.builders.samples import ROOT, STANDARD

TABLE_FILE = ROOT / "deid_node/metadata/data/confidentiality_profile.csv"
SOURCE_FILE = STANDARD / "confidentiality_profile_attributes.json"

needs_source = pytest.mark.skipif(
    not SOURCE_FILE.is_file(), reason="the source of the table is in the shared data folder"
)


def test_the_table_is_complete() -> None:
    table = load_table()

    assert table.edition == EDITION == "2024e"
    assert len(table.rows) == 621
    assert len({row.pattern for row in table.rows}) == 621
    counts = {
        action: sum(row.basic_profile == action for row in table.rows)
        for action in {row.basic_profile for row in table.rows}
    }
    assert counts == {
        "X": 384,
        "D": 92,
        "U": 54,
        "Z": 42,
        "X/D": 22,
        "X/Z": 11,
        "X/Z/D": 8,
        "Z/D": 6,
        "X/Z/U*": 2,
    }


def test_a_table_that_was_edited_is_refused() -> None:
    text = TABLE_FILE.read_text("utf-8")

    with pytest.raises(ConfigurationError):
        parse_table(text.replace("Patient ID,Y,Z/D", "Patient ID,Y,K"))


def test_another_edition_is_refused() -> None:
    text = TABLE_FILE.read_text("utf-8")

    with pytest.raises(ConfigurationError):
        parse_table(text.replace("# edition: 2024e", "# edition: 2017c"))


@pytest.mark.shared
@needs_source
def test_every_row_says_what_the_standard_says() -> None:
    keys = {
        Option.RETAIN_SAFE_PRIVATE: "rtnSafePrivOpt",
        Option.RETAIN_UIDS: "rtnUIDsOpt",
        Option.RETAIN_DEVICE_IDENTITY: "rtnDevIdOpt",
        Option.RETAIN_INSTITUTION_IDENTITY: "rtnInstIdOpt",
        Option.RETAIN_PATIENT_CHARACTERISTICS: "rtnPatCharsOpt",
        Option.RETAIN_LONGITUDINAL_FULL_DATES: "rtnLongFullDatesOpt",
        Option.RETAIN_LONGITUDINAL_MODIFIED_DATES: "rtnLongModifDatesOpt",
        Option.CLEAN_DESCRIPTORS: "cleanDescOpt",
        Option.CLEAN_STRUCTURED_CONTENT: "cleanStructContOpt",
        Option.CLEAN_GRAPHICS: "cleanGraphOpt",
    }
    source = json.loads(SOURCE_FILE.read_bytes())

    expected = {
        (
            " ".join(row["name"].split()),
            row["stdCompIOD"] == "Y",
            row["basicProfile"],
            frozenset((option, row[key]) for option, key in keys.items() if row.get(key)),
        )
        for row in source
    }

    assert {_facts(row) for row in load_table().rows} == expected
    tags = {row["tag"].strip("()").lower() for row in source if "WHERE" not in row["tag"]}
    assert {row.pattern for row in load_table().rows} == tags | {"odd,xxxx"}


@pytest.mark.shared
@needs_source
def test_the_script_writes_the_table_that_ships() -> None:
    import runpy

    script = runpy.run_path(str(ROOT / "scripts/make_profile_table.py"))

    assert script["table_text"](SOURCE_FILE.read_bytes()) == TABLE_FILE.read_text("utf-8")


def _facts(row: ProfileRow) -> tuple[str, bool, str, frozenset[tuple[Option, str]]]:
    return row.name, row.in_standard_iod, row.basic_profile, frozenset(row.options)
