# ruff: noqa: INP001  # a script, not a package
"""The tables and the picture of docs/evaluation.md, from figures that are kept beside them.

Five files are read: ``docs/evaluation.json``, ``docs/alarms.json`` and
``docs/restoration.json`` (`evaluate_all.py`), the figures of the finder that ships, and
those of the stress set. None of them needs the shared data.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "evaluation.md"
CURVE: Final = ROOT / "docs" / "images" / "calibration.svg"
FIGURES: Final = ROOT / "docs" / "evaluation.json"
ALARMS: Final = ROOT / "docs" / "alarms.json"
RESTORATION: Final = ROOT / "docs" / "restoration.json"
FINDER: Final = ROOT / "deid_node" / "weights" / "finder.json"
STRESS: Final = ROOT / "tests" / "bench" / "stress.json"

_BEGIN: Final = "<!-- begin: {}, written by make docs -->\n"
_END: Final = "<!-- end: {} -->\n"
_SETS: Final = {
    "screens": "Real screens",
    "rendered": "Small text on held-out pictures",
    "text_free": "Held-out pictures without text",
    "rendered_all": "Small text on all held-out pictures, our finder alone",
    "text_free_all": "All held-out pictures without text, our finder alone",
}


def evaluation() -> str:
    """Return the page with its tables as the kept figures say."""
    from deid_node_lab.evaluation.restoration.tables import page

    content = _filled(PAGE.read_text(encoding="utf-8"), "figures", "\n".join(_blocks()))
    return _filled(content, "fills", page(_read(RESTORATION), level=3))


def _filled(content: str, name: str, tables: str) -> str:
    begin, end = _BEGIN.format(name), _END.format(name)
    before, _, rest = content.partition(begin)
    _, _, after = rest.partition(end)
    return before + begin + "\n" + tables + "\n" + end + after


def calibration() -> str:
    """Return the curve of recall over unneeded area as SVG."""
    from deid_node_lab.evaluation.curve import curve

    return curve(_read(FINDER))


def _blocks() -> Iterator[str]:
    from deid_node_lab.evaluation.alarm_tables import alarm_page, compared
    from deid_node_lab.evaluation.curve import thresholds
    from deid_node_lab.evaluation.stress_table import stress_table
    from deid_node_lab.evaluation.tables import page

    report = _read(FIGURES)
    finder = _read(FINDER)
    stale = finder["sha256"][:8] not in report["finder"]
    yield f"Finder of these figures: `{report['finder']}`" + (
        f"; the one that ships now is `crnn-{finder['sha256'][:8]}`.\n" if stale else ".\n"
    )
    for why in report["left_out"]:
        yield f"Left out of the run: {why}.\n"
    for name, said in _SETS.items():
        if name in report["sets"]:
            yield f"### {said}\n"
            yield page(report["sets"][name], level=3)
    runs = _read(ALARMS)["runs"] if ALARMS.is_file() else []
    if runs:
        yield "### False alarms\n"
        yield compared(runs)
        yield f"By anatomy and kind of object, with `{runs[-1]['finder']}`:\n"
        yield alarm_page(runs[-1])
    yield "### Threshold\n"
    yield "![Recall over unneeded area](images/calibration.svg)\n"
    yield thresholds(finder)
    yield "### Stress set\n"
    yield stress_table(_read(STRESS))


def _read(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
