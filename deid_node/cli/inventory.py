"""``deid-node status``: how much of a study came, and where it is."""

import argparse
import json
import sys
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.beside import opened_beside, uids_under_each_key
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.errors import InputError
from deid_node.spool.inventory import Inventory, StudyStatus


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("status", help="how much of a study came, and where it is")
    parser.add_argument(
        "--study",
        metavar="UID",
        required=True,
        help="its Study Instance UID, as it was sent or as it left",
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    add_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the journal, beside a running node or without one, and say what it knows."""
    config = load(arguments.config)
    with opened_beside(config) as custody:
        new = uids_under_each_key(config)(arguments.study)
        found = Inventory(custody).study(arguments.study, *new)
    if found is None:
        raise InputError("nothing of that study has come, as far as the journal goes back")
    if arguments.format == "json":
        sys.stdout.write(json.dumps(asdict(found)) + "\n")
    else:
        _write(found)
    return ExitStatus.DONE


def _write(found: StudyStatus) -> None:
    console = Console(highlight=False)
    of = f" of {found.series} series" if found.series else ""
    console.print(f"{found.instances} instances{of}")
    table = Table("where", "state", "code", "instances")
    for state, count in sorted(found.states.items()):
        table.add_row("node", state, "", str(count))
    for code, count in sorted(found.withheld.items()):
        table.add_row("node", "withheld", code, str(count))
    for destination, states in found.deliveries.items():
        for delivery, count in sorted(states.items()):
            table.add_row(destination, delivery, "", str(count))
    console.print(table)
    if found.superseded:
        console.print(f"{found.superseded} of them have given their place to others")
