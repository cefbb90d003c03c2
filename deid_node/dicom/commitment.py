"""The words of the Storage Commitment Push Model, for whoever asks and whoever answers.

Source: PS3.4 Annex J.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from pydicom import Dataset
from pydicom.uid import UID

from deid_node.values.commitment import Reference
from deid_node.values.confirmation import ConfirmationReport

PUSH_MODEL: Final = "1.2.840.10008.1.20.1"
"""SOP class of storage commitment. Source: PS3.4 J.3.5."""
PUSH_MODEL_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
"""The one SOP instance of that class, known to everybody."""
REQUEST_ACTION: Final = 1
ALL_CONFIRMED: Final = 1
SOME_FAILED: Final = 2

# Stricter than the Standard is with its own senders nowhere: digits and dots, at most 64.
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID: Final = 64


def commitment_request(transaction_uid: str, references: Iterable[Reference]) -> Dataset:
    """Return the action information of N-ACTION. Source: PS3.4 Table J.3-1."""
    content = Dataset()
    content.TransactionUID = UID(transaction_uid)
    content.ReferencedSOPSequence = [reference_item(one) for one in references]
    return content


def parsed_report(content: Dataset) -> ConfirmationReport | None:
    """Return what an N-EVENT-REPORT says; None where it names no transaction or no UIDs.

    Source: PS3.4 Table J.3-2.
    """
    transaction = str(content.get("TransactionUID") or "")
    confirmed = _references(content.get("ReferencedSOPSequence"))
    failed = _references(content.get("FailedSOPSequence"))
    if not is_uid(transaction) or confirmed is None or failed is None:
        return None
    return ConfirmationReport(transaction, confirmed, failed)


def reference_item(reference: Reference) -> Dataset:
    """Return the item of a sequence that names one instance."""
    item = Dataset()
    item.ReferencedSOPClassUID = UID(reference.sop_class_uid)
    item.ReferencedSOPInstanceUID = UID(reference.sop_instance_uid)
    return item


def parsed_reference(item: Any) -> Reference | None:
    """Return the instance that an item names; None where it does not name one."""
    sop_class = str(item.get("ReferencedSOPClassUID") or "")
    sop_instance = str(item.get("ReferencedSOPInstanceUID") or "")
    if is_uid(sop_class) and is_uid(sop_instance):
        return Reference(sop_class, sop_instance)
    return None


def is_uid(text: str) -> bool:
    """Return whether `text` is a UID."""
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def _references(items: Any) -> tuple[Reference, ...] | None:
    found = tuple(parsed_reference(item) for item in items or ())
    named = tuple(one for one in found if one is not None)
    return named if len(named) == len(found) else None
