"""The one table of the demo: what came in, what was found, what went out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydicom import Dataset
from pydicom.uid import UID
from rich.table import Table

from deid_node.demo.waiting import Ended
from deid_node.values.report import CleaningReport

_SHORT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.2.840.10008.1.2": "Implicit LE",
        "1.2.840.10008.1.2.1": "Explicit LE",
        "1.2.840.10008.1.2.1.99": "Deflated LE",
        "1.2.840.10008.1.2.2": "Explicit BE",
        "1.2.840.10008.1.2.4.50": "JPEG Baseline",
        "1.2.840.10008.1.2.4.51": "JPEG Extended",
        "1.2.840.10008.1.2.4.57": "JPEG Lossless",
        "1.2.840.10008.1.2.4.70": "JPEG Lossless",
        "1.2.840.10008.1.2.4.80": "JPEG-LS",
        "1.2.840.10008.1.2.4.81": "JPEG-LS near",
        "1.2.840.10008.1.2.4.90": "JPEG 2000 rev.",
        "1.2.840.10008.1.2.4.91": "JPEG 2000",
        "1.2.840.10008.1.2.5": "RLE",
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One sample: what a person calls it, what was sent, how it ended."""

    title: str
    original: Dataset
    ended: Ended


def table_of(rows: Sequence[Row]) -> Table:
    """Return the table, one line a sample."""
    table = Table(title="From the scanner to the research archive", title_justify="left")
    for heading in ("came in", "modality", "size", "frames", "syntax"):
        table.add_column(heading, justify="right" if heading == "frames" else "left")
    table.add_column("found", style="yellow")
    table.add_column("went out")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> tuple[str, ...]:
    original = row.original
    size = f"{original.Columns} x {original.Rows}" if "Rows" in original else "-"
    frames = str(original.get("NumberOfFrames", 1)) if "Rows" in original else "-"
    syntax = short_name(original.file_meta.TransferSyntaxUID)
    clean = row.ended.journey.clean
    if clean is None:
        return (row.title, _modality(original), size, frames, syntax, "-", _held_back(row.ended))
    return (
        row.title,
        _modality(original),
        size,
        frames,
        syntax,
        _found(clean.report),
        f"{short_name(clean.transfer_syntax)}, {_pixels(clean.report)}",
    )


def _modality(original: Dataset) -> str:
    return str(original.get("Modality", "-"))


def _found(report: CleaningReport) -> str:
    if not report.frames:
        return "no pixels"
    if not report.regions:
        return "no text"
    fills = Counter(region.fill for region in report.regions)
    how = ", ".join(f"{count} {fill}" for fill, count in sorted(fills.items()))
    return f"{len(report.regions)} regions ({how})"


def _pixels(report: CleaningReport) -> str:
    if not report.frames:
        return "header cleaned"
    return "pixels filled" if report.pixels_changed else "pixels as they came"


def _held_back(ended: Ended) -> str:
    journey = ended.journey
    return f"[red]{journey.state}[/red]: {journey.code} ({ended.reason})"


def short_name(transfer_syntax: str) -> str:
    """Return what people call a transfer syntax."""
    return _SHORT.get(str(transfer_syntax)) or UID(transfer_syntax).name
