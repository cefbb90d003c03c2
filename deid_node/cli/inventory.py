"""``deid-node status``: how the node is, or where a study is."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.beside import opened_beside
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.errors import InputError
from deid_node.spool.inventory import StudyStatus
from deid_node.status import StatusReader
from deid_node.values.status import NodeStatus


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "status", help="how the node is; or how much of a study came, and where it is"
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument(
        "--study", metavar="UID", help="a study, by its UID as it was sent or as it left"
    )
    asked.add_argument(
        "--accession", metavar="NUMBER", help="studies, by their Accession Number as it was sent"
    )
    asked.add_argument(
        "--echo", action="store_true", help="ask each destination now whether it is there"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="the same as json"
    )
    add_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the journal, beside a running node or without one, and say what it knows."""
    config = load(arguments.config)
    as_json = arguments.format == "json"
    with opened_beside(config) as custody:
        reader = StatusReader(lambda: config, custody)
        if arguments.study is not None or arguments.accession is not None:
            found = (
                reader.study(arguments.study)
                if arguments.study is not None
                else reader.accession(arguments.accession)
            )
            if found is None:
                raise InputError("nothing of that study has come, as far as the journal goes back")
            _write_json(asdict(found)) if as_json else _write_study(found)
            return ExitStatus.DONE
        status = reader.node()
        answers = None
        if arguments.echo:
            answers = {name: reader.echo(name) for name in config.forward.destinations}
    if as_json:
        _write_json({**asdict(status), **({} if answers is None else {"echo": answers})})
    else:
        _write_node(status, answers)
    return ExitStatus.SOME_WITHHELD if answers and any(answers.values()) else ExitStatus.DONE


def _write_json(content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")


def _write_node(status: NodeStatus, answers: dict[str, str | None] | None) -> None:
    console = Console(highlight=False)
    runs = "no node runs" if status.process is None else f"runs (process {status.process})"
    console.print(f"deid_node {status.version}: {runs}")
    if status.configuration is not None:
        last = status.configuration
        console.print(f"configuration {last.configuration}, in force since {_at(last.since)}")
        if not last.is_asked_with:
            console.print("this file says something else: it is not in force")
        if last.result == "refused":
            console.print(f"another was refused at {_at(last.at)}: {last.reason}")
    ports = [
        (
            one.what + (f" {one.name}" if one.name else ""),
            f"{one.host}:{one.port}",
            "TLS" if one.tls else "plain",
        )
        for one in status.ports
    ]
    _table(console, ("port", "address", "spoken"), ports)
    waiting = [
        (one.state, str(one.instances), f"{one.oldest_seconds:.0f}") for one in status.waiting
    ]
    _table(console, ("waits as", "instances", "oldest (s)"), waiting)
    series = [
        (
            *(str(one.number), one.treatment, str(one.instances)),
            *("" if one.expected is None else str(one.expected), _at(one.closes_at)),
        )
        for one in status.series
    ]
    heads = ("series", "treatment", "instances", "expected", "closed by then (UTC)")
    _table(console, heads, series)
    console.print(
        f"received: {status.received_last_hour} in the last hour,"
        f" {status.received_last_day} in the last day"
    )
    peers = [(one.name, one.listener, str(one.instances), _at(one.last_at)) for one in status.peers]
    _table(console, ("peer", "listener", "instances", "last (UTC)"), peers)
    destinations = [
        (
            one.name if one.is_configured else f"{one.name} (not configured)",
            str(one.due), str(one.unconfirmed), str(one.refused),
            str(one.delivered_last_hour), str(one.delivered_last_day), _at(one.last_at),
            *(() if answers is None else (answers.get(one.name) or "answers",)),
        )
        for one in status.destinations
    ]  # fmt: skip
    columns = (
        "destination",
        "due",
        "unconfirmed",
        "refused",
        "last hour",
        "last day",
        "last (UTC)",
    )
    _table(console, (*columns, *(() if answers is None else ("echo",))), destinations)
    certificates = [(one.part, one.setting, str(one.days_left)) for one in status.certificates]
    _table(console, ("certificate of", "setting", "days left"), certificates)
    console.print(
        f"disk: {status.free_bytes / 1e9:.1f} GB free,"
        f" {status.reserve_bytes / 1e9:.1f} GB are kept in reserve"
    )


def _table(console: Console, heads: Iterable[str], rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        table = Table(*heads)
        for row in rows:
            table.add_row(*row)
        console.print(table)


def _at(moment: float | None) -> str:
    return "" if moment is None else f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"


def _write_study(found: StudyStatus) -> None:
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
