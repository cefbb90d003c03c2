"""``deid-node demo``: the main job on loopback."""

import argparse
from pathlib import Path

from deid_node.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "demo",
        help="run a scanner, the node and an archive on this machine, then show what was done",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo-out"), metavar="DIR", help="folder to work in"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; status 1 when one of its checks fails."""
    # Only this command needs the scanner and the archive.
    from deid_node.demo.run import run_demo

    return run_demo(arguments.out)
