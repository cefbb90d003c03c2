"""The command ``deid-lab``; ``deid-node`` hands the same commands on to it.

Every command is a module of its own with `add` and `run`, as those of the node are.
"""

import argparse
from collections.abc import Sequence

from deid_node.cli.ending import carried_out
from deid_node_lab import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    return carried_out(_parsed(arguments, "deid-lab"), "deid-lab")


def run(arguments: Sequence[str], *, program: str) -> int:
    """Run one command as `program`, which turns what is raised into a status."""
    chosen = _parsed(arguments, program)
    return int(chosen.run(chosen))


def _parsed(arguments: Sequence[str] | None, program: str) -> argparse.Namespace:
    from deid_node_lab.cli import evaluate, train

    parser = argparse.ArgumentParser(
        prog=program, description="Build, train and measure the models of deid-node."
    )
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    parser.set_defaults(program=program)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (train, evaluate):
        command.add(commands)
    return parser.parse_args(arguments)
