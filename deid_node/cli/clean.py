"""``deid-node clean``: the same corridor, offline, from files to files."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, assert_never

from rich.console import Console
from rich.progress import Progress

from deid_node.assembly import corridor_factory
from deid_node.checks import keys_of, options_of
from deid_node.cli.arguments import Commands, add_config, add_report
from deid_node.cli.batch import Batch, Item
from deid_node.cli.inputs import files_below, report_to
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.errors import InputError
from deid_node.metadata.apply.keys import new_key
from deid_node.values.outcome import Cleaned, Discarded, Repeated, Withheld


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("clean", help="clean files, without a network")
    parser.add_argument("input", type=Path, metavar="INPUT", help="a file or a folder")
    parser.add_argument(
        "output", type=Path, metavar="OUTPUT", help="folder for <Study>/<Series>/<SOP UID>.dcm"
    )
    add_config(parser, required=False)
    add_report(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Clean every file; status 3 when one was withheld."""
    paths = files_below(arguments.input)
    config, keys = _configuration(arguments.config)
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{arguments.output} cannot be written: {error.strerror}") from None
    batch = Batch(
        paths,
        arguments.output,
        factory=corridor_factory(config, keys=keys, offline=True),
        engine=config.work.engine,
    )
    counts: Counter[tuple[str, str | None, str | None]] = Counter()
    terminal = Console(stderr=True)
    progress = Progress(console=terminal) if terminal.is_terminal else nullcontext()
    with report_to(arguments.report) as report, progress as bar:
        task = bar.add_task("clean", total=len(paths)) if bar is not None else None
        for item in batch.results():
            line = report_line(item)
            report(json.dumps(line))
            counts[line["outcome"], line["code"], line["reason"]] += 1
            if bar is not None and task is not None:
                bar.advance(task)
    sys.stdout.write(summary(counts))
    is_whole = all(outcome != "withheld" for outcome, _, _ in counts)
    return ExitStatus.DONE if is_whole else ExitStatus.SOME_WITHHELD


def summary(counts: Counter[tuple[str, str | None, str | None]]) -> str:
    """Return how many inputs ended how, and for each code of those withheld the reasons.

    `counts` has outcome, code and reason of each input. A reason names an attribute and a
    fact, never a value.
    """
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for (outcome, code, _), count in counts.items():
        outcomes[outcome] += count
        codes[code or ""] += count if outcome == "withheld" else 0
    lines = [", ".join(f"{outcomes[one]} {one}" for one in ("clean", "discarded", "withheld"))]
    for code, total in sorted((+codes).items()):
        lines.append(f"  withheld as {code}: {total}")
        reasons = [(reason, count) for (_, of, reason), count in counts.items() if of == code]
        lines += [f"    {reason}: {count}" for reason, count in sorted(reasons, key=_most_first)]
    return "\n".join(lines) + "\n"


def _most_first(reason: tuple[str | None, int]) -> tuple[int, str]:
    return -reason[1], reason[0] or ""


def _configuration(path: Path | None) -> tuple[Config, Sequence[bytes]]:
    if path is not None:
        config = load(path)
        keys = tuple(keys_of(config).values())
    else:
        config = Config()
        keys = (new_key(),) * len(config.treatments)
        sys.stderr.write(
            "deid-node: no configuration: the defaults hold, and a one-time key was made; it is "
            "forgotten at the end, so another run gives other pseudonyms\n"
        )
    for name, treatment in config.treatments.items():
        options_of(treatment, config.metadata, name=name)
    return config, keys


def report_line(item: Item) -> dict[str, Any]:
    """Return the object of contract section 2 for one input."""
    line: dict[str, Any] = {
        "input": str(item.path),
        "outcome": "clean",
        "output": None,
        "provenance": None,
        "code": None,
        "reason": None,
        "rule": None,
        "frames": 0,
        "pixels_changed": False,
        "regions": [],
        "kept": [],
        "seconds": round(item.seconds, 4),
        "transfer_syntax_in": None,
        "transfer_syntax_out": None,
    }
    match item.outcome:
        case Cleaned(clean):
            report = clean.report
            line |= {
                "output": str(item.output),
                "provenance": None if item.companion is None else str(item.companion),
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
            assert_never(item.outcome)
    return line
