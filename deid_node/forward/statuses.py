"""What the status of a C-STORE response means for the instance.

Three principles decide. A status that says "I have it" delivers. A status that
blames *this instance* refuses it: sending the same bytes again can only give
the same answer, so a person looks. Everything else (the archive's own trouble,
its policy, a confused conversation, a status that nobody defined) waits and is
tried again: nothing is lost by waiting, and it is seen in the metrics.
"""

from enum import IntEnum

from deid_node.values.delivery import DeliveryResult


class StoreStatus(IntEnum):
    """The statuses that are single numbers. Source: PS3.4 Table B.2-1, PS3.7 Annex C."""

    SUCCESS = 0x0000
    REQUESTED_OPTIONAL_ATTRIBUTES_UNSUPPORTED = 0x0001  # PS3.7 C.4.2
    NO_SUCH_ATTRIBUTE = 0x0105
    INVALID_ATTRIBUTE_VALUE = 0x0106
    ATTRIBUTE_LIST_ERROR = 0x0107  # C.4.2, a warning
    PROCESSING_FAILURE = 0x0110
    DUPLICATE_SOP_INSTANCE = 0x0111
    NO_SUCH_SOP_INSTANCE = 0x0112
    INVALID_ARGUMENT_VALUE = 0x0115
    ATTRIBUTE_VALUE_OUT_OF_RANGE = 0x0116  # C.4.2, a warning
    INVALID_SOP_INSTANCE = 0x0117
    NO_SUCH_SOP_CLASS = 0x0118
    CLASS_INSTANCE_CONFLICT = 0x0119
    MISSING_ATTRIBUTE = 0x0120
    MISSING_ATTRIBUTE_VALUE = 0x0121
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORIZED = 0x0124
    DUPLICATE_INVOCATION = 0x0210
    UNRECOGNIZED_OPERATION = 0x0211
    MISTYPED_ARGUMENT = 0x0212
    RESOURCE_LIMITATION = 0x0213


_WARNINGS = frozenset(
    {
        StoreStatus.REQUESTED_OPTIONAL_ATTRIBUTES_UNSUPPORTED,
        StoreStatus.ATTRIBUTE_LIST_ERROR,
        StoreStatus.ATTRIBUTE_VALUE_OUT_OF_RANGE,
        # We send one instance with one UID and the same bytes for ever, so the archive
        # that calls it a duplicate has it: from an attempt whose answer never came.
        StoreStatus.DUPLICATE_SOP_INSTANCE,
    }
)
_REFUSALS = frozenset(
    {
        StoreStatus.NO_SUCH_ATTRIBUTE,
        StoreStatus.INVALID_ATTRIBUTE_VALUE,
        StoreStatus.INVALID_ARGUMENT_VALUE,
        StoreStatus.INVALID_SOP_INSTANCE,
        StoreStatus.NO_SUCH_SOP_CLASS,
        StoreStatus.CLASS_INSTANCE_CONFLICT,
        StoreStatus.MISSING_ATTRIBUTE,
        StoreStatus.MISSING_ATTRIBUTE_VALUE,
        StoreStatus.SOP_CLASS_NOT_SUPPORTED,
        StoreStatus.MISTYPED_ARGUMENT,
    }
)


def result_of(status: int) -> DeliveryResult:
    """Return what a C-STORE status (0x0000 to 0xFFFF) means.

    A7xx (out of resources), 0110, 0124 (not authorised), 0210, 0211 and 0213
    fall under "everything else": they speak of the archive and are healed there,
    by time or by its administrator, for all waiting instances at once.

    Source
    ------
    PS3.4 Table B.2-1 (A7xx, A9xx, Cxxx failures; Bxxx warnings); PS3.7 Annex C.
    """
    if status == StoreStatus.SUCCESS:
        return DeliveryResult.DELIVERED
    if status >> 12 == 0xB or status in _WARNINGS:
        return DeliveryResult.WARNING
    # A9xx: the dataset does not match its SOP class; Cxxx: it cannot be understood.
    if status >> 8 == 0xA9 or status >> 12 == 0xC or status in _REFUSALS:
        return DeliveryResult.REFUSED
    return DeliveryResult.RETRY
