"""The waiting of an association's threads: nothing is missed, and every wait ends."""

import threading
from queue import Empty

import pytest

from deid_node.receive.dimse.turns import AnswerQueue, MessageQueue, QuestionQueue, Turns


def test_the_peer_begins() -> None:
    assert not Turns().ours


def test_a_question_takes_the_turn_and_an_answer_passes_it_back() -> None:
    turns = Turns()
    questions, answers = QuestionQueue[str](turns), AnswerQueue[str](turns)

    questions.put("echo?")
    after_question = turns.ours
    answers.put("echo")

    assert (after_question, turns.ours) == (True, False)
    assert turns.wait_for_answer()
    assert (questions.get(block=False), answers.get(block=False)) == ("echo?", "echo")


def test_the_turn_is_ours_before_the_question_can_be_seen() -> None:
    turns = Turns()
    seen: list[bool] = []

    class Watched(QuestionQueue[str]):
        def _put(self, item: str) -> None:
            seen.append(turns.ours)
            super()._put(item)

    Watched(turns).put("echo?")

    assert seen == [True]


def test_the_answer_can_be_seen_before_the_turn_is_passed_back() -> None:
    turns = Turns()
    turns.take()
    seen: list[bool] = []

    class Watched(AnswerQueue[str]):
        def _put(self, item: str) -> None:
            seen.append(turns.ours)
            super()._put(item)

    Watched(turns).put("echo")

    assert seen == [True]
    assert turns.wait_for_answer()


def test_waiting_for_an_answer_that_does_not_come_ends() -> None:
    turns = Turns()
    turns.take()

    assert not turns.wait_for_answer()


def test_looking_for_a_message_that_does_not_come_ends() -> None:
    with pytest.raises(Empty):
        MessageQueue[str](Turns()).get(block=False)


def test_no_message_is_missed_by_one_who_only_looks() -> None:
    messages = MessageQueue[int](Turns())
    wanted = 500
    seen: list[int] = []

    def put_all() -> None:
        for number in range(wanted):
            messages.put(number)

    putting = threading.Thread(target=put_all)

    putting.start()
    while len(seen) < wanted:
        try:
            seen.append(messages.get(block=False))
        except Empty:
            continue
    putting.join()

    assert seen == list(range(wanted))
