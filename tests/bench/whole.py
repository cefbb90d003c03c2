"""The whole node, from four senders to a folder: received, cleaned, delivered.

The runtimes of the finder take turns, each in a node of its own, and other programs look
at the same slices between them: looking alone, without DICOM, disk or delivery.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import yaml

from deid_node.demo.server import RunningNode, running_node
from deid_node.metadata.apply.keys import new_key_file
from tests.bench.lookers import Lookers
from tests.bench.receive import SENDERS
from tests.bench.senders import send_all
from tests.bench.slices import write_slices
from tests.bench.table import children_of, processor_seconds
from tests.fakes.waiting import eventually

RUNTIMES = {"onnxruntime": {"kind": "onnxruntime"}, "auto": {"kind": "auto"}}


def measure_whole(folder: Path, *, rounds: int, each: int) -> None:
    """Print instances a second end to end; everything is warm before it is measured."""
    count = max(1, each // SENDERS)
    seen: dict[str, list[float]] = {}
    taken: dict[str, list[tuple[float, float]]] = {}
    with Lookers() as lookers:
        for number in range(rounds):
            for name, runtime in RUNTIMES.items():
                home = folder / f"{name}-{number}"
                rate, processor = measured(home, configuration(runtime), count)
                seen.setdefault(f"the whole node, {name}", []).append(rate)
                taken.setdefault(name, []).append(processor)
            pictures = sorted((folder / f"auto-{number}").rglob("slices/**/*.dcm"))
            for name, rate in lookers.rates(pictures):
                seen.setdefault(f"{name}, looking alone", []).append(rate)
    for why in lookers.missing:
        print(f"left out: {why}")
    _tell(seen)
    for name, rounds_of in taken.items():
        node, workers = (median(each) * 1000 for each in zip(*rounds_of, strict=True))
        print(f"processor time for a slice, {name}: node {node:.1f} ms, workers {workers:.1f} ms")


def _tell(seen: Mapping[str, list[float]]) -> None:
    whole = median(seen["the whole node, auto"])
    for name, rates in seen.items():
        middle = median(rates)
        every = " ".join(f"{rate:.1f}" for rate in rates)
        print(f"{name}: {every}, median {middle:.1f} a second; node with auto {whole / middle:.1f}")


def measured(
    home: Path, configured: Mapping[str, Any], count: int
) -> tuple[float, tuple[float, float]]:
    """Return slices a second, and the seconds of processor time for one: node's and workers'."""
    home.mkdir()
    new_key_file(home / "pseudonym.key")
    config = home / "config.yaml"
    config.write_text(yaml.safe_dump(dict(configured)))
    with running_node(config, home / "node.log") as node:
        # The first slices warm the models and are not told.
        _seconds(home, node, series=1, count=2)
        workers = children_of(node.process.pid)
        before = processor_seconds(node.process.pid), sum(map(processor_seconds, workers))
        seconds = _seconds(home, node, series=100, count=count)
        after = processor_seconds(node.process.pid), sum(map(processor_seconds, workers))
    slices = SENDERS * count
    return slices / seconds, (
        (after[0] - before[0]) / slices,
        (after[1] - before[1]) / slices,
    )


def _seconds(home: Path, node: RunningNode, *, series: int, count: int) -> float:
    """Return the time from the start of the senders to the last slice in the folder."""
    sources = [home / "slices" / str(series + sender) for sender in range(SENDERS)]
    for number, source in enumerate(sources, series):
        write_slices(source, count, series=number)
    wanted = _delivered(home) + SENDERS * count
    started = perf_counter()
    send_all(sources, node.port, called="DEIDNODE")
    eventually(lambda: _delivered(home) >= wanted, what="all are delivered", patience_seconds=1800)
    return perf_counter() - started


def _delivered(home: Path) -> int:
    return sum(1 for _ in (home / "out").rglob("[!.]*.dcm"))


def configuration(runtime: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a node that fills one folder, its finder run by `runtime`."""
    then = {"kind": "forward", "treatment": "research", "destinations": ["folder"]}
    return {
        "receive": {"host": "127.0.0.1", "port": 0},
        "spool": {"dir": "./spool", "reserve_bytes": 0},
        "route": {"rules": [{"name": "everything", "when": {"kind": "always"}, "then": then}]},
        "pixels": {"finder": {"kind": "crnn", "runtime": dict(runtime)}},
        "metadata": {"pseudonym_key_file": "./pseudonym.key"},
        "forward": {"destinations": {"folder": {"kind": "folder", "dir": "./out"}}},
        "observe": {"http": {"port": 0}},
    }
