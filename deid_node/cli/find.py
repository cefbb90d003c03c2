"""``deid-node find``: only look, change nothing."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deid_node.cli.arguments import Commands, add_report
from deid_node.cli.inputs import files_below, report_to
from deid_node.cli.status import ExitStatus
from deid_node.errors import CleaningError
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.scan import FrameChoice, look


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "find", help="look for text in DICOM, PNG or JPEG files, change nothing"
    )
    parser.add_argument("input", type=Path, metavar="INPUT", help="a file or a folder")
    parser.add_argument(
        "--frames", type=FrameChoice, choices=list(FrameChoice), default=FrameChoice.ALL
    )
    add_report(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what was found in each file; status 3 when one could not be looked into."""
    finder = build_finder(CrnnOptions())
    status = ExitStatus.DONE
    with report_to(arguments.report) as report:
        for path in files_below(arguments.input):
            try:
                seen = look(path, finder, frames=arguments.frames)
            except CleaningError as error:
                status = ExitStatus.SOME_WITHHELD
                sys.stdout.write(f"{path}: {error.code}\n")
                report(_line(path, code=error.code))
                continue
            regions = [
                {"frame": region.frame, **asdict(region.box), "score": round(region.score, 4)}
                for region in seen.regions
            ]
            sys.stdout.write(f"{path}: {len(regions)} regions in {seen.frames} frames\n")
            report(
                _line(
                    path,
                    frames=seen.frames,
                    width=seen.width,
                    height=seen.height,
                    regions=regions,
                    seconds=round(seen.seconds, 4),
                )
            )
    return status


def _line(path: Path, **fields: Any) -> str:
    empty = {"frames": 0, "width": 0, "height": 0, "regions": [], "seconds": 0.0, "code": None}
    return json.dumps({"input": str(path), **empty, **fields})
