"""The command ``deid-node``.

Every command is a module of its own with two functions: `add` describes its
arguments, `run` does it and returns the exit status. A fault of the caller or
of the configuration ends in one line on standard error and status 2, never in a
stack trace.
"""

import argparse
import os
from collections.abc import Sequence
from contextlib import suppress

from deid_node import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    # Here, not above: a spawned worker imports this module again, and must set the number
    # of its threads before numpy and its kin are loaded.
    from deid_node.cli import (
        again,
        check,
        clean,
        crosswalk,
        demo,
        explain,
        find,
        foreman,
        import_regions,
        inventory,
        laboratory,
        reidentify,
        reload,
        series,
        serve,
        user,
        withheld,
    )
    from deid_node.cli.ending import carried_out

    parser = argparse.ArgumentParser(
        prog="deid-node",
        description="De-identify DICOM instances, header and pixels, on their way to research.",
    )
    parser.add_argument("--version", action="version", version=f"deid-node {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (
        serve, reload, check, clean, find, explain, import_regions, inventory, withheld, series,
        again, crosswalk, reidentify, user, demo, foreman, laboratory,
    ):  # fmt: skip
        command.add(commands)
    _complete(parser)
    return carried_out(parser.parse_args(arguments), "deid-node")


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell that asks what could come next, and end; else do nothing.

    Source: https://kislyuk.github.io/argcomplete (the extra ``completion``).
    """
    if "_ARGCOMPLETE" in os.environ:
        with suppress(ModuleNotFoundError):
            import argcomplete

            argcomplete.autocomplete(parser)
