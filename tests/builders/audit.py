"""One audit message of each kind."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deid_node.audit.event_messages import (
    NodeIdentity,
    Sender,
    Study,
    caller_refused,
    exported,
    instances_received,
    node_started,
    node_stopped,
    person_decided,
    transfer_began,
    transfer_ended,
)
from deid_node.audit.message import AuditMessage, Source
from deid_node.values.identity import new_instance_id
from deid_node.values.instance import BlobRef
from tests.builders.values import a_clean_instance

NODE = NodeIdentity("DEIDNODE", "gateway")
SOURCE = Source("DEIDNODE@gateway", "hospital")
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
NEW_UID = "2.25.1234567"


def one_of_each() -> Sequence[AuditMessage]:
    """Return a message for each occasion."""
    sender = Sender("ct-one", "10.1.0.5")
    clean = [a_clean_instance(new_instance_id(), BlobRef("a.dcm", 1, "0")) for _ in range(2)]
    return [
        node_started(NODE, user="deid"),
        instances_received(
            NODE, sender, Study(NEW_UID), {CT_IMAGE: 3}, association="a1", repeated=False
        ),
        instances_received(
            NODE,
            sender,
            Study("1.2.3", "PAT-17 <&\"'\x01é", NEW_UID),
            {CT_IMAGE: 3},
            association="a1",
            repeated=True,
        ),
        caller_refused(NODE, address="10.9.9.9", peer=None, reason="tls_untrusted"),
        *transfer_began(NODE, "archive", clean),
        *transfer_ended(NODE, "archive", clean, refused=False),
        *transfer_ended(NODE, "archive", clean, refused=True),
        *exported(NODE, "out", clean, refused=False),
        *(
            person_decided(
                NODE,
                person="anna",
                instance="7f3c9a0000000000",
                at=datetime(2026, 3, 4, 10, 11, 12, tzinfo=UTC),
                code="no_rule",
                verb=verb,
            )
            for verb in ("release", "discard", "redeliver", "reprocess")
        ),
        node_stopped(NODE, user="deid"),
    ]
