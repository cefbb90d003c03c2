"""``deid-node series``: the series whose instances wait for each other.

A series goes by the number that ``list`` shows; its UIDs name a patient's examination and are
asked for, never told.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from deid_node.audit.person import system_user
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.beside import opened_beside, uids_under_each_key
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.errors import InputError
from deid_node.spool.open_series import OpenSeries, OpenSeriesList


def add(commands: Commands) -> None:
    """Describe the command and its verbs."""
    parser = commands.add_parser("series", help="the series whose instances wait for each other")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="every series that is waited for")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    release = verbs.add_parser("release", help="wait no longer: what has come goes on")
    release.add_argument("--all", action="store_true", help="every series that is waited for")
    expect = verbs.add_parser(
        "expect", help="say how many instances the series has: with the last one it goes on"
    )
    expect.add_argument(
        "--instances", type=int, required=True, metavar="N", help="how many it has in all"
    )
    for verb in (listing, release, expect):
        if verb is not listing:
            verb.add_argument(
                "numbers", metavar="NUMBER", nargs="*", type=int, help="as list shows it"
            )
        verb.add_argument(
            "--study", metavar="UID", help="of this Study Instance UID, as sent or as it leaves"
        )
        verb.add_argument(
            "--series", metavar="UID", help="of this Series Instance UID, as sent or as it leaves"
        )
        add_config(verb)
        verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the verb says, beside a running node or without one."""
    config = load(arguments.config)
    with opened_beside(config) as custody:
        series = OpenSeriesList(custody)
        chosen = _chosen(arguments, config, series.waiting())
        if arguments.verb == "list":
            _write(chosen, as_json=arguments.format == "json")
            return ExitStatus.DONE
        if not chosen:
            raise InputError("there is no such series that is waited for")
        numbers = [one.number for one in chosen]
        if arguments.verb == "release":
            going = series.release(numbers, person=system_user())
        else:
            if len(numbers) != 1 or arguments.instances < 1:
                raise InputError("say how many instances one series has, one series at a time")
            going = series.expect(numbers[0], arguments.instances, person=system_user()) or 0
    sys.stdout.write(f"{going} instances go on\n")
    return ExitStatus.DONE


def _chosen(
    arguments: argparse.Namespace, config: Config, waiting: Sequence[OpenSeries]
) -> list[OpenSeries]:
    numbers = frozenset(getattr(arguments, "numbers", ()))
    asked = (numbers, arguments.study, arguments.series, getattr(arguments, "all", False))
    if arguments.verb != "list" and not any(asked):
        raise InputError("say which: numbers, --study, --series or --all")
    wanted = (arguments.study, arguments.series)
    names = uids_under_each_key(config) if any(wanted) else None

    def fits(uid: str, sent: str) -> bool:
        return uid == sent or (names is not None and uid in names(sent))

    return [
        one
        for one in waiting
        if (not numbers or one.number in numbers)
        and (not arguments.study or fits(arguments.study, one.study_instance_uid))
        and (not arguments.series or fits(arguments.series, one.series_instance_uid))
    ]


def _write(waiting: Sequence[OpenSeries], *, as_json: bool) -> None:
    if as_json:
        for one in waiting:
            told = asdict(one)
            # As sent: they name the patient's examination.
            del told["study_instance_uid"], told["series_instance_uid"]
            sys.stdout.write(json.dumps(told) + "\n")
        return
    table = Table(
        *("number", "treatment", "instances", "expected", "bytes"),
        *("first came (UTC)", "last came (UTC)", "closed by then (UTC)"),
    )
    for one in waiting:
        table.add_row(
            str(one.number),
            one.treatment,
            str(one.instances),
            "" if one.expected is None else str(one.expected),
            str(one.bytes),
            *(_at(moment) for moment in (one.opened_at, one.changed_at, one.closes_at)),
        )
    Console().print(table)


def _at(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"
