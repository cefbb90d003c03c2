"""Table E.3.10-1 of PS3.15 as data: private attributes that name nobody.

The file is generated (``scripts/make_safe_private_table.py``) and carries a
checksum of its rows. Not every row is carried out: `kept_rows` leaves out what
nobody can look into, see docs/decisions/metadata-kept-values.md.
"""

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from deid_node.errors import ConfigurationError
from deid_node.metadata.plan.options import SafePrivateOptions
from deid_node.metadata.plan.policy import BULK_VRS

EDITION: Final = "2026d"
"""The edition of PS3.15 whose Table E.3.10-1 ships with this version."""

BY_SITE: Final = "metadata.safe_private"

# Points in time on a clock of the device: they may tell the day.
_MOMENTS = frozenset({("0149", "02"), ("0149", "03")})


@dataclass(frozen=True, slots=True)
class SafeRow:
    """One private attribute; `element` counts inside the block that its creator reserved."""

    creator: str
    group: int
    element: int
    vr: str


def load_safe_private() -> Mapping[tuple[str, int, int], SafeRow]:
    """Return the rows that are carried out, by ``(creator, group, element)``.

    Raises
    ------
    ConfigurationError
        The file was changed after it was generated.

    Source
    ------
    PS3.15 Table E.3.10-1 (Safe Private Attributes).
    """
    text = (files("deid_node.metadata") / "data/safe_private.csv").read_text("utf-8")
    return kept_rows(text)


def with_own(
    rows: Mapping[tuple[str, int, int], SafeRow], own: Iterable[SafePrivateOptions]
) -> Mapping[tuple[str, int, int], SafeRow]:
    """Return `rows` and those that the site names; where both name one, the site's holds.

    Raises
    ------
    ConfigurationError
        The site names one twice.

    Source
    ------
    PS3.15 E.3.10: attributes that the de-identifier knows to be safe may be retained
    beside those of the table.
    """
    mine: dict[tuple[str, int, int], SafeRow] = {}
    for number, one in enumerate(own):
        key = (one.creator, one.group, one.element)
        if key in mine:
            raise ConfigurationError(
                f"{BY_SITE}[{number}].attribute", "stands in a row before under this creator"
            )
        mine[key] = SafeRow(*key, one.vr)
    return MappingProxyType({**rows, **mine})


def kept_rows(text: str) -> Mapping[tuple[str, int, int], SafeRow]:
    """Return the rows of the table written in `text` that have a VR that can be judged.

    Left out: rows without a VR, bytes (volumes and states of programs, which may
    show or say anything), and times of a clock. Raises `ConfigurationError` where
    the rows do not match the checksum in the header.
    """
    lines = text.splitlines(keepends=True)
    header = [line for line in lines if line.startswith("# ")]
    facts = dict(line[2:].strip().split(": ", 1) for line in header)
    body = "".join(lines[len(header) :])
    if hashlib.sha256(body.encode()).hexdigest() != facts.get("sha256"):
        raise ConfigurationError("", "the shipped table of PS3.15 E.3.10-1 does not match its sum")
    rows = [
        SafeRow(cells["creator"], int(cells["group"], 16), int(cells["element"], 16), cells["vr"])
        for cells in csv.DictReader(body.splitlines())
        if cells["vr"] and BULK_VRS.isdisjoint(cells["vr"].split("/"))
        if (cells["group"], cells["element"]) not in _MOMENTS
    ]
    return MappingProxyType({(row.creator, row.group, row.element): row for row in rows})
