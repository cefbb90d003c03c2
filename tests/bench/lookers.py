"""Other programs that find text, a process for each core: how many slices they look at a second."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

from deid_node.dicom import part10
from deid_node.dicom.silence import silence_libraries
from deid_node.pixeldata.picture import shown_frame
from deid_node_lab.peers.base import Peer
from deid_node_lab.peers.build import build_peers

CORES = os.cpu_count() or 1
LOOKED_AT = 12
"""Slices a round: the slower programs take seconds for each."""

_peers: dict[str, Peer] = {}


class Lookers:
    """Processes that hold the programs, loaded and warm; `missing` says which are not there."""

    def __init__(self) -> None:
        peers, self.missing = build_peers(threads=1)
        self._names = [peer.name for peer in peers if "small" in peer.name or "tiny" in peer.name]
        self._names = [name for name in self._names if "doubled" not in name]
        del peers
        self._pool = ProcessPoolExecutor(
            CORES, mp_context=get_context("spawn"), initializer=_load, initargs=(self._names,)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()

    def rates(self, paths: Sequence[Path]) -> Iterator[tuple[str, float]]:
        """Yield each program's name and how many of the slices at `paths` it sees a second."""
        chosen = list(paths)[: LOOKED_AT * CORES]
        for name in self._names:
            # One for each process first: models are loaded at the first call.
            list(self._pool.map(_look, [name] * CORES, chosen[:CORES]))
            started = perf_counter()
            list(self._pool.map(_look, [name] * len(chosen), chosen))
            yield name, len(chosen) / (perf_counter() - started)


def _load(names: Sequence[str]) -> None:
    silence_libraries()
    os.environ["OMP_NUM_THREADS"] = "1"
    peers, _ = build_peers(threads=1)
    _peers.update((peer.name, peer) for peer in peers if peer.name in names)


def _look(name: str, path: Path) -> int:
    return len(_peers[name].boxes(shown_frame(part10.read(path), 0)))
