"""What an accepted association does not do."""

import pytest
from pynetdicom import AE, evt

from deid_node.receive.dimse.acceptor import Acceptor


@pytest.mark.parametrize(
    "event",
    [evt.EVT_DIMSE_RECV, evt.EVT_DIMSE_SENT, evt.EVT_PDU_RECV, evt.EVT_PDU_SENT],
    ids=lambda event: event.name,
)
def test_the_library_does_not_write_what_a_peer_says_to_its_log(
    event: evt.NotificationEvent,
) -> None:
    acceptor = Acceptor(AE("DEIDNODE"), lambda _acceptor: None)

    assert acceptor.get_handlers(event) == []
