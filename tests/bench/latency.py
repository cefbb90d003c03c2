"""How long a sender waits at the door, while it is idle and while every core cleans.

One sender asks and stores at an even pace, over associations that stay open. Before the busy
round enough slices are queued for the workers to have work to its end.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
import yaml
from pydicom import Dataset, dcmread
from pynetdicom import AE
from pynetdicom.association import Association

from deid_node.demo.server import RunningNode, running_node
from deid_node.metadata.apply.keys import new_key_file
from tests.bench.senders import send_all
from tests.bench.slices import write_slices
from tests.bench.whole import configuration

ECHO = "1.2.840.10008.1.1"
PAUSE_SECONDS = 0.02
BACKLOG = 4
"""Slices that are queued for each that is stored: cleaning is slower than storing."""


def measure_latency(folder: Path, *, rounds: int, each: int) -> None:
    """Print the quantiles of echo and store, idle and busy, `each` of both a round."""
    new_key_file(folder / "pseudonym.key")
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(configuration({"kind": "onnxruntime"})))
    stores = write_slices(folder / "stores", 2 * rounds * each, series=1)
    backlog = folder / "backlog"
    write_slices(backlog, BACKLOG * each, series=2)
    waits: dict[str, list[float]] = {}
    with running_node(config, folder / "node.log") as node, _association(node) as open_one:
        for _ in range(rounds):
            _round("idle", open_one, [stores.pop() for _ in range(each)], waits)
            sleep(5)
        send_all([backlog], node.port, called="DEIDNODE")
        for _ in range(rounds):
            _round("busy", open_one, [stores.pop() for _ in range(each)], waits)
    print(f"milliseconds, {rounds} rounds of {each}: median, p95, p99, longest")
    for name, seconds in waits.items():
        quantiles = np.quantile(np.array(seconds) * 1000, [0.5, 0.95, 0.99, 1])
        print(f"  {name:12}" + "".join(f"{one:9.1f}" for one in quantiles))


def _round(
    name: str, open_one: Association, paths: list[Path], waits: dict[str, list[float]]
) -> None:
    for path in paths:
        dataset = dcmread(path)
        waits.setdefault(f"echo, {name}", []).append(_timed(open_one.send_c_echo))
        waits.setdefault(f"store, {name}", []).append(
            _timed(partial(open_one.send_c_store, dataset))
        )
        sleep(PAUSE_SECONDS)


def _timed(ask: Callable[[], Dataset]) -> float:
    started = perf_counter()
    answer = ask()
    seconds = perf_counter() - started
    if "Status" not in answer or answer.Status != 0:
        raise SystemExit("the door did not say success")
    return seconds


@contextmanager
def _association(node: RunningNode) -> Iterator[Association]:
    caller = AE("LATENCY")
    caller.add_requested_context(ECHO)
    caller.add_requested_context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
    opened = caller.associate("127.0.0.1", node.port, ae_title="DEIDNODE")
    if not opened.is_established:
        raise SystemExit("the door did not take the association")
    try:
        yield opened
    finally:
        opened.release()
