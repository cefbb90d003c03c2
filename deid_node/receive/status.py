"""What a sender is told of an instance: one table from our errors to DIMSE statuses.

They are the status of C-STORE and the Failure Reason of STOW-RS alike. The sender reads
the status, nothing else. Success means custody.
"""

from enum import IntEnum

from deid_node.errors import (
    BlobDamaged,
    CustodyError,
    DatasetMismatch,
    DatasetUnreadable,
    DeidNodeError,
    PeerNotAuthorised,
    ReceiveError,
    SpoolFull,
    SpoolUnavailable,
    SyntaxNotTaken,
)


class StoreStatus(IntEnum):
    """Statuses that this node gives.

    C122 is for STOW-RS alone: an association agrees about transfer syntaxes before.

    Source
    ------
    PS3.4 Table B.2-1 (A7xx, A9xx, Cxxx); PS3.7 Annex C (0110, 0124); PS3.18 Table I.2-2.
    """

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    NOT_AUTHORISED = 0x0124
    OUT_OF_RESOURCES = 0xA700
    DATASET_DOES_NOT_MATCH_SOP_CLASS = 0xA900
    CANNOT_UNDERSTAND = 0xC000
    SYNTAX_NOT_SUPPORTED = 0xC122


_STATUS_OF_ERROR: tuple[tuple[type[DeidNodeError], StoreStatus], ...] = (
    (SpoolFull, StoreStatus.OUT_OF_RESOURCES),
    (SpoolUnavailable, StoreStatus.OUT_OF_RESOURCES),
    (BlobDamaged, StoreStatus.PROCESSING_FAILURE),
    (CustodyError, StoreStatus.OUT_OF_RESOURCES),
    (PeerNotAuthorised, StoreStatus.NOT_AUTHORISED),
    (DatasetMismatch, StoreStatus.DATASET_DOES_NOT_MATCH_SOP_CLASS),
    (SyntaxNotTaken, StoreStatus.SYNTAX_NOT_SUPPORTED),
    (DatasetUnreadable, StoreStatus.CANNOT_UNDERSTAND),
    (ReceiveError, StoreStatus.CANNOT_UNDERSTAND),
)


def status_of(error: Exception) -> StoreStatus:
    """Return the status for an error of the intake; a fault of ours is 0110."""
    for kind, status in _STATUS_OF_ERROR:
        if isinstance(error, kind):
            return status
    return StoreStatus.PROCESSING_FAILURE
