"""Arguments that several commands share."""

import argparse
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def add_config(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--config FILE``."""
    parser.add_argument(
        "--config", type=Path, required=required, metavar="FILE", help="the configuration (YAML)"
    )


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add ``--report FILE``."""
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write one JSON object an instance there"
    )
