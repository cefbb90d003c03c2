"""A scanner that stores by STOW-RS, and may lose its node at any moment.

Acknowledged is what an answer names; what was sent in a request that got none is the
scanner's still.
"""

import http.client
import threading
from collections.abc import Sequence

from deid_node.dicom.part10 import spool_header
from deid_node.dicom.web.store_answer import AnswerUnreadable, answer_in
from tests.builders.stow import RELATED, body
from tests.crash.parcels import Parcel

_TOGETHER = 2


class WebScanner:
    """Sends instances, a few in each request; `acknowledged` holds those that were named."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()

    def send(self, parcels: Sequence[Parcel], port: int, *, associations: int = 1) -> None:
        """Send `parcels` over several connections at once; a lost one ends its share."""
        threads = [
            threading.Thread(target=self._send, args=(parcels[number::associations], port))
            for number in range(associations)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _send(self, parcels: Sequence[Parcel], port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=200)
        try:
            for at in range(0, len(parcels), _TOGETHER):
                content = body(map(file_of, parcels[at : at + _TOGETHER]))
                connection.request("POST", "/dicom-web/studies", content, {"Content-Type": RELATED})
                answer = answer_in(connection.getresponse().read())
                self.acknowledged |= {one.sop_instance_uid for one in answer.stored}
        except (OSError, http.client.HTTPException, AnswerUnreadable):
            return
        finally:
            connection.close()


def file_of(parcel: Parcel) -> bytes:
    """Return the Part 10 file of an instance."""
    header = spool_header(
        sop_class_uid=parcel.sop_class_uid,
        sop_instance_uid=parcel.sop_instance_uid,
        transfer_syntax=parcel.transfer_syntax,
    )
    return header + parcel.dataset
