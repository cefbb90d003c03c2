# ruff: noqa: INP001  # a script, not a package
"""Write the compact table of PS3.15 Table E.1-1 that the package ships.

Usage: ``python scripts/make_profile_table.py [SOURCE_JSON] [OUTPUT_CSV]``

The source is a list of the table's rows as JSON (one object a row with `name`,
`tag`, `basicProfile` and a key for each option). Only its facts are taken over,
in columns of our own, sorted by tag. The header of the output names the edition,
the source and the SHA-256 of both the source and the rows; `deid_node` refuses
a table whose rows do not match their checksum.
"""

import argparse
import csv
import hashlib
import io
import json
import re
import sys
from pathlib import Path

from pydicom.datadict import dictionary_keyword, dictionary_VR

EDITION = "2024e"
SOURCE = "DICOM PS3.15 Table E.1-1, from innolitics/dicom-standard 7f4749d0 (MIT)"
ROOT = Path(__file__).resolve().parents[1]
DEFAULT_SOURCE = ROOT.parent / "shared/data/standard/confidentiality_profile_attributes.json"
DEFAULT_OUTPUT = ROOT / "deid_node/metadata/data/confidentiality_profile.csv"

# Our column for each option, in the order of the table, and the key of the source.
OPTION_KEYS = {
    "retain_safe_private": "rtnSafePrivOpt",
    "retain_uids": "rtnUIDsOpt",
    "retain_device_identity": "rtnDevIdOpt",
    "retain_institution_identity": "rtnInstIdOpt",
    "retain_patient_characteristics": "rtnPatCharsOpt",
    "retain_longitudinal_full_dates": "rtnLongFullDatesOpt",
    "retain_longitudinal_modified_dates": "rtnLongModifDatesOpt",
    "clean_descriptors": "cleanDescOpt",
    "clean_structured_content": "cleanStructContOpt",
    "clean_graphics": "cleanGraphOpt",
}
COLUMNS = ("tag", "keyword", "vr", "name", "in_standard_iod", "basic_profile", *OPTION_KEYS)


def tag_pattern(source_tag: str) -> str:
    """Return ``gggg,eeee`` in lower case; x stands for any digit, ``odd,xxxx`` for private."""
    if "ODD" in source_tag.upper():
        return "odd,xxxx"
    match = re.fullmatch(r"\(([0-9A-FX]{4}),([0-9A-FX]{4})\)", source_tag.upper())
    if match is None:
        raise SystemExit(f"not a tag: {source_tag}")
    return f"{match[1]},{match[2]}".lower()


def row_cells(source_row: dict[str, str]) -> list[str]:
    """Return the cells of one row of our table."""
    pattern = tag_pattern(source_row["tag"])
    keyword = vr = ""
    if "x" not in pattern:
        tag = int(pattern.replace(",", ""), 16)
        keyword, vr = dictionary_keyword(tag), dictionary_VR(tag)
    return [
        pattern,
        keyword,
        vr,
        " ".join(source_row["name"].split()),
        source_row["stdCompIOD"],
        source_row["basicProfile"],
        *(source_row.get(key, "") for key in OPTION_KEYS.values()),
    ]


def table_text(source: bytes) -> str:
    """Return the whole CSV: four comment lines, the column names, the rows."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(row_cells(row) for row in json.loads(source)))
    body = rows.getvalue()
    return (
        f"# edition: {EDITION}\n"
        f"# source: {SOURCE}\n"
        f"# source_sha256: {hashlib.sha256(source).hexdigest()}\n"
        f"# sha256: {hashlib.sha256(body.encode()).hexdigest()}\n"
        f"{body}"
    )


def main(arguments: list[str]) -> int:
    """Write the table; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the table of PS3.15 E.1-1.")
    parser.add_argument("source", nargs="?", type=Path, default=DEFAULT_SOURCE)
    parser.add_argument("output", nargs="?", type=Path, default=DEFAULT_OUTPUT)
    chosen = parser.parse_args(arguments)
    chosen.output.write_text(table_text(chosen.source.read_bytes()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
