"""``deid-lab evaluate``: what is promised of privacy, measured on the caller's images.

The other kind, ``restoration``, has a page of its own.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO, TypeVar

from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.inputs import files_below
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.errors import CleaningError, InputError
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter, build_painter
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.text.evidence import evidence_of
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.read.build import build_reader
from deid_node_lab.cli import evaluate_restoration
from deid_node_lab.evaluation.alarm_sheets import AlarmSheets
from deid_node_lab.evaluation.alarm_tables import alarm_page
from deid_node_lab.evaluation.alarms import sounded
from deid_node_lab.evaluation.arms import Arm, OwnArm, PeerArm
from deid_node_lab.evaluation.boxes_file import read_boxes
from deid_node_lab.evaluation.cases import Case
from deid_node_lab.evaluation.images import given_cases, rendered_cases
from deid_node_lab.evaluation.privacy import evaluate
from deid_node_lab.evaluation.tables import page
from deid_node_lab.evaluation.text_free import specimens
from deid_node_lab.peers.base import Peer
from deid_node_lab.peers.build import build_peers

Name = TypeVar("Name", str, Path)


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "evaluate", help="measure finder and cleaner on images (docs/evaluation.md)"
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    privacy = kinds.add_parser("privacy", help="how much text is found, and what is left of it")
    privacy.add_argument("--images", type=Path, metavar="DIR", help="DICOM, PNG or JPEG files")
    privacy.add_argument(
        "--boxes", type=Path, metavar="FILE",
        help="where text stands on them (JSON); without it they are taken as text-free, and "
        "text is drawn on them",
    )  # fmt: skip
    privacy.add_argument(
        "--fonts", type=Path, action="append", default=[], metavar="DIR",
        help="fonts to draw with; the stroke fonts of OpenCV by default",
    )  # fmt: skip
    privacy.add_argument(
        "--peers", action="store_true",
        help="score other programs on the same images, and let them read what was cleaned",
    )  # fmt: skip
    _add_alarms(privacy)
    add_config(privacy, required=False)
    privacy.add_argument(
        "--report", type=Path, metavar="FILE",
        help="write the figures there (JSON), and the tables beside it (.md)",
    )  # fmt: skip
    privacy.add_argument("--limit", type=int, metavar="N", help="take N images, drawn by the seed")
    privacy.add_argument("--seed", type=int, default=1, metavar="N")
    privacy.add_argument(
        "--threads", type=int, default=1, metavar="N", help="processor threads of each program"
    )
    privacy.set_defaults(run=run)
    evaluate_restoration.add(kinds)


def _add_alarms(privacy: argparse.ArgumentParser) -> None:
    privacy.add_argument(
        "--text-free", type=Path, action="append", default=[], metavar="DIR",
        help="images without text, sent through the cleaner: a table of false alarms",
    )  # fmt: skip
    privacy.add_argument(
        "--made", action="store_true",
        help="mosaics, masks and phantoms made by code, beside the images without text",
    )  # fmt: skip
    privacy.add_argument(
        "--sheets", type=Path, metavar="DIR",
        help="draw every false alarm there (PNG; shows the images)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the tables; status 3 when an image could not be looked into."""
    if arguments.limit is not None and arguments.limit < 1:
        raise InputError("--limit takes a number from 1")
    if arguments.threads < 1:
        raise InputError("--threads takes a number from 1")
    free = bool(arguments.text_free or arguments.made)
    if arguments.images is None and not free:
        raise InputError("--images or --text-free is needed")
    if arguments.sheets is not None and not free:
        raise InputError("--sheets draws false alarms: it needs --text-free or --made")
    config = Config() if arguments.config is None else load(arguments.config)
    cases = _Readable(iter(()) if arguments.images is None else _cases(arguments))
    with ExitStack() as files:
        written = _opened(arguments.report, files)
        own, cleaner = _own(config, arguments)
        report: dict[str, Any] = {"finder": own.name, "seed": arguments.seed}
        tables = ""
        if arguments.images is not None:
            arms, peers = _arms(own, arguments)
            report |= evaluate(cases, arms, readers=peers, tell=_progress)
            report |= {"truth": "given" if arguments.boxes else "rendered"}
            report["unreadable"] = cases.unreadable
            tables += page(report)
        if free:
            report["alarms"] = _alarms(own, cleaner, arguments)
            tables += ("\n## False alarms\n\n" if tables else "") + alarm_page(report["alarms"])
        if written is not None:
            written[0].write(json.dumps(report, indent=1) + "\n")
            written[1].write(tables)
    sys.stdout.write(tables)
    return ExitStatus.SOME_WITHHELD if cases.unreadable else ExitStatus.DONE


def _alarms(own: OwnArm, cleaner: PixelCleaner, arguments: argparse.Namespace) -> dict[str, Any]:
    for folder in arguments.text_free:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder")
    found = specimens(arguments.text_free, made=arguments.made, seed=arguments.seed)
    if arguments.sheets is None:
        return sounded(found, cleaner, own.find, tell=_progress)
    with AlarmSheets(arguments.sheets) as sheets:
        return sounded(found, cleaner, own.find, shows=sheets, tell=_progress)


class _Readable:
    """The cases that can be looked into; tells and counts the others."""

    def __init__(self, found: Iterator[tuple[Path, Case | CleaningError]]) -> None:
        self._found = found
        self.unreadable = 0

    def __iter__(self) -> Iterator[Case]:
        for path, one in self._found:
            if isinstance(one, Case):
                yield one
            else:
                self.unreadable += 1
                sys.stderr.write(f"{path}: {one.code}\n")


def _cases(arguments: argparse.Namespace) -> Iterator[tuple[Path, Case | CleaningError]]:
    folder = arguments.images
    paths = list(files_below(folder))
    if arguments.boxes is not None:
        if arguments.fonts:
            raise InputError("--fonts and --boxes exclude each other: nothing is drawn")
        known = read_boxes(arguments.boxes)
        if not known:
            raise InputError(f"{arguments.boxes} names no images")
        chosen = _drawn(sorted(known), arguments)
        return given_cases(folder, {name: known[name] for name in chosen})
    try:
        from deid_node_lab.evaluation.rendering import ScannerText
        from deid_node_lab.training.faces import find_faces
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is missing: install deid-node[cpu] deid-node-lab[train]"
        ) from None
    for fonts in arguments.fonts:
        if not fonts.is_dir():
            raise InputError(f"{fonts} is no folder")
    text = ScannerText(find_faces(arguments.fonts), seed=arguments.seed)
    return rendered_cases(_drawn(paths, arguments), folder, text)


def _drawn(every: Sequence[Name], arguments: argparse.Namespace) -> Sequence[Name]:
    if arguments.limit is None or arguments.limit >= len(every):
        return every
    chosen = random.Random(arguments.seed).sample(range(len(every)), arguments.limit)
    return [every[index] for index in sorted(chosen)]


def _own(config: Config, arguments: argparse.Namespace) -> tuple[OwnArm, PixelCleaner]:
    finder = build_finder(config.pixels.finder, threads=arguments.threads)
    painter = build_painter(config.pixels.inpainter, threads=arguments.threads)
    cleaner = PixelCleaner(
        finder,
        build_inpainter(FillPolicy.AUTO, painter),
        evidence=evidence_of(config.pixels.finder),
        reader=build_reader(config.pixels.reader),
    )
    return OwnArm(finder, cleaner), cleaner


def _arms(own: OwnArm, arguments: argparse.Namespace) -> tuple[list[Arm], tuple[Peer, ...]]:
    peers: tuple[Peer, ...] = ()
    if arguments.peers:
        peers, missing = build_peers(threads=arguments.threads)
        for why in missing:
            sys.stderr.write(f"{arguments.program}: left out: {why}\n")
    return [own, *(PeerArm(peer) for peer in peers)], peers


def _opened(report: Path | None, files: ExitStack) -> tuple[TextIO, TextIO] | None:
    """Open the report and its tables before anything is measured, not after an hour."""
    if report is None:
        return None
    try:
        return (
            files.enter_context(report.open("w", encoding="utf-8")),
            files.enter_context(report.with_suffix(".md").open("w", encoding="utf-8")),
        )
    except OSError as error:
        raise InputError(f"{report} cannot be written: {error.strerror}") from None


def _progress(done: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} images")
        sys.stderr.flush()
