"""The promise of every place that audit messages go to."""

from collections.abc import Sequence
from typing import Protocol

from deid_node.audit.message import AuditMessage


class Target(Protocol):
    """Takes audit messages for good.

    Promise, tested for every backend by ``tests/contract/test_audit_target.py``:

    * `deliver` returns when all of the batch was handed over, in order;
    * it raises `AuditUnavailable` when that is not so; then the whole batch is handed
      in again later, and a message may arrive twice;
    * it comes back within its time limit, whatever the other side does;
    * after `close` nothing is left open, and `deliver` opens anew.

    Called by one thread at a time. That a repository has *kept* a message is not
    promised: syslog has no word for it.
    """

    def deliver(self, batch: Sequence[AuditMessage]) -> None:
        """Hand over `batch`; raise `AuditUnavailable`."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
