"""The peers that this machine has."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from deid_node.errors import InputError
from deid_node_lab.peers.base import Peer
from deid_node_lab.peers.faster_paddle import FasterPaddle
from deid_node_lab.peers.rapidocr import RapidOcr
from deid_node_lab.peers.tesseract import Tesseract

_MAKERS: Final[Mapping[str, Callable[[int], Peer]]] = MappingProxyType(
    {
        "rapidocr": lambda threads: RapidOcr(threads=threads),
        "rapidocr, doubled": lambda threads: RapidOcr(scale=2, threads=threads),
        "faster-paddle": lambda threads: FasterPaddle(threads=threads),
        "tesseract": lambda threads: Tesseract(threads=threads),
    }
)


def build_peers(*, threads: int) -> tuple[tuple[Peer, ...], tuple[str, ...]]:
    """Return the peers that can run here, and for each that cannot why."""
    peers: list[Peer] = []
    missing: list[str] = []
    for make in _MAKERS.values():
        try:
            peers.append(make(threads))
        except InputError as error:
            if str(error) not in missing:
                missing.append(str(error))
    return tuple(peers), tuple(missing)
