"""Whose turn it is on an association, so that its threads can wait instead of looking.

The library's two threads of an association look every millisecond whether there
is something to do. DICOM peers speak in turns: after a request nothing comes
until it is answered. So the thread that reads waits for the connection while
the peer has the turn, and for our answer while we have it; the thread that
serves waits for a message. Each wait has a short end, after which the library
looks at its timers; a peer that speaks out of turn is only served later.
"""

import threading
from queue import Empty, Queue
from typing import Final, TypeVar

T = TypeVar("T")

LONGEST_WAIT_SECONDS: Final = 0.02
"""After this, the library's loops go round: they look at time-outs, and at an abort of ours."""


class Turns:
    """The turns of one association; the peer begins."""

    def __init__(self) -> None:
        self._ours = False
        self._answered = threading.Event()
        self._asked = threading.Event()

    @property
    def ours(self) -> bool:
        """Whether the peer has asked and we have not answered."""
        return self._ours

    def take(self) -> None:
        """Note that the peer is about to be heard: the turn is ours."""
        self._answered.clear()
        self._ours = True
        self._asked.set()

    def pass_back(self) -> None:
        """Note that an answer is on its way: the turn is the peer's."""
        self._ours = False
        self._answered.set()

    def wait_for_answer(self) -> bool:
        """Wait until we have answered, or for a moment; return whether we have."""
        return self._answered.wait(LONGEST_WAIT_SECONDS)

    def wait_for_question(self) -> None:
        """Wait until the peer asks, or for a moment."""
        self._asked.wait(LONGEST_WAIT_SECONDS)
        self._asked.clear()


class QuestionQueue(Queue[T]):
    """What the peer says; to put something there takes the turn."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns
        self.was_used = False
        """Whether anything was ever put there."""

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Put `item`."""
        # Before it can be seen: the answer to it must not come first.
        self._turns.take()
        self.was_used = True
        super().put(item, block, timeout)


class MessageQueue(QuestionQueue[T]):
    """Messages of the peer. To look for one without blocking is to wait for a moment."""

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Return the next message; raise `queue.Empty`."""
        if block:
            return super().get(block, timeout)
        try:
            return super().get(block=False)
        except Empty:
            self._turns.wait_for_question()
            return super().get(block=False)


class AnswerQueue(Queue[T]):
    """What we say; to put something there passes the turn back."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Put `item`."""
        super().put(item, block, timeout)
        # Not before it can be seen: who waits for it looks only once.
        self._turns.pass_back()
