"""``deid-node serve``: run the node until it is told to stop."""

import argparse
import signal
import sys
import threading

from deid_node.assembly import build_node
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("serve", help="run the node until SIGTERM or SIGINT")
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
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    node = build_node(
        load(arguments.config),
        stream=sys.stdout,
        new_journal=arguments.new_journal,
        takes_new_key=arguments.new_key,
    )
    node.start()
    try:
        stop.wait()
    finally:
        node.stop()
    return ExitStatus.DONE
