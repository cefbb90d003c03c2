"""Table E.1-1 of PS3.15 as data: what the standard says of each attribute.

The file is generated (``scripts/make_profile_table.py``) and carries a checksum
of its rows: an edit by hand is refused. What we decide where the table leaves a
choice, or says nothing, stands in `policy` and `plan`, never here.
"""

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from deid_node.errors import ConfigurationError
from deid_node.metadata.plan.options import Option

EDITION: Final = "2024e"
"""The edition of PS3.15 whose Table E.1-1 ships with this version."""

PRIVATE = "odd,xxxx"


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One row of Table E.1-1.

    `pattern` is ``gggg,eeee`` in lower case, x for any digit; ``odd,xxxx`` means
    private attributes. `basic_profile` is the action as printed (``X/Z/D``);
    `options` holds the action of each option that says something.
    """

    pattern: str
    keyword: str
    vr: str
    name: str
    in_standard_iod: bool
    basic_profile: str
    options: tuple[tuple[Option, str], ...]


@dataclass(frozen=True, slots=True)
class ProfileTable:
    """The table with its edition and the checksum of the source it was made from."""

    edition: str
    source: str
    source_sha256: str
    rows: tuple[ProfileRow, ...]


@cache
def load_table() -> ProfileTable:
    """Return the table that ships with the package.

    Raises
    ------
    ConfigurationError
        The file was changed after it was generated.

    Source
    ------
    PS3.15 Table E.1-1 (Application Level Confidentiality Profile Attributes).
    """
    text = (files("deid_node.metadata") / "data/confidentiality_profile.csv").read_text("utf-8")
    return parse_table(text)


def parse_table(text: str) -> ProfileTable:
    """Return the table written in `text`.

    Raises
    ------
    ConfigurationError
        The rows do not match the checksum in the header, or it is another edition.
    """
    lines = text.splitlines(keepends=True)
    header = [line for line in lines if line.startswith("# ")]
    facts = dict(line[2:].strip().split(": ", 1) for line in header)
    body = "".join(lines[len(header) :])
    if hashlib.sha256(body.encode()).hexdigest() != facts.get("sha256"):
        raise ConfigurationError("", "the shipped table of PS3.15 E.1-1 does not match its sum")
    if facts["edition"] != EDITION:
        raise ConfigurationError("", f"the shipped table of PS3.15 E.1-1 is not of {EDITION}")
    rows = tuple(_row(cells) for cells in csv.DictReader(body.splitlines()))
    return ProfileTable(facts["edition"], facts["source"], facts["source_sha256"], rows)


def _row(cells: dict[str, str]) -> ProfileRow:
    return ProfileRow(
        pattern=cells["tag"],
        keyword=cells["keyword"],
        vr=cells["vr"],
        name=cells["name"],
        in_standard_iod=cells["in_standard_iod"] == "Y",
        basic_profile=cells["basic_profile"],
        options=tuple((option, cells[option]) for option in Option if cells.get(option)),
    )
