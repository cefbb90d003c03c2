"""``deid-node reload``: let a running node read its configuration anew, and hear the outcome."""

import argparse
import os
import signal
import sys
from time import monotonic, sleep
from typing import Final

from deid_node.checks import check_all
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.beside import opened_beside
from deid_node.cli.status import ExitStatus
from deid_node.config.fingerprint import fingerprint_of
from deid_node.config.load import load
from deid_node.errors import InputError
from deid_node.spool.custody import LOCK_NAME, Custody
from deid_node.spool.lock import Holder, holder_of
from deid_node.spool.reload_note import ReloadNote, ReloadNotes

_LOOK_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 900
"""Longer than workers may take to load their models."""


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "reload", help="let the running node take its configuration anew, whole or not at all"
    )
    add_config(parser)
    parser.add_argument(
        "--wait",
        type=float,
        default=_PATIENCE_SECONDS,
        metavar="SECONDS",
        help="how long to wait for the node's answer (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the configuration here, ask the node, and say what became of it."""
    config = load(arguments.config)
    check_all(config)
    lock = config.spool.dir / LOCK_NAME
    holder = holder_of(lock)
    if holder is None:
        raise InputError("no node runs on the spool of this configuration")
    if not holder.is_here:
        raise InputError(f"the node runs on {holder.host}: ask it there")
    with opened_beside(config) as custody:
        before = ReloadNotes(custody).last()
        if before is None:
            raise InputError("the node is of a version that cannot be asked: restart it")
        try:
            os.kill(holder.process, signal.SIGHUP)
        except PermissionError:
            raise InputError("the node is another user's: ask it as that user") from None
        note = _answer(custody, before.number, holder, patience_seconds=arguments.wait)
    if note.result == "refused":
        sys.stderr.write(f"refused, nothing has changed: {note.reason}\n")
        return ExitStatus.MISUSE
    sys.stdout.write(f"in force: configuration {note.configuration}\n")
    if note.configuration != fingerprint_of(config):
        sys.stdout.write("the node reads another file, or has other environment variables\n")
    return ExitStatus.DONE


def _answer(
    custody: Custody, number: int, holder: Holder, *, patience_seconds: float
) -> ReloadNote:
    """Return what the node said after its word `number`; raise `InputError` without one."""
    until = monotonic() + patience_seconds
    while monotonic() < until:
        note = ReloadNotes(custody).last()
        if note is not None and note.number > number:
            return note
        if holder_of(custody.blobs.root / LOCK_NAME) != holder:
            raise InputError("the node has ended")
        sleep(_LOOK_SECONDS)
    raise InputError("the node has not answered in time: its log will say what became of it")
