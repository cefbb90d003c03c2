"""``deid-node train``, ``export`` and ``evaluate``: the door to the laboratory, where it is.

The one place of the node that knows of `deid_node_lab`, a distribution of its own that a
hospital need not install. Nothing of it is loaded before one of its commands is called.
"""

import argparse

from deid_node.cli.arguments import Commands
from deid_node.errors import InputError

_COMMANDS = (
    ("train", "train a model from images (docs/models.md)"),
    ("export", "write a trained model as it ships"),
    ("evaluate", "measure finder and cleaner on images (docs/evaluation.md)"),
)


def add(commands: Commands) -> None:
    """Name the commands; what they take is described by the laboratory itself."""
    for name, meaning in _COMMANDS:
        # No argument begins with this prefix: options too are handed on as they are.
        parser = commands.add_parser(
            name, help=f"{meaning}; needs deid-node[lab]", add_help=False, prefix_chars="\0"
        )
        parser.add_argument("rest", nargs=argparse.REMAINDER)
        parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Hand the command on.

    Raises
    ------
    InputError
        The laboratory is not installed.
    """
    try:
        from deid_node_lab import cli
    except ModuleNotFoundError as error:
        if error.name != "deid_node_lab":
            raise
        raise InputError(
            f"{arguments.command} is of the laboratory, which is missing: install deid-node[lab]"
        ) from None
    return cli.run([arguments.command, *arguments.rest], program="deid-node")
