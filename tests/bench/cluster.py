"""The whole node with its models on a Ray cluster of this machine, beside the local engine.

The cluster, the node, its workers and the actors share the cores of one machine: what is to be
seen is what a line to an actor costs, and whether two actors do the work of two. How far it
goes on more machines is reckoned in docs/performance.md.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from deid_node.lines.messages import Message
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from tests.bench.receive import SENDERS
from tests.bench.whole import configuration, measured
from tests.fakes.finder import finds_nothing
from tests.fakes.model_hall import hall
from tests.fakes.ray_cluster import RayCluster, ray_cluster

_ACTORS = (1, 2, 4)
_ASKED = 200


def measure_cluster(folder: Path, *, rounds: int, each: int) -> None:
    """Print instances a second for each engine in turns, and the cost of a question."""
    count = max(1, each // SENDERS)
    seen: dict[str, list[float]] = {}
    with ray_cluster(folder / "cluster") as cluster:
        for number in range(rounds):
            for name, engine in _engines(cluster).items():
                told = configuration({"kind": "onnxruntime"}) | {"work": {"engine": engine}}
                rate, _ = measured(folder / f"{name}-{number}".replace(" ", "-"), told, count)
                seen.setdefault(name, []).append(rate)
                # Said at once: on a busy machine it takes long.
                print(f"round {number + 1}, {name}: {rate:.2f} a second", flush=True)
    for name, rates in seen.items():
        every = " ".join(f"{rate:.1f}" for rate in rates)
        print(f"{name}: {every}, median {median(rates):.1f} a second")
    _tell_question(folder)


def _engines(cluster: RayCluster) -> Mapping[str, Mapping[str, Any]]:
    local = {f"local, {n} processes": {"kind": "local", "processes": n} for n in (1, 2)}
    remote = {
        f"ray, {n} actors": cluster.options(actors=n).model_dump(mode="json") for n in _ACTORS
    }
    return {**local, **remote}


def _tell_question(folder: Path) -> None:
    """Print what it takes to show a view of 512 x 512 to somebody who does not look at it."""
    from time import perf_counter

    view = np.random.default_rng(1).integers(0, 256, (512, 512)).astype(np.uint8)
    taken: dict[str, list[float]] = {"a line": [], "the finder": []}
    finder = build_finder(CrnnOptions(device="cpu"))
    with hall(folder / "hall", finds_nothing()) as there:
        line = there.line()
        for _ in range(_ASKED):
            began = perf_counter()
            line.ask(Message("find", arrays=[view]))
            taken["a line"].append(perf_counter() - began)
    for _ in range(20):
        began = perf_counter()
        finder.find([view])
        taken["the finder"].append(perf_counter() - began)
    for name, seconds in taken.items():
        print(f"{name}: median {1000 * median(seconds):.2f} ms for a view of 512 x 512")
