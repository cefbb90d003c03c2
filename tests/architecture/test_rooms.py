"""The pages that show the house show the house that stands."""

import re
import tomllib

from deid_node.values.state import DeliveryState
from tests.architecture.source import PACKAGE, ROOT, modules

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
JOURNEY = (ROOT / "docs" / "journey.md").read_text("utf-8")


def test_the_floors_that_contributing_shows_are_those_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (floors,) = (
        one["layers"] for one in contracts["contracts"] if one.get("containers") == ["deid_node"]
    )

    assert "\n".join(("```", *floors, "```")) in CONTRIBUTING


def test_every_folder_of_tests_is_told_of() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/*.py")}
    folders |= {"unit", "lab"}

    told = set(re.findall(r"`tests/(\w+)`", CONTRIBUTING.partition("## Tests")[2]))

    assert told == folders


def test_the_files_that_the_journey_names_are_there() -> None:
    """The second and further files of a cell stand in the room of the first, or below it."""
    missing = []
    for row in re.findall(r"^\| \d+ \| .*$", JOURNEY, re.MULTILINE):
        where = re.findall(r"`([\w/]+(?:\.py|/))`", row.split("|")[3])
        room = where[0].partition("/")[0] if "/" in where[0] else ""
        missing += [
            f"{row.split('|')[1].strip()}: {name}"
            for name in where
            if not (PACKAGE / name).exists() and not (PACKAGE / room / name).exists()
        ]

    assert not missing


def test_the_journey_names_every_table_of_the_journal_and_every_state_of_a_delivery() -> None:
    made = {
        table
        for module in modules()
        if module.name.startswith("spool/")
        for table in re.findall(r"CREATE TABLE (\w+)", module.text)
    }
    # A table that a step makes anew takes the name of the old one.
    made -= {"renewed"}

    assert {"instances", "deliveries"} < made
    assert not {one for one in (*made, *DeliveryState) if f"`{one}`" not in JOURNEY}
