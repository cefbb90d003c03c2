"""A report of fills as Markdown and as CSV: the same on the screen and in the documents."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from deid_node_lab.evaluation.research.tables import research_tables
from deid_node_lab.evaluation.restoration.arms import ORIGINAL
from deid_node_lab.evaluation.restoration.cells import cell, value
from deid_node_lab.evaluation.restoration.goals import goals_of
from deid_node_lab.evaluation.restoration.holes import BACKGROUNDS
from deid_node_lab.evaluation.tables import table

Report = Mapping[str, Any]

PAPER: Final = (
    ("paper, diffusion", "912", "18.5", "-"),
    ("paper, Telea", "-", "-", "0.96"),
)
"""arXiv 2604.11376: other images, and its regions are not said to be ours."""

_MANY: Final = "{:.1f}"
_FINE: Final = "{:.3f}"
_GROUND: Final = "ground "
_MODALITY: Final = "modality "
_COLUMNS: Final = (
    ("MSE", "mse", _MANY), ("PSNR (dB)", "psnr", "{:.2f}"), ("SSIM", "ssim", _FINE),
    ("ring SSIM", "ring_ssim", _FINE), ("feature distance", "feature_distance", "{:.4f}"),
    ("local deviation, of truth's", "deviation", _FINE),
    ("dB above Telea", "gain", "{:+.2f}"), ("SSIM above Telea", "ssim_gain", "{:+.3f}"),
)  # fmt: skip
_CSV: Final = (
    "mse", "psnr", "ssim", "ring_mse", "ring_ssim", "whole_mse", "whole_psnr", "whole_ssim",
    "feature_distance", "deviation", "gain", "ssim_gain",
)  # fmt: skip


def page(report: Report, *, level: int = 2) -> str:
    """Return all tables, headings at `level`."""
    mark = "#" * level
    blocks = [
        _told(report),
        f"{mark} The table of the paper\n",
        _paper(report),
        f"{mark} Goals\n",
        _goals(report),
    ]
    for background in BACKGROUNDS:
        blocks += [f"{mark} In the mask, over {background}\n", _group(report, background)]
    blocks += [
        f"{mark} More than 8 bits\n", _group(report, "deep"),
        f"{mark} By ground: dB above Telea\n", _gains(report, _GROUND),
        f"{mark} By modality: dB above Telea\n", _gains(report, _MODALITY),
        f"{mark} How real it looks, over anatomy\n", _realism(report),
        f"{mark} Tasks\n", *_tasks(report),
        f"{mark} Legibility\n", *_legibility(report),
        *_curve(report, mark),
        *_stacks(report, mark),
        *research_tables(report, mark),
    ]  # fmt: skip
    return "\n".join(blocks)


def as_csv(report: Report) -> str:
    """Return the figures of every arm and group, a line each, intervals in columns of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    ends = [end for key in _CSV for end in (key, f"{key}_low", f"{key}_high")]
    writer.writerow(["arm", "group", "holes", *ends])
    for arm in report["arms"]:
        for group, figures in arm["by"].items():
            cells: list[object] = []
            for key in _CSV:
                figure = figures.get(key)
                cells += (
                    [figure[end] for end in ("value", "low", "high")]
                    if isinstance(figure, Mapping)
                    else [figure, None, None]
                )
            writer.writerow([arm["name"], group, figures["holes"], *cells])
    return out.getvalue()


def curve_csv(report: Report) -> str:
    """Return quality over denoising steps; the head alone where no model was at hand."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = ("mse", "ssim", "deviation")
    writer.writerow(["steps", "seconds", "psnr", *keys])
    for row in report["curve"]:
        writer.writerow(
            [row["steps"], row["seconds"], row["psnr"], *(row[key]["value"] for key in keys)]
        )
    return out.getvalue()


def _told(report: Report) -> str:
    there = report["population"]
    kinds = ", ".join(f"{name} {count}" for name, count in there["by_modality"].items())
    grounds = ", ".join(f"{name} {count}" for name, count in there["by_background"].items())
    counted = f"{there['holes']} holes of {there['sources']} patients or sources"
    lines = [f"{counted}: {kinds}; {grounds}; {there['deep']} of more than 8 bits."]
    lines.append(f"Seed {report['seed']}; model: {_model(report.get('model'))}.")
    lines += [f"Left out: {why}." for why in report["left_out"]]
    return "\n".join(lines) + "\n"


def _model(name: str | None) -> str:
    return f"`{name}`" if name else "none"


def _paper(report: Report) -> str:
    head = (
        "Arm", "MSE", "PSNR (dB)", "SSIM", "whole image: MSE", "PSNR (dB)", "SSIM",
        "seconds a hole (noisy)",
    )  # fmt: skip
    rows: list[Sequence[object]] = []
    for arm in report["arms"]:
        at = arm["by"]["all"]
        cells = [cell(at[key], spec) for key, spec in (("mse", _MANY), ("psnr", "{:.2f}"))]
        cells.append(cell(at["ssim"], _FINE))
        cells += [value(at[key], spec) for key, spec in (("whole_mse", "{:.2f}"),)]
        cells += [value(at["whole_psnr"], "{:.2f}"), value(at["whole_ssim"], "{:.4f}")]
        rows.append((arm["name"], *cells, arm["seconds"]))
    rows += [(*line, "-", "-", "-", "-") for line in PAPER]
    return table(head, rows)


def _goals(report: Report) -> str:
    rows = [(one.asked, one.arm, one.measured, one.verdict) for one in goals_of(report)]
    return table(("Asked", "of", "Measured", ""), rows)


def _group(report: Report, group: str) -> str:
    holes = max((arm["by"].get(group, {"holes": 0})["holes"] for arm in report["arms"]), default=0)
    rows = [
        (arm["name"], *(cell(arm["by"][group][key], spec) for _, key, spec in _COLUMNS))
        for arm in report["arms"]
        if group in arm["by"]
    ]
    return table((f"{holes} holes", *(said for said, _, _ in _COLUMNS)), rows)


def _gains(report: Report, kind: str) -> str:
    arms = [arm for arm in report["arms"] if arm["name"] != ORIGINAL]
    names = sorted({group for arm in arms for group in arm["by"] if group.startswith(kind)})
    rows = []
    for name in names:
        holes = max(arm["by"][name]["holes"] for arm in arms)
        cells = (cell(arm["by"][name]["gain"], "{:+.2f}") for arm in arms)
        rows.append((f"{name.removeprefix(kind)} ({holes})", *cells))
    return table(("Holes", *(arm["name"] for arm in arms)), rows)


def _realism(report: Report) -> str:
    realism = report["realism"]
    rows = [
        (
            name,
            f"{one['frechet']:.4g}",
            cell(one["area"], _FINE),
            cell(one["area_above_telea"], "{:+.3f}"),
        )
        for name, one in realism["arms"].items()
    ]
    head = (f"{realism['boxes']} boxes", "Frechet distance", "told from untouched: AUC",
            "AUC above Telea's")  # fmt: skip
    return table(head, rows)


def _tasks(report: Report) -> Iterator[str]:
    named, outlined = report["tasks"]["modality"], report["tasks"]["structures"]
    yield table(
        (
            f"Naming the modality, {named['patches']} patches",
            "accuracy",
            "macro F1",
            "change of F1",
        ),
        [
            (
                name,
                cell(one["accuracy"], _FINE),
                cell(one["f1"], _FINE),
                cell(one["f1_change"], "{:+.4f}"),
            )
            for name, one in named["arms"].items()
        ],
    )
    modalities = sorted({key for one in outlined["arms"].values() for key in one["by"]})
    yield table(
        (
            f"Outlining structures, {outlined['patches']} patches", "Dice in the mask",
            "change of Dice", "Dice in the whole patch", "change of Dice",
            *(f"change in the mask, {name}" for name in modalities),
        ),
        [
            (
                name,
                cell(one["dice"], _FINE),
                cell(one["change"], "{:+.4f}"),
                cell(one["patch"]["dice"], _FINE),
                cell(one["patch"]["change"], "{:+.4f}"),
                *(value(one["by"][key]["change"], "{:+.4f}") for key in modalities),
            )
            for name, one in outlined["arms"].items()
        ],
    )  # fmt: skip


def _stacks(report: Report, mark: str) -> Iterator[str]:
    """Yield what text on volumes costs; nothing where no volume was measured."""
    stacks = report.get("stacks") or {"layouts": {}}
    if not stacks["layouts"]:
        return
    kinds = ", ".join(f"{name} {count}" for name, count in stacks["by_modality"].items())
    yield f"{mark} Volumes\n"
    yield (
        f"{stacks['volumes']} volumes of {stacks['sources']} patients or sources: {kinds}; "
        f"one line over anatomy, at one place.\nModel: {_model(stacks.get('model'))}.\n"
    )
    yield table(
        ("Text on", "Arm", "MSE", "dB above Telea", "flicker, of the truth's",
         "local deviation, of truth's"),
        [
            (
                layout, arm, one["mse"], cell(one["gain"], "{:+.2f}"),
                cell(one["flicker"], "{:.2f}"), cell(one["deviation"], "{:.2f}"),
            )
            for layout, arms in stacks["layouts"].items()
            for arm, one in arms.items()
        ],
    )  # fmt: skip


def _legibility(report: Report) -> Iterator[str]:
    read = report["legibility"]
    readers = sorted({name for one in read["arms"].values() for name in one["readers"]})
    rows = []
    for arm, one in read["arms"].items():
        cells = []
        for name in readers:
            figures = one["readers"].get(name)
            cells += (
                [value(figures["own"], _FINE), value(figures["chance"], _FINE),
                 cell(figures["excess"], "{:+.3f}")]
                if figures
                else ["-"] * 3
            )  # fmt: skip
        rows.append((arm, one["pairs"], *cells, f"{one['same_bytes']:.0%}"))
    heads = [cell for name in readers for cell in (f"{name}: own text", "other text", "excess")]
    yield table(("Arm", "pairs", *heads, "fills alike to the bit"), rows)


def _curve(report: Report, mark: str) -> Iterator[str]:
    if not report["curve"]:
        return
    yield f"{mark} Steps\n"
    rows = [
        (
            row["steps"], value(row["psnr"], "{:.2f}"), cell(row["ssim"], _FINE),
            cell(row["deviation"], _FINE), row["seconds"],
        )
        for row in report["curve"]
    ]  # fmt: skip
    yield table(
        ("Steps", "PSNR (dB)", "SSIM", "local deviation, of truth's", "seconds a hole (noisy)"),
        rows,
    )
