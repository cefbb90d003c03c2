"""``deid-node crosswalk``: old and new identifiers, where a site has them written down."""

import argparse
import sys
from pathlib import Path

from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.errors import InputError
from deid_node.metadata.crosswalk import Kind, export


def add(commands: Commands) -> None:
    """Describe the command and its verb."""
    parser = commands.add_parser("crosswalk", help="old and new identifiers, where they are kept")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    exporting = verbs.add_parser("export", help="write them to a new file of mode 0600")
    exporting.add_argument("output", type=Path, metavar="OUTPUT", help="CSV: id_old,id_new")
    add_config(exporting)
    exporting.add_argument(
        "--only", choices=[kind.value for kind in Kind], help="only identifiers of this kind"
    )
    exporting.add_argument(
        "--treatment", metavar="NAME", help="the list of a treatment that has one of its own"
    )
    exporting.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file, beside a running node or without one."""
    config = load(arguments.config)
    metadata = config.metadata
    if arguments.treatment is not None:
        if arguments.treatment not in config.treatments:
            raise InputError("the configuration has no treatment of that name")
        metadata = config.treatments[arguments.treatment].project.over(metadata)
    options = metadata.crosswalk
    if not options.enabled:
        raise InputError("the configuration does not enable this crosswalk")
    only = None if arguments.only is None else Kind(arguments.only)
    count = export(options.file, arguments.output, only=only)
    sys.stdout.write(f"{count} pairs written\n")
    return ExitStatus.DONE
