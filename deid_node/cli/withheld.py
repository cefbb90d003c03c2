"""``deid-node withheld``: the instances that wait for a person."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from deid_node.audit.person import system_user
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.errors import InputError
from deid_node.spool.custody import Custody
from deid_node.spool.withheld import WithheldEntry, WorkList
from deid_node.values.identity import InstanceId


def add(commands: Commands) -> None:
    """Describe the command and its four verbs."""
    parser = commands.add_parser("withheld", help="the instances that wait for a person")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="every withheld instance")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    for verb, meaning in (
        ("show", "one of them"),
        ("release", "send it through the node again"),
        ("discard", "drop it for good"),
    ):
        one = verbs.add_parser(verb, help=meaning)
        one.add_argument("instance", metavar="ID", help="as `withheld list` shows it")
    verbs.choices["release"].add_argument(
        "--instead",
        action="store_true",
        help="of any other instance that has its SOP Instance UID: this one wins",
    )
    for verb_parser in verbs.choices.values():
        add_config(verb_parser)
        verb_parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the verb says, beside a running node or without one."""
    with _work_list(load(arguments.config)) as work_list:
        match arguments.verb:
            case "list" if arguments.format == "json":
                for entry in work_list.entries():
                    sys.stdout.write(_json(entry) + "\n")
            case "list":
                _write_table(work_list.entries())
            case "show":
                sys.stdout.write(_json(work_list.entry(InstanceId(arguments.instance)), 1) + "\n")
            case "release":
                work_list.release(
                    InstanceId(arguments.instance),
                    person=system_user(),
                    instead=arguments.instead,
                )
            case "discard":
                work_list.discard(InstanceId(arguments.instance), person=system_user())
    return ExitStatus.DONE


@contextmanager
def _work_list(config: Config) -> Iterator[WorkList]:
    if not config.spool.dir.is_dir():
        raise InputError("the configured spool does not exist yet")
    custody = Custody(config.spool, exclusive=False)
    custody.open()
    try:
        yield WorkList(custody)
    finally:
        custody.close()


def _json(entry: WithheldEntry, indent: int | None = None) -> str:
    return json.dumps(asdict(entry), default=lambda moment: moment.isoformat(), indent=indent)


def _write_table(entries: Sequence[WithheldEntry]) -> None:
    table = Table("id", "code", "reason", "rule", "peer", "bytes", "starts", "received (UTC)")
    for entry in entries:
        table.add_row(
            entry.id,
            entry.code,
            entry.reason,
            entry.rule or "",
            entry.peer,
            str(entry.size_bytes),
            str(entry.attempts),
            f"{entry.received_at:%Y-%m-%d %H:%M:%S}",
        )
    Console().print(table)
