"""``deid-node explain``: the de-identification plan in force, attribute by attribute."""

import argparse
import sys

from deid_node.checks import plans_of
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.metadata.explain import changed_rows, format_rows, plan_rows
from deid_node.metadata.plan.plan import build_plan


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("explain", help="show the de-identification plan in force")
    add_config(parser)
    parser.add_argument("--format", choices=("md", "csv", "json"), default="md")
    parser.add_argument(
        "--treatment", metavar="NAME", help="only this treatment (default: every one)"
    )
    parser.add_argument(
        "--changed",
        action="store_true",
        help="only what the configuration changes, beside the Basic Profile without any option",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the plan to standard output."""
    config = load(arguments.config)
    seals = config.metadata.originals.certificate_file is not None
    for plan in plans_of(config, only=arguments.treatment):
        rows = plan_rows(plan, seals_originals=seals, own_private=config.metadata.safe_private)
        if arguments.changed:
            rows = changed_rows(rows, plan_rows(build_plan()))
        sys.stdout.write(format_rows(rows, arguments.format))
    return ExitStatus.DONE
