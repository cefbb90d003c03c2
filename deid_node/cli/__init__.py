"""The command ``deid-node``.

Every command is a module of its own with two functions: `add` describes its
arguments, `run` does it and returns the exit status. A fault of the caller or
of the configuration ends in one line on standard error and status 2, never in a
stack trace.
"""

import argparse
import sys
from collections.abc import Sequence

from deid_node import __version__
from deid_node.cli.status import ExitStatus
from deid_node.errors import ConfigurationError, DeidNodeError


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
        import_regions,
        reidentify,
        serve,
        user,
        withheld,
    )
    from deid_node.dicom.silence import silence_libraries
    from deid_node.observe.traces import leave_no_core
    from deid_node_lab.cli import evaluate, train

    parser = argparse.ArgumentParser(
        prog="deid-node",
        description="De-identify DICOM instances, header and pixels, on their way to research.",
    )
    parser.add_argument("--version", action="version", version=f"deid-node {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (
        serve, check, clean, find, explain, import_regions, withheld, again, crosswalk, reidentify,
        user, demo, train, evaluate,
    ):  # fmt: skip
        command.add(commands)
    chosen = parser.parse_args(arguments)
    silence_libraries()
    leave_no_core()
    try:
        return int(chosen.run(chosen))
    except DeidNodeError as error:
        what = "configuration: " if isinstance(error, ConfigurationError) else ""
        sys.stderr.write(f"deid-node: {what}{error}\n")
        return ExitStatus.MISUSE
    except KeyboardInterrupt:
        sys.stderr.write("deid-node: interrupted\n")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (``| head``).
        sys.stderr.close()
        return ExitStatus.DONE
