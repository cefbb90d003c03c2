"""What an answer to STOW-RS means, by reason and by status."""

from datetime import UTC, datetime

import pytest

from deid_node.dicom.web.store_answer import NotStored, StoreAnswer, Stored, json_of
from deid_node.forward.stow.link import WebAnswer
from deid_node.forward.stow.verdicts import (
    LONGEST_PAUSE_SECONDS,
    RETRY,
    Verdict,
    Whole,
    judged,
    result_of_failure,
)
from deid_node.values.delivery import DeliveryResult

DELIVERED, WARNING, AGAIN, REFUSED = (
    DeliveryResult.DELIVERED,
    DeliveryResult.WARNING,
    DeliveryResult.RETRY,
    DeliveryResult.REFUSED,
)
NOW = datetime(2026, 3, 4, 10, 11, 12, tzinfo=UTC)


@pytest.mark.req("REQ-FW-14")
@pytest.mark.parametrize(
    ("reason", "result"),
    [
        (None, AGAIN),
        (0x0000, AGAIN),
        (0x0110, AGAIN),
        (0x0111, WARNING),
        (0x0122, REFUSED),
        (0x0124, AGAIN),
        (0xA700, AGAIN),
        (0xA7FF, AGAIN),
        (0xA900, REFUSED),
        (43265, REFUSED),
        (45070, WARNING),
        (45071, AGAIN),
        (0xB000, AGAIN),
        (0xB007, AGAIN),
        (0xC000, REFUSED),
        (0xC122, REFUSED),
        (0x1234, AGAIN),
    ],
)
def test_a_reason_means_what_the_status_of_c_store_means(
    reason: int | None, result: DeliveryResult
) -> None:
    assert result_of_failure(reason) == Verdict(result, reason)


def test_every_reason_has_a_meaning_and_none_but_a_duplicate_delivers() -> None:
    ended = {
        reason: result_of_failure(reason).result
        for reason in range(0x10000)
        if result_of_failure(reason).result is not AGAIN
    }

    assert {reason for reason, result in ended.items() if result is not REFUSED} == {
        0x0111,
        0xB00E,
    }


def test_one_that_stands_in_both_sequences_is_not_delivered() -> None:
    content = json_of(StoreAnswer((Stored("1.2", "1"),), (NotStored("1.2", "1", 0xA900),)))

    assert judged(WebAnswer(200, {}, content), ["1"], has_taken=True) == {"1": RETRY}


def pause(status: int, **headers: str) -> float | None:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    whole = judged(WebAnswer(status, named, b""), ["1"], has_taken=True, now=NOW)
    assert isinstance(whole, Whole)
    assert whole.alone.result is AGAIN
    return whole.alone.pause_seconds


@pytest.mark.req("REQ-FW-16")
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("99999999999999", LONGEST_PAUSE_SECONDS),
        ("Wed, 04 Mar 2026 10:11:42 GMT", 30),
        ("Wednesday, 04-Mar-26 10:11:42 GMT", 30),
        ("Wed Mar  4 10:11:42 2026", 30),
        ("Wed, 04 Mar 2026 10:00:00 GMT", 0),
        ("Thu, 04 Mar 2027 10:11:42 GMT", LONGEST_PAUSE_SECONDS),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
    ],
)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_retry_after_is_understood_in_both_forms_and_bounded(
    asked: str, seconds: float | None, status: int
) -> None:
    assert pause(status, retry_after=asked) == seconds


def test_a_date_counts_from_the_archives_own_clock() -> None:
    """Which may be years off ours."""
    asked = pause(
        503,
        retry_after="Mon, 04 Mar 2019 10:11:42 GMT",
        date="Mon, 04 Mar 2019 10:11:12 GMT",
    )

    assert asked == 30


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_only_a_busy_archive_makes_us_wait(status: int) -> None:
    whole = judged(WebAnswer(status, {"retry-after": "60"}, b""), ["1"], has_taken=False)

    assert isinstance(whole, Whole)
    assert whole.alone == Verdict(AGAIN, status)


def test_no_status_delivers_what_no_answer_names() -> None:
    answers = {
        status: judged(WebAnswer(status, {}, b"{}"), ["1"], has_taken=True)
        for status in range(200, 600)
    }

    wholes = {status: one for status, one in answers.items() if isinstance(one, Whole)}
    assert wholes.keys() == answers.keys()
    assert {one.alone.result for one in wholes.values()} == {AGAIN, REFUSED}
    assert {status for status, one in wholes.items() if one.alone.result is REFUSED} == {
        400, 413, 415,
    }  # fmt: skip
    assert {status for status, one in wholes.items() if one.divides and status >= 300} == {
        400, 408, 409, 413, 415, 500,
    }  # fmt: skip
