"""The audit trail as a part of the node: it says when the node starts and when it stops."""

from deid_node.audit.event_messages import NodeIdentity, node_started, node_stopped
from deid_node.audit.message import AuditMessage
from deid_node.audit.trail import AuditTrail
from deid_node.errors import AuditUnavailable, ConfigurationError


class NodeRecord:
    """Starts and stops the trail; the first and the last message are the node's own."""

    def __init__(self, trail: AuditTrail, node: NodeIdentity, *, user: str) -> None:
        self._trail = trail
        self._node = node
        self._user = user

    def start(self) -> None:
        """Begin the trail; raise `ConfigurationError` where it cannot be kept on disk."""
        try:
            self._trail.start()
        except AuditUnavailable as error:
            raise ConfigurationError("spool.dir", str(error)) from None
        self._tell(node_started(self._node, user=self._user))

    def stop(self) -> None:
        """End the trail; what could not be delivered waits for the next start."""
        self._tell(node_stopped(self._node, user=self._user))
        self._trail.stop()

    def _tell(self, message: AuditMessage) -> None:
        self._trail.record(message)
