"""One input's line of the report: what became of it, without a value of the patient.

Paths of results in it count from the output; whoever writes the report makes them whole.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, assert_never

from deid_node.values.instance import CleanInstance
from deid_node.values.outcome import Cleaned, Discarded, Ending, Repeated, Withheld


def report_line(
    path: str,
    outcome: Ending,
    *,
    seconds: float,
    output: str | None = None,
    companion: str | None = None,
) -> dict[str, Any]:
    """Return the object of the report for the input at `path`.

    `output` and `companion` are where its clean file lies and the Segmentation beside it.
    """
    line: dict[str, Any] = {
        "input": path,
        "outcome": "clean",
        "output": output,
        "provenance": companion,
        "code": None,
        "reason": None,
        "rule": None,
        "frames": 0,
        "pixels_changed": False,
        "regions": [],
        "kept": [],
        "seconds": round(seconds, 4),
        "transfer_syntax_in": None,
        "transfer_syntax_out": None,
    }
    match outcome:
        case Cleaned(clean):
            line |= _of_clean(clean)
        case Withheld(code, reason, rule, doubted):
            line |= {
                "outcome": "withheld",
                "code": code,
                "reason": reason,
                "rule": rule,
                "regions": [
                    {
                        "frame": region.frame,
                        **asdict(region.box),
                        "score": round(region.score, 4),
                        "fill": None,
                    }
                    for region in doubted
                ],
            }
        case Discarded(rule):
            line |= {"outcome": "discarded", "rule": rule}
        case Repeated():
            line |= {"outcome": "discarded"}
        case _:
            assert_never(outcome)
    return line


def withheld_instead(line: Mapping[str, Any], outcome: Withheld) -> dict[str, Any]:
    """Return the line of an input that was cleaned and cannot be put where it belongs."""
    return report_line(str(line["input"]), outcome, seconds=float(line["seconds"]))


def _of_clean(clean: CleanInstance) -> dict[str, Any]:
    report = clean.report
    return {
        "rule": clean.rule,
        "frames": report.frames,
        "pixels_changed": report.pixels_changed,
        "regions": [
            {
                "frame": region.frame,
                **asdict(region.box),
                "score": round(region.score, 4),
                "fill": region.fill,
            }
            for region in report.regions
        ],
        "kept": [
            {"frame": kept.frame, **asdict(kept.box), "score": round(kept.score, 4)}
            for kept in report.kept
        ],
        "transfer_syntax_in": report.transfer_syntax_in,
        "transfer_syntax_out": report.transfer_syntax_out,
    }
