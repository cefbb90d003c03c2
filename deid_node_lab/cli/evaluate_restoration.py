"""``deid-lab evaluate restoration``: what the fills are worth, measured on held-out pictures.

The data is not the caller's own: which pictures no model was trained on is known of the
shared data only.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.errors import InputError
from deid_node.pixels.text.read.build import build_reader
from deid_node_lab.peers.build import build_peers

if TYPE_CHECKING:
    from deid_node_lab.evaluation.restoration.legibility import LineReader

_NETWORKS: Final = "networks"


def add(kinds: Commands) -> None:
    """Describe the command."""
    parser = kinds.add_parser(
        "restoration", help="how near fills are to the truth, how real, and how unreadable"
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR",
        help="the shared data: train/ with its manifest, dicom_zoo/ if it is there",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR",
        help="takes report, tables, a picture to look at and the judging networks",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, default=90, metavar="N", help="take N pictures")
    parser.add_argument("--volumes", type=int, default=16, metavar="N", help="take N volumes")
    parser.add_argument(
        "--pairs", type=int, default=16, metavar="N", help="texts that are attacked"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="denoising steps; the model's own")
    parser.add_argument(
        "--fonts", type=Path, action="append", default=[], metavar="DIR",
        help="fonts to draw with; the stroke fonts of OpenCV by default",
    )  # fmt: skip
    parser.add_argument(
        "--peers", action="store_true", help="let other programs try to read the fills too"
    )
    add_config(parser, required=False)
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="processor threads of each program"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the tables and write them."""
    for name in ("limit", "volumes", "pairs", "steps", "threads"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise InputError(f"--{name} takes a number from 1")
    for folder in (arguments.data, *arguments.fonts):
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder")
    config = Config() if arguments.config is None else load(arguments.config)
    try:
        from deid_node_lab.evaluation.restoration.files import write
        from deid_node_lab.evaluation.restoration.run import Extent, measured
        from deid_node_lab.evaluation.restoration.tables import page
        from deid_node_lab.training.faces import find_faces
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is missing: install deid-node[cpu,diffusion] deid-node-lab[train]"
        ) from None
    tell = _teller()
    options = config.pixels.inpainter
    if arguments.steps is not None:
        options = options.model_copy(update={"steps": arguments.steps})
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{arguments.out} cannot be written: {error.strerror}") from None
    outcome = measured(
        arguments.data,
        find_faces(arguments.fonts),
        _readers(config, arguments, tell),
        options,
        extent=Extent(pictures=arguments.limit, volumes=arguments.volumes, pairs=arguments.pairs),
        networks=arguments.out / _NETWORKS,
        seed=arguments.seed,
        threads=arguments.threads,
        tell=tell,
    )
    write(outcome, arguments.out)
    sys.stdout.write(page(outcome.report))
    return ExitStatus.DONE


def _readers(
    config: Config, arguments: argparse.Namespace, tell: Callable[[str], None]
) -> "tuple[LineReader, ...]":
    from deid_node_lab.evaluation.restoration.legibility import OwnReader, PeerReader

    own = OwnReader(build_reader(config.pixels.reader, threads=arguments.threads))
    if not arguments.peers:
        return (own,)
    peers, missing = build_peers(threads=arguments.threads)
    for why in missing:
        tell(f"left out: {why}")
    # One reader of each make: doubled pictures are what the attack shows anyhow.
    return (own, *(PeerReader(peer) for peer in peers[:1] + peers[2:]))


def _teller() -> Callable[[str], None]:
    started = time.monotonic()

    def tell(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:6.0f} s  {line}\n")

    return tell
