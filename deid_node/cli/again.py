"""``deid-node redeliver`` and ``deid-node reprocess``: once more, as a person decides."""

import argparse
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from types import MappingProxyType
from typing import Final

from deid_node.audit.person import system_user
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.beside import opened_beside, uids_under_each_key
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.errors import InputError
from deid_node.spool.again import Again, Ordered, Selection
from deid_node.values.identity import InstanceId

_SECONDS: Final = MappingProxyType({"m": 60, "h": 3600, "d": 86400})


def add(commands: Commands) -> None:
    """Describe both commands."""
    _describe(
        commands.add_parser(
            "redeliver", help="send what was delivered once more, the same bytes, where it was sent"
        ),
        what="delivered",
        again=Again.redeliver,
    )
    _describe(
        commands.add_parser(
            "reprocess", help="let instances walk through the node once more, from the rules on"
        ),
        what="received",
        again=Again.reprocess,
    )


def _describe(parser: argparse.ArgumentParser, *, what: str, again: Callable[..., Ordered]) -> None:
    parser.add_argument(
        "instances", nargs="*", metavar="ID", help="as the log and `withheld list` show it"
    )
    parser.add_argument(
        "--study", metavar="UID", help="its Study Instance UID, as it was sent or as it left"
    )
    parser.add_argument(
        "--destination", metavar="NAME", help="only what goes, or went, to that destination"
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        help=f"only what was {what} since: 2026-03-04, 2026-03-04T10:11 (UTC), 30m, 12h or 7d",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say how many it would be")
    add_config(parser)
    parser.set_defaults(run=run, again=again)


def run(arguments: argparse.Namespace) -> int:
    """Do it, beside a running node or without one, and say what came of it."""
    config = load(arguments.config)
    selection = _selection(arguments, config)
    with opened_beside(config) as custody:
        ordered: Ordered = arguments.again(
            Again(custody), selection, person=system_user(), dry=arguments.dry_run
        )
    if not (ordered.done or ordered.awaited or ordered.left):
        raise InputError("there is no such instance")
    for text, instances in (
        ("go again", ordered.done),
        ("have no bytes here any more: each walks again when its sender sends it", ordered.awaited),
        ("stay as they are: see the handbook", ordered.left),
    ):
        if instances:
            sys.stdout.write(f"{len(instances)} {text}\n")
    return ExitStatus.DONE if ordered.done or ordered.awaited else ExitStatus.MISUSE


def _selection(arguments: argparse.Namespace, config: Config) -> Selection:
    if not any((arguments.instances, arguments.study, arguments.destination, arguments.since)):
        raise InputError("say which: ids, --study, --destination or --since")
    studies = None
    if arguments.study:
        studies = uids_under_each_key(config)(arguments.study) | {arguments.study}
    return Selection(
        instances=frozenset(map(InstanceId, arguments.instances)) or None,
        studies=studies,
        destination=arguments.destination,
        since=None if arguments.since is None else moment(arguments.since),
    )


def moment(text: str) -> float:
    """Return the Unix time that `text` means; raise `InputError` for what means none."""
    ago = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if ago is not None:
        return time() - int(ago[1]) * _SECONDS[ago[2]]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("--since is no time: 2026-03-04, 2026-03-04T10:11, 12h") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
