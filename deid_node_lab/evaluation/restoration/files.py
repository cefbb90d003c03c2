"""What a measurement leaves in its folder."""

import json
from pathlib import Path
from typing import Final

from deid_node.errors import InputError
from deid_node.pixeldata.picture import png_of
from deid_node_lab.evaluation.restoration.run import Outcome
from deid_node_lab.evaluation.restoration.tables import as_csv, curve_csv, page

REPORT: Final = "restoration.json"
TABLES: Final = "restoration.md"
FIGURES: Final = "restoration.csv"
CURVE: Final = "steps.csv"
SHEET: Final = "sheet.png"


def write(outcome: Outcome, folder: Path) -> None:
    """Write report, tables, figures, curve and picture below `folder`, which is there.

    The picture shows what the data shows: where that may not go, it may not either.
    """
    report = outcome.report
    try:
        (folder / REPORT).write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        (folder / TABLES).write_text(page(report), "utf-8")
        (folder / FIGURES).write_text(as_csv(report), "utf-8")
        (folder / CURVE).write_text(curve_csv(report), "utf-8")
        (folder / SHEET).write_bytes(png_of(outcome.sheet))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from None
