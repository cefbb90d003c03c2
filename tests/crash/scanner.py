"""A scanner that remembers what it was answered, and may lose its node at any moment.

``python -m tests.crash.scanner PORT START COUNT FILE`` is one in a process of its own,
that may be killed: it writes each UID that was acknowledged into FILE at once.

It speaks with the association of the way out: the library's own client waits for an
answer until its time-out when the connection breaks at the wrong moment.
"""

import io
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from deid_node.errors import DestinationUnavailable
from deid_node.forward.dimse.association import (
    Archive,
    Association,
    AssociationLost,
    open_association,
)
from deid_node.forward.dimse.pdus import Context
from tests.crash.parcels import Parcel, parcels


class Scanner:
    """Sends instances; `answers` holds the status of each that got one."""

    def __init__(
        self, title: str = "SCANNER", *, remember: Callable[[str], object] = lambda _uid: None
    ) -> None:
        self._title = title
        self._remember = remember
        self.answers: dict[str, int] = {}

    @property
    def acknowledged(self) -> set[str]:
        """The instances that the node has answered with Success."""
        return {uid for uid, status in self.answers.items() if status == 0x0000}

    def send(self, parcels: Sequence[Parcel], port: int, *, associations: int = 1) -> None:
        """Send `parcels` over several associations at once; a lost one ends its share."""
        threads = [
            threading.Thread(target=self._send, args=(parcels[number::associations], port))
            for number in range(associations)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def associate(self, parcels: Sequence[Parcel], port: int) -> Association:
        """Return an association that offers what `parcels` need."""
        offers = sorted({(parcel.sop_class_uid, parcel.transfer_syntax) for parcel in parcels})
        peer = Archive(
            host="127.0.0.1",
            port=port,
            called="DEIDNODE",
            calling=self._title,
            timeout_seconds=200,
            implementation=("1.2.826.0.1.3680043.8.498.1", "SCANNER"),
        )
        contexts = [Context(2 * number + 1, *offer) for number, offer in enumerate(offers)]
        return open_association(peer, contexts)

    def _send(self, parcels: Sequence[Parcel], port: int) -> None:
        if not parcels:
            return
        try:
            association = self.associate(parcels, port)
            for parcel in parcels:
                status = association.store(
                    io.BytesIO(parcel.dataset),
                    len(parcel.dataset),
                    sop_class=parcel.sop_class_uid,
                    sop_instance=parcel.sop_instance_uid,
                    transfer_syntax=parcel.transfer_syntax,
                )
                self.answers[parcel.sop_instance_uid] = status
                if status == 0x0000:
                    self._remember(parcel.sop_instance_uid)
            association.release()
        except (DestinationUnavailable, AssociationLost):
            return


def _serve(port: int, start: int, count: int, file: Path) -> None:
    with file.open("a", buffering=1) as acknowledged:
        scanner = Scanner(remember=lambda uid: acknowledged.write(f"{uid}\n"))
        scanner.send(parcels(count, start=start), port)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
