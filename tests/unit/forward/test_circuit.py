import random

import pytest

from deid_node.forward.circuit import Circuit
from deid_node.values.retry import RetryPolicy


def circuit() -> Circuit:
    return Circuit(RetryPolicy(100, 2, 1000), random.Random(1))


def test_it_is_closed_at_first() -> None:
    made = circuit()

    assert (made.is_open, made.wait_seconds) == (False, 0)
    assert not made.answered()


def test_an_unreachable_destination_opens_it_at_once_and_an_answer_closes_it() -> None:
    made = circuit()

    assert made.unreachable()
    assert not made.unreachable()
    assert made.is_open
    assert 90 < made.wait_seconds <= 200
    assert made.answered()
    assert (made.is_open, made.wait_seconds) == (False, 0)


def test_three_failures_in_a_row_open_it_and_an_answer_in_between_starts_the_count_again() -> None:
    made = circuit()

    assert [made.failed(), made.failed()] == [False, False]
    made.answered()
    assert [made.failed(), made.failed(), made.failed(), made.failed()] == [
        False,
        False,
        True,
        False,
    ]
    assert made.is_open


@pytest.mark.req("REQ-FW-16")
def test_a_pause_that_is_asked_for_is_kept_and_is_no_outage() -> None:
    made = circuit()
    made.pause(500)
    made.pause(10)

    assert (made.is_open, made.failed()) == (False, False)
    assert 490 < made.wait_seconds <= 500
    made.answered()
    assert 490 < made.wait_seconds <= 500


def test_the_waits_grow_up_to_the_cap() -> None:
    made = circuit()
    waits = []
    for _ in range(8):
        made.unreachable()
        waits.append(made.wait_seconds)

    assert waits[3] > waits[0]
    assert 499 < waits[-1] <= 1000
