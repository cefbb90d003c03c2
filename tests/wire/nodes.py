"""A real node of a test: its own folder, its own process, free ports of the loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deid_node.config.load import load
from deid_node.demo.server import RunningNode, events_in, running_node
from deid_node.metadata.apply.keys import new_key_file
from deid_node.spool.custody import Custody
from deid_node.spool.inventory import Inventory, Journey
from deid_node.values.state import InstanceState
from tests.fakes.waiting import eventually

AE_TITLE = "DEIDNODE"
ROOT = Path(__file__).resolve().parents[2]
ENDED = frozenset({InstanceState.DELIVERED, InstanceState.WITHHELD, InstanceState.DISCARDED})


@dataclass(frozen=True)
class NodeFolder:
    """A folder with a key and a configuration; the node may run, or not."""

    root: Path

    @property
    def config(self) -> Path:
        """The YAML file."""
        return self.root / "node.yaml"

    @property
    def log(self) -> Path:
        """What the node wrote to standard output."""
        return self.root / "node.log"

    @property
    def errors(self) -> str:
        """What the node wrote to standard error."""
        return self.log.with_suffix(".err").read_text()

    @property
    def archive(self) -> Path:
        """Where a folder destination, or a test's archive, puts instances."""
        return self.root / "archive"

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the events of the log so far, or those of one name."""
        return [line for line in events_in(self.log) if name in {None, line["event"]}]

    def journeys(self) -> Sequence[Journey]:
        """Return what the journal knows, in the order of arrival."""
        custody = Custody(load(self.config).spool, exclusive=False)
        custody.open()
        with closing(custody):
            return Inventory(custody).journeys()

    def wait_until_ended(self, count: int) -> Sequence[Journey]:
        """Wait until `count` instances were received and all of them ended; return them."""

        def look() -> Sequence[Journey]:
            journeys = self.journeys()
            ended = [journey for journey in journeys if journey.state in ENDED]
            return journeys if len(ended) == len(journeys) >= count else ()

        return eventually(look, what=f"{count} instances ended") if count else self.journeys()

    def command(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a command of ``deid-node`` to its end."""
        return deid_node(*arguments, cwd=self.root)

    @contextmanager
    def running(self) -> Iterator[RunningNode]:
        """Run the node for the length of a ``with`` block; it must not write to standard error."""
        with running_node(self.config, self.log) as node:
            yield node
        assert not self.errors


def deid_node(*arguments: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command of ``deid-node`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "deid_node", *map(str, arguments)],
        cwd=cwd,
        # The package need not be installed where the command runs.
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def node_folder(
    root: Path, *, destination: Mapping[str, Any] | None = None, **sections: Mapping[str, Any]
) -> NodeFolder:
    """Make `root` with a key and a configuration.

    `destination` is that of ``archive``; without one, a folder below `root`.
    `sections` replace sections of the configuration.
    """
    root.mkdir(parents=True)
    new_key_file(root / "pseudonym.key")
    folder = NodeFolder(root)
    content: dict[str, Any] = {
        "receive": {"host": "127.0.0.1", "port": 0},
        "spool": {"dir": "./spool", "reserve_bytes": 1_000_000},
        "route": {
            "rules": [
                {
                    "name": "everything",
                    "when": {"kind": "always"},
                    "then": {
                        "kind": "forward", "treatment": "research", "destinations": ["archive"],
                    },
                }
            ]
        },
        "metadata": {
            "pseudonym_key_file": "./pseudonym.key",
            "options": ["clean_pixel_data", "clean_structured_content"],
        },
        "work": {"engine": {"kind": "local", "processes": 1}},
        "forward": {
            "destinations": {"archive": destination or {"kind": "folder", "dir": "./archive"}},
            "retry": {"first_seconds": 0.2, "factor": 2, "cap_seconds": 2},
        },
        "observe": {"http": {"port": 0}},
    }  # fmt: skip
    for name, section in sections.items():
        content[name] = {**content.get(name, {}), **section}
    # JSON is YAML; it keeps the configuration readable when a test fails.
    folder.config.write_text(json.dumps(content, indent=1))
    assert yaml.safe_load(folder.config.read_text())
    return folder


def stow(url: str, **settings: Any) -> dict[str, Any]:
    """Return a STOW-RS destination."""
    return {"kind": "stow", "url": url, **settings}


def cstore(port: int, **settings: Any) -> dict[str, Any]:
    """Return a C-STORE destination on the loopback."""
    return {"kind": "cstore", "ae_title": "RESEARCH", "host": "127.0.0.1", "port": port, **settings}
