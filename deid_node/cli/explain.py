"""``deid-node explain``: the de-identification plan in force, attribute by attribute."""

import argparse
import sys

from deid_node.assembly import plans_of
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.metadata.explain import format_rows, plan_rows


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("explain", help="show the de-identification plan in force")
    add_config(parser)
    parser.add_argument("--format", choices=("md", "csv", "json"), default="md")
    parser.add_argument(
        "--treatment", metavar="NAME", help="only this treatment (default: every one)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the plan to standard output."""
    config = load(arguments.config)
    seals = config.metadata.originals.certificate_file is not None
    for plan in plans_of(config, only=arguments.treatment):
        rows = plan_rows(plan, seals_originals=seals, own_private=config.metadata.safe_private)
        sys.stdout.write(format_rows(rows, arguments.format))
    return ExitStatus.DONE
