# ruff: noqa: INP001  # a script, not a package
"""Write the compact table of PS3.15 Table E.3.10-1 (safe private attributes).

Usage: ``python scripts/make_safe_private_table.py [SOURCE_JSON] [OUTPUT_CSV]``

The source is a list of the table's rows as JSON (`tag`, `privateCreator`, `vr`,
`vm`, `meaning`). Only its facts are taken over, sorted by creator, group and
element. The header of the output names the edition, the source and the SHA-256
of both the source and the rows; `deid_node` refuses a table whose rows do not
match their checksum.
"""

import argparse
import csv
import hashlib
import io
import json
import re
from pathlib import Path

EDITION = "2017c"
SOURCE = "DICOM PS3.15 Table E.3.10-1"
ROOT = Path(__file__).resolve().parents[1]
DEFAULT_SOURCE = ROOT.parent / "shared/data/standard/safe_private_attributes.json"
DEFAULT_OUTPUT = ROOT / "deid_node/metadata/data/safe_private.csv"
COLUMNS = ("creator", "group", "element", "vr", "vm", "meaning")


def row_cells(row: dict[str, str]) -> list[str]:
    """Return the cells of one row of our table; `element` has the two digits after the block."""
    match = re.fullmatch(r"\(([0-9A-F]{4}),XX([0-9A-F]{2})\)", row["tag"].upper())
    if match is None:
        raise SystemExit(f"not a private tag: {row['tag']}")
    meaning = " ".join(row["meaning"].split())
    return [
        row["privateCreator"].strip(),
        match[1].lower(),
        match[2].lower(),
        row["vr"],
        row["vm"],
        meaning,
    ]


def main() -> None:
    """Read the source, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", nargs="?", type=Path, default=DEFAULT_SOURCE)
    parser.add_argument("output", nargs="?", type=Path, default=DEFAULT_OUTPUT)
    arguments = parser.parse_args()
    source = arguments.source.read_bytes()
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(row_cells(row) for row in json.loads(source)))
    text = body.getvalue()
    header = (
        f"# edition: {EDITION}\n"
        f"# source: {SOURCE}\n"
        f"# source_sha256: {hashlib.sha256(source).hexdigest()}\n"
        f"# sha256: {hashlib.sha256(text.encode()).hexdigest()}\n"
    )
    arguments.output.write_text(header + text, "utf-8")


if __name__ == "__main__":
    main()
