# ruff: noqa: INP001  # a script, not a package
"""Write the compact table of PS3.15 Table E.3.10-1 (safe private attributes).

Usage: ``python scripts/make_safe_private_table.py SOURCE_JSON [OUTPUT_CSV]``

The source is a list of the table's rows as JSON (`tag`, `private_creator`, `vr`,
`vm`, `meaning`), or a document that has it under `rows`, as published by PyMedPhys
(``lib/pymedphys/_dicom/deidentify/_standard/e3_10_1.json``). Only its facts are
taken over, sorted by creator, group and element. The header of the output names
the edition, the source and the SHA-256 of both the source's rows, in canonical
JSON, and our own; `deid_node` refuses a table whose rows do not match their
checksum.
"""

import argparse
import csv
import hashlib
import io
import json
import re
from pathlib import Path

EDITION = "2026d"
SOURCE = "DICOM PS3.15 Table E.3.10-1, from pymedphys/pymedphys 985a1bd9 (Apache-2.0)"
ROOT = Path(__file__).resolve().parents[1]
DEFAULT_OUTPUT = ROOT / "deid_node/metadata/data/safe_private.csv"
COLUMNS = ("creator", "group", "element", "vr", "vm", "meaning")


def row_cells(row: dict[str, str]) -> list[str]:
    """Return the cells of one row of our table; `element` has the two digits after the block."""
    match = re.fullmatch(r"\(([0-9A-F]{4}),XX([0-9A-F]{2})\)", row["tag"].upper())
    if match is None:
        raise SystemExit(f"not a private tag: {row['tag']}")
    meaning = " ".join(row["meaning"].split())
    return [
        row["private_creator"].strip(),
        match[1].lower(),
        match[2].lower(),
        row["vr"],
        row["vm"],
        meaning,
    ]


def main() -> None:
    """Read the source, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("output", nargs="?", type=Path, default=DEFAULT_OUTPUT)
    arguments = parser.parse_args()
    document = json.loads(arguments.source.read_text("utf-8"))
    rows = document["rows"] if isinstance(document, dict) else document
    source = json.dumps(rows, separators=(",", ":"), sort_keys=True).encode()
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(row_cells(row) for row in rows))
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
