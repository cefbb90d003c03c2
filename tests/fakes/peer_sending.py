"""A destination that sends to a scripted archive, and the best behaved script."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from deid_node.forward.dimse.cstore import CStoreDestination
from deid_node.forward.options import CStoreOptions
from tests.fakes.peer_archive import Conversation


@contextmanager
def sending_to(
    port: int, *, timeout_seconds: float = 20, idle_seconds: float = 3600, associations: int = 2
) -> Iterator[CStoreDestination]:
    options = CStoreOptions(
        kind="cstore",
        ae_title="ARCHIVE",
        host="127.0.0.1",
        port=port,
        timeout_seconds=timeout_seconds,
        max_associations=associations,
    )
    with closing(CStoreDestination("archive", options, idle_seconds=idle_seconds)) as destination:
        yield destination


def good(peer: Conversation) -> None:
    peer.accept()
    peer.serve()
