"""The folder in which a demo runs: made fresh, never in the place of a foreign one."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from deid_node.demo import archive
from deid_node.errors import InputError
from deid_node.metadata.apply.keys import new_key_file

MARK: Final = ".made-by-deid-node-demo"

_RESERVE_BYTES: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Workplace:
    """The parts of the folder `root`."""

    root: Path

    @property
    def scanner(self) -> Path:
        """What the scanner sends."""
        return self.root / "scanner"

    @property
    def archive(self) -> Path:
        """What the archive received."""
        return self.root / "archive"

    @property
    def pictures(self) -> Path:
        """Before and after, side by side."""
        return self.root / "pictures"

    @property
    def log(self) -> Path:
        """The node's log."""
        return self.root / "node.log"

    @property
    def config(self) -> Path:
        """The node's configuration."""
        return self.root / "config.yaml"


def fresh_workplace(root: Path) -> Workplace:
    """Return an empty workplace at `root`; one that an earlier demo left there is removed.

    Raises `InputError` when something else is there.
    """
    mark = root / MARK
    try:
        if mark.is_file() and not root.is_symlink():
            shutil.rmtree(root)
        elif root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise InputError(f"{root} was not made by the demo; name another folder with --out")
        root.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as error:
        raise InputError(f"{root} cannot be written: {error.strerror}") from None
    return Workplace(root)


def write_config(workplace: Workplace, *, archive_port: int) -> None:
    """Write a fresh pseudonym key and the configuration of a node on free loopback ports."""
    new_key_file(workplace.root / "pseudonym.key")
    content: dict[str, Any] = {
        "receive": {"host": "127.0.0.1", "port": 0},
        "spool": {"dir": "./spool", "reserve_bytes": _RESERVE_BYTES},
        "route": {
            "rules": [
                {
                    "name": "everything",
                    "when": {"kind": "always"},
                    "then": {
                        "kind": "forward",
                        "treatment": "research",
                        "destinations": ["archive"],
                    },
                }
            ]
        },
        "metadata": {
            "pseudonym_key_file": "./pseudonym.key",
            # Without the second, reports would wait for a person.
            "options": ["clean_pixel_data", "clean_structured_content"],
        },
        "forward": {
            "destinations": {
                "archive": {
                    "kind": "cstore",
                    "ae_title": archive.AE_TITLE,
                    "host": "127.0.0.1",
                    "port": archive_port,
                }
            }
        },
        "observe": {"http": {"port": 0}},
    }
    workplace.config.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
