"""``deid-node reidentify``: one instance as it was, for the holder of the private key."""

import argparse
import os
import sys
from pathlib import Path

from deid_node.cli.arguments import Commands
from deid_node.cli.status import ExitStatus
from deid_node.dicom import part10
from deid_node.errors import InputError
from deid_node.metadata.reidentify import load_opener


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "reidentify", help="bring back the originals that were locked into an instance"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a cleaned instance")
    parser.add_argument(
        "--key", type=Path, required=True, metavar="PEM", help="the private key, no passphrase"
    )
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="PEM",
        help="its certificate (default: in the file of the key)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="new file of mode 0600 (default: FILE with .reidentified before its ending)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the instance with its originals to a new file; pixels stay as cleaned."""
    source: Path = arguments.file
    target: Path = arguments.output or source.with_suffix(f".reidentified{source.suffix}")
    opener = load_opener(arguments.key, arguments.certificate)
    restored = opener.restored(part10.read(source))
    before = os.umask(0o077)
    try:
        part10.write(restored, target)
    except OSError:
        raise InputError("the output file exists already or cannot be written") from None
    finally:
        os.umask(before)
    sys.stdout.write(f"{target} is patient data\n")
    return ExitStatus.DONE
