"""A report of `alarms.sounded` as Markdown: the same on the screen and in the documents."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deid_node_lab.evaluation.tables import share, table

Report = Mapping[str, Any]

_HEAD = (
    "Modality", "Anatomy", "Kind of object", "instances (sources)", "touched", "withheld", "harmed",
    "area filled",
)  # fmt: skip


def alarm_page(report: Report) -> str:
    """Return the table of one run, the sums at its head."""
    rows = [_row("**all**", "", "", report["all"])]
    rows += [_row(f"**{name}**", "", "", told) for name, told in report["parts"].items()]
    rows += [
        _row(group["modality"], group["anatomy"], group["kind"], group)
        for group in report["groups"]
    ]
    return table(_HEAD, rows) + "".join(_unasked(report))


def compared(runs: Sequence[Report]) -> str:
    """Return the sums of several runs under each other, a line for each part of a run."""
    rows = [
        (f"`{run['finder']}`", name, *_row("", "", "", told)[3:])
        for name in ("all", *runs[-1]["parts"])
        for run in runs
        if (told := run["all"] if name == "all" else run["parts"].get(name)) is not None
    ]
    return table(("Finder", "Images", *_HEAD[3:]), rows)


def _row(modality: str, anatomy: str, kind: str, told: Report) -> Sequence[object]:
    held = ", ".join(f"{code} {count}" for code, count in told["withheld"].items()) or "0"
    return (
        modality,
        anatomy,
        kind,
        f"{told['instances']} ({told['sources']})",
        told["touched"],
        held,
        share(told["harmed"], counted=True),
        share(told["filled_area"], percent=True),
    )


def _unasked(report: Report) -> Iterator[str]:
    if report["not_asked"]:
        codes = ", ".join(f"{code}: {count}" for code, count in report["not_asked"].items())
        yield f"\nNot cleaned for a reason that is no text, so not asked: {codes}.\n"
