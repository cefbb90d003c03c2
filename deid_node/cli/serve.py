"""``deid-node serve``: run the node until it is told to stop."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from deid_node.assembly import build_node
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "serve", help="run the node until SIGTERM or SIGINT; SIGHUP reads its configuration anew"
    )
    add_config(parser)
    parser.add_argument(
        "--new-journal",
        action="store_true",
        help="make a journal where the spool has lost its own, and hold its files for a person",
    )
    parser.add_argument(
        "--new-key",
        action="store_true",
        help="take another pseudonym key than the spool was used with",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the node; its log goes to standard output, a JSON object a line."""
    has_terminal = sys.stdin is not None and sys.stdin.isatty()
    with _signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as told:
        read = partial(load, arguments.config)
        node = build_node(
            read(),
            stream=sys.stdout,
            new_journal=arguments.new_journal,
            takes_new_key=arguments.new_key,
            read=read,
        )
        node.start()
        try:
            for number in told:
                # A terminal that was closed is gone; who asks for a reload leaves it there.
                is_asked = number == signal.SIGHUP and (not has_terminal or os.isatty(0))
                if not is_asked:
                    break
                node.reload()
        finally:
            node.stop()
    return ExitStatus.DONE


@contextmanager
def _signals(*wanted: signal.Signals) -> Iterator[Iterator[int]]:
    """Give the numbers of these signals as they come, those from before the first look, too.

    They come by a socket that the interpreter writes to: a handler of our own could run
    while the main thread holds a lock, or too late for a wait that has begun.
    """
    reading, writing = socket.socketpair()
    with reading, writing:
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno())
        for number in wanted:
            signal.signal(number, lambda *_: None)
        try:
            yield (one for piece in iter(partial(reading.recv, 64), b"") for one in piece)
        finally:
            signal.set_wakeup_fd(before)
