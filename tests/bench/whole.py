"""The whole node, from four senders to a folder: received, cleaned, delivered."""

from pathlib import Path
from time import perf_counter
from typing import Any

import yaml

from deid_node.demo.server import running_node
from deid_node.metadata.apply.keys import new_key_file
from tests.bench.receive import SENDERS
from tests.bench.senders import send_all
from tests.bench.slices import write_slices
from tests.fakes.waiting import eventually


def measure_whole(folder: Path, *, rounds: int, each: int) -> None:
    """Print instances a second end to end; the node and its workers are warm."""
    new_key_file(folder / "pseudonym.key")
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(_configuration()))
    with running_node(config, folder / "node.log") as node:
        for number in range(rounds + 1):
            # The first round warms the models and is not told.
            count = each // 4 if number else 2
            sources = [folder / f"round-{number}" / str(sender) for sender in range(SENDERS)]
            for sender, source in enumerate(sources):
                write_slices(source, count, series=100 * (number + 1) + sender)
            before = _delivered(folder)
            started = perf_counter()
            sending = send_all(sources, node.port, called="DEIDNODE")
            eventually(
                lambda wanted=before + SENDERS * count: _delivered(folder) >= wanted,  # type: ignore[misc]
                what="all are delivered",
                patience_seconds=1800,
            )
            seconds = perf_counter() - started
            if number:
                total = SENDERS * count
                print(
                    f"round {number}: {total} slices acknowledged in {sending:.1f} s,"
                    f" in the folder after {seconds:.1f} s: {total / seconds:.1f} a second"
                )


def _delivered(folder: Path) -> int:
    return sum(1 for _ in (folder / "out").rglob("[!.]*.dcm"))


def _configuration() -> dict[str, Any]:
    then = {"kind": "forward", "treatment": "research", "destinations": ["folder"]}
    return {
        "receive": {"host": "127.0.0.1", "port": 0},
        "spool": {"dir": "./spool", "reserve_bytes": 0},
        "route": {"rules": [{"name": "everything", "when": {"kind": "always"}, "then": then}]},
        "metadata": {"pseudonym_key_file": "./pseudonym.key"},
        "forward": {"destinations": {"folder": {"kind": "folder", "dir": "./out"}}},
        "observe": {"http": {"port": 0}},
    }
