"""Where questions of several lines come together and are answered by one thread.

The models are for one thread. Questions that come within a short while of each other share one
call: an accelerator is used well by many views at once, and a finder gives the same boxes for
a view whatever stands beside it.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from deid_node.errors import FillFailed
from deid_node.lines.messages import Message
from deid_node.pixels.fill.tiles import Square, SquarePainter
from deid_node.pixels.remote.finder import boxes_told
from deid_node.pixels.remote.painter import squares_of
from deid_node.pixels.remote.words import Answer, Question
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.search import BATCH_BYTES

_LOOK_SECONDS: Final = 1.0


@dataclass(slots=True, eq=False)
class _Asked:
    question: Message
    squares: Sequence[Square] = ()
    answer: Message | None = None
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def held_bytes(self) -> int:
        return sum(array.nbytes for array in self.question.arrays)

    def ends(self, answer: Message) -> None:
        self.answer = answer
        self.done.set()


class ModelDesk:
    """Answers questions with `finder` and `painter`.

    `window_seconds` is how long the first of several questions waits for others; 0 where
    there is one line. `fault` is called when a model raises what it never should, and is
    expected to end the process: nobody knows what the model would answer next.
    """

    def __init__(
        self,
        finder: Finder,
        painter: SquarePainter | None,
        *,
        window_seconds: float,
        fault: Callable[[], None],
    ) -> None:
        self._finder = finder
        self._painter = painter
        self._window_seconds = window_seconds
        self._fault = fault
        self._waiting: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="models", daemon=True)
        self._thread.start()

    def ask(self, question: Message) -> Message | None:
        """Return the answer; any thread may call. None: it is no question, or nobody answers."""
        asked = _Asked(question)
        try:
            if question.kind == Question.PAINT and self._painter is not None:
                asked.squares = squares_of(question)
            elif question.kind != Question.FIND:
                return None
        except ValueError:
            return None
        self._waiting.put(asked)
        while not asked.done.wait(_LOOK_SECONDS):
            if self._closed.is_set():
                return None
        return asked.answer

    def close(self) -> None:
        """End; what waits is not answered."""
        self._closed.set()
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._closed.is_set():
                first = self._waiting.get()
                if first is not None:
                    self._answer(self._with_others(first))
        # Whatever it is: a model that broke once is not asked again.
        except Exception:  # noqa: BLE001
            self._closed.set()
            self._fault()

    def _with_others(self, first: _Asked) -> list[_Asked]:
        """Return `first` and what comes within the window, as much as one call may hold."""
        together = [first]
        held_bytes = first.held_bytes
        until = monotonic() + self._window_seconds
        while held_bytes < BATCH_BYTES:
            try:
                left = until - monotonic()
                one = self._waiting.get(timeout=left) if left > 0 else self._waiting.get_nowait()
            except queue.Empty:
                break
            if one is None:
                break
            together.append(one)
            held_bytes += one.held_bytes
        return together

    def _answer(self, together: Sequence[_Asked]) -> None:
        for kind in (Question.FIND, Question.PAINT):
            asked = [one for one in together if one.question.kind == kind]
            if asked:
                self._answer_all(kind, asked)

    def _answer_all(self, kind: Question, asked: Sequence[_Asked]) -> None:
        try:
            answers = self._found(asked) if kind is Question.FIND else self._painted(asked)
        except (MemoryError, FillFailed) as error:
            if len(asked) == 1:
                short = isinstance(error, MemoryError)
                asked[0].ends(Message(Answer.SHORT_OF_MEMORY if short else Answer.FILL_FAILED))
                return
            # Together they were too much: what one is in want of must not be another's answer.
            for one in asked:
                self._answer_all(kind, [one])
            return
        for one, answer in zip(asked, answers, strict=True):
            one.ends(answer)

    def _found(self, asked: Sequence[_Asked]) -> list[Message]:
        views = [view for one in asked for view in one.question.arrays]
        found = iter(self._finder.find(views))
        return [
            Message(Answer.FOUND, {"frames": [boxes_told(next(found)) for _ in own]})
            for own in (one.question.arrays for one in asked)
        ]

    def _painted(self, asked: Sequence[_Asked]) -> list[Message]:
        if self._painter is None:
            raise RuntimeError("no model that paints")
        painted = iter(self._painter.paint([one for own in asked for one in own.squares]))
        return [
            Message(Answer.PAINTED, arrays=[next(painted) for _ in own.squares]) for own in asked
        ]
