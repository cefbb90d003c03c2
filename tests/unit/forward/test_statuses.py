"""Every status there can be, against a table written from the Standard."""

from collections import Counter

import pytest

from deid_node.forward.statuses import StoreStatus, result_of
from deid_node.values.delivery import DeliveryResult

DELIVERED, WARNING = DeliveryResult.DELIVERED, DeliveryResult.WARNING
RETRY, REFUSED = DeliveryResult.RETRY, DeliveryResult.REFUSED


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (0x0000, DELIVERED),
        (0x0001, WARNING),
        (0x0107, WARNING),
        (0x0116, WARNING),
        (0xB000, WARNING),  # coercion of data elements
        (0xB006, WARNING),  # elements discarded
        (0xB007, WARNING),  # dataset does not match SOP class
        (0xBFFF, WARNING),
        (0x0111, WARNING),  # duplicate SOP instance: it has it
        (0xA700, RETRY),  # out of resources
        (0xA7FF, RETRY),
        (0x0110, RETRY),
        (0x0124, RETRY),  # not authorised: mended at the archive
        (0x0210, RETRY),
        (0x0211, RETRY),
        (0x0213, RETRY),
        (0xA900, REFUSED),  # dataset does not match SOP class
        (0xA9FF, REFUSED),
        (0xC000, REFUSED),  # cannot understand
        (0xCFFF, REFUSED),
        (0x0105, REFUSED),
        (0x0106, REFUSED),
        (0x0115, REFUSED),
        (0x0117, REFUSED),
        (0x0118, REFUSED),
        (0x0119, REFUSED),
        (0x0120, REFUSED),
        (0x0121, REFUSED),
        (0x0122, REFUSED),
        (0x0212, REFUSED),
        (0x0112, RETRY),  # has no meaning for C-STORE
        (0xFE00, RETRY),  # cancel: nobody asked for it
        (0xFF00, RETRY),  # pending: C-STORE has none
        (0xA800, RETRY),
        (0x1234, RETRY),
    ],
)
def test_a_status_means_what_the_table_says(status: int, result: DeliveryResult) -> None:
    assert result_of(status) is result


def test_every_status_has_a_meaning_and_only_the_known_ones_end_a_delivery() -> None:
    ended = {status for status in range(0x10000) if result_of(status) is not RETRY}
    blocks = {*range(0xB000, 0xC000), *range(0xA900, 0xAA00), *range(0xC000, 0xD000)}

    single = ended - blocks

    assert blocks <= ended
    assert single == {
        0x0000, 0x0001, 0x0105, 0x0106, 0x0107, 0x0111, 0x0115, 0x0116, 0x0117, 0x0118, 0x0119,
        0x0120, 0x0121, 0x0122, 0x0212,
    }  # fmt: skip
    assert Counter(result_of(status) for status in range(0x10000)) == {
        DELIVERED: 1,
        WARNING: 4096 + 4,
        REFUSED: 256 + 4096 + 10,
        RETRY: 0x10000 - 1 - 4100 - 4362,
    }


def test_every_named_status_is_in_the_table() -> None:
    assert {result_of(status) for status in StoreStatus} == set(DeliveryResult)
