"""``deid-node withheld``: the instances that wait for a person, one or many at a time."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.table import Table

from deid_node.audit.person import system_user
from deid_node.cli.again import moment
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.beside import opened_beside, uids_under_each_key
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.dicom import part10
from deid_node.dicom.silence import silenced
from deid_node.errors import CleaningError, CustodyError, InputError
from deid_node.spool.withheld import Choice, WithheldEntry, WorkList
from deid_node.values.identity import InstanceId

_CHUNK_BYTES = 1 << 20


def add(commands: Commands) -> None:
    """Describe the command and its verbs."""
    parser = commands.add_parser("withheld", help="the instances that wait for a person")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="every withheld instance, or those that filters choose")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    _add_filters(listing)
    showing = verbs.add_parser("show", help="one of them")
    showing.add_argument("instances", metavar="ID", nargs=1, help="its id, or how that begins")
    for verb, meaning in (
        ("release", "send them through the node again"),
        ("discard", "drop them for good"),
        ("export", "copy the files as they were received, readable by you alone"),
        ("picture", "draw the first frame of each, or every one with boxes, with the boxes (PNG)"),
    ):
        many = verbs.add_parser(verb, help=meaning)
        many.add_argument("instances", metavar="ID", nargs="*", help="an id, or how it begins")
        _add_filters(many)
    for verb in ("export", "picture"):
        verbs.choices[verb].add_argument(
            "--to", type=Path, required=True, metavar="DIR", help="the folder; shows patients"
        )
    verbs.choices["release"].add_argument(
        "--instead",
        action="store_true",
        help="of any other instance that has its SOP Instance UID: this one wins",
    )
    for verb_parser in verbs.choices.values():
        add_config(verb_parser)
        verb_parser.set_defaults(run=run)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--code", action="append", default=[], help="withheld with this code")
    parser.add_argument("--rule", action="append", default=[], help="by this rule")
    parser.add_argument("--peer", action="append", default=[], help="sent by this peer")
    parser.add_argument("--study", metavar="UID", help="of this study, by its old or its new UID")
    parser.add_argument(
        "--since", metavar="WHEN", help="withheld since then: 2026-03-04, 2026-03-04T10:11, 12h"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what the verb says, beside a running node or without one."""
    config = load(arguments.config)
    with opened_beside(config) as custody:
        work_list = WorkList(custody)
        if arguments.verb == "show":
            sys.stdout.write(_json(work_list.entry(arguments.instances[0]), 1) + "\n")
            return ExitStatus.DONE
        choice = _choice(arguments, config)
        entries = work_list.chosen(choice)
        match arguments.verb:
            case "list" if arguments.format == "json":
                for entry in entries:
                    sys.stdout.write(_json(entry) + "\n")
            case "list":
                _write_table(entries)
            case _:
                if choice.is_all:
                    raise InputError("say which: ids, --code, --rule, --peer, --study or --since")
                if not entries:
                    raise InputError("there is no such withheld instance")
                return _decide(arguments, work_list, entries)
    return ExitStatus.DONE


def _decide(
    arguments: argparse.Namespace, work_list: WorkList, entries: Sequence[WithheldEntry]
) -> int:
    instances = [entry.id for entry in entries]
    match arguments.verb:
        case "release":
            left = work_list.release_all(instances, person=system_user(), instead=arguments.instead)
            done = "released: a running node takes them at once"
        case "discard":
            left = work_list.discard_all(instances, person=system_user())
            done = "discarded"
        case "export":
            left = _written(work_list, entries, arguments.to, _export)
            done = f"copied to {arguments.to}"
        case _:
            left = _written(work_list, entries, arguments.to, _draw)
            done = f"drawn in {arguments.to}"
    sys.stdout.write(f"{len(instances) - len(left)} {done}\n")
    for instance, why in left.items():
        sys.stderr.write(f"{instance}: {why}\n")
    return ExitStatus.SOME_WITHHELD if left else ExitStatus.DONE


Write = Callable[[WorkList, WithheldEntry, Path], None]


def _written(
    work_list: WorkList, entries: Sequence[WithheldEntry], folder: Path, write: Write
) -> dict[InstanceId, str]:
    """Write something of each into `folder`; return why it could not be, by instance."""
    left: dict[InstanceId, str] = {}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}") from None
    for entry in entries:
        try:
            write(work_list, entry, folder)
        except (CleaningError, CustodyError) as error:
            left[entry.id] = error.code
        except FileExistsError:
            left[entry.id] = "is there already"
        except OSError as error:
            raise InputError(f"{folder} cannot be written: {error.strerror}") from None
    return left


def _export(work_list: WorkList, entry: WithheldEntry, folder: Path) -> None:
    content = work_list.content(entry.id, person=system_user())
    with _new_file(folder / f"{entry.id}.dcm") as file:
        for start in range(0, len(content), _CHUNK_BYTES):
            file.write(content[start : start + _CHUNK_BYTES])


def _draw(work_list: WorkList, entry: WithheldEntry, folder: Path) -> None:
    from deid_node.pixeldata.picture import framed, png_of, shown_frame

    with silenced():
        dataset = part10.read(work_list.content(entry.id, person=system_user()))
        for frame in sorted({region.frame for region in entry.regions}) or [0]:
            boxes = [region.box for region in entry.regions if region.frame == frame]
            picture = png_of(framed(shown_frame(dataset, frame), boxes))
            with _new_file(folder / f"{entry.id}-{frame + 1}.png") as file:
                file.write(picture)


def _new_file(path: Path) -> BinaryIO:
    """Open a new file that only its owner can read; it shows a patient."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _choice(arguments: argparse.Namespace, config: Config) -> Choice:
    wanted = arguments.study
    new_uids = uids_under_each_key(config) if wanted else None

    def is_study(original: str) -> bool:
        return original == wanted or (new_uids is not None and wanted in new_uids(original))

    return Choice(
        instances=tuple(getattr(arguments, "instances", ())),
        codes=frozenset(arguments.code),
        rules=frozenset(arguments.rule),
        peers=frozenset(arguments.peer),
        study=is_study if wanted else None,
        since=None if arguments.since is None else moment(arguments.since),
    )


def _json(entry: WithheldEntry, indent: int | None = None) -> str:
    told = asdict(entry)
    # As sent: it names the patient's series, and serves the desk alone.
    del told["series"]
    return json.dumps(told, default=lambda moment: moment.isoformat(), indent=indent)


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
