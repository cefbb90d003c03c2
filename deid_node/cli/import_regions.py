"""``deid-node import-regions``: the region script of a CTP as YAML for ``pixels.regions``."""

import argparse
import sys
from pathlib import Path

from deid_node.cli.arguments import Commands
from deid_node.cli.status import ExitStatus
from deid_node.config.ctp_script import as_yaml, imported
from deid_node.errors import ConfigurationError


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "import-regions",
        help="translate a DicomPixelAnonymizer.script to YAML",
        description=(
            "Write the regions of a CTP script as YAML to standard output, and what could not be "
            "translated to standard error. Status 3 says that something was left out."
        ),
    )
    parser.add_argument("script", type=Path, metavar="FILE", help="the script")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the YAML; return 0 where everything was translated, else 3."""
    path: Path = arguments.script
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise ConfigurationError("", f"{path} cannot be read: {error.strerror}") from None
    found = imported(text)
    if not found.rules and not found.left_out:
        raise ConfigurationError("", f"{path} holds no signature")
    sys.stdout.write(as_yaml(found, source=path.name))
    for one in found.left_out:
        sys.stderr.write(f"deid-node: {path.name}:{one.line}: not translated: {one.reason}\n")
    return ExitStatus.SOME_WITHHELD if found.left_out else ExitStatus.DONE
