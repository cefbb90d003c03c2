"""Where models stand that a worker asks, and the line to them.

A line is two connections: on one questions are asked and answered, on the other the far side
says each second that it lives. Each is let in by a ticket that is good for one connection, so
that an answer which comes after its connection was given up reaches nobody.
"""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from deid_node.lines.channel import BEAT, HANDSHAKE_SECONDS, Channel, call, calling_context
from deid_node.lines.messages import LineLost, Message
from deid_node.lines.options import LineTlsOptions
from deid_node.pixels.remote.words import HELLO, WELCOME, Purpose

SETTING: Final = "work.engine.tls"


@dataclass(frozen=True, slots=True)
class Place:
    """An address, the tickets for one line, and how long it may be silent, in seconds.

    `answer_seconds` is for one answer: what comes later counts as lost, as silence does.
    """

    host: str
    port: int
    tickets: tuple[str, str] = field(repr=False)
    tls: LineTlsOptions
    silence_seconds: float
    answer_seconds: float


class Line:
    """Asks the models at one place; used by one thread.

    `lost` is called when the line is lost, by whichever thread sees it, and may end the
    process; where it returns, `ask` raises `LineLost`.
    """

    def __init__(self, place: Place, lost: Callable[[], None]) -> None:
        """Open the line; raise `LineLost` where that cannot be, and `ConfigurationError`."""
        self._place = place
        self._lost = lost
        context = calling_context(place.tls, SETTING)
        questions, pulse = place.tickets
        self._questions = self._opened(context, Purpose.QUESTIONS, questions)
        try:
            self._pulse = self._opened(context, Purpose.PULSE, pulse)
        except LineLost:
            self._questions.close()
            raise
        self._closed = False
        self._listener = threading.Thread(target=self._listen, name="pulse", daemon=True)
        self._listener.start()

    def ask(self, question: Message) -> Message:
        """Return the answer to `question`."""
        try:
            self._questions.send(question, seconds=self._place.answer_seconds)
            return self._questions.receive(seconds=self._place.answer_seconds)
        except LineLost:
            self._lost()
            raise

    def give_up(self) -> None:
        """Say that what was answered is nonsense: the line is of no use any more."""
        self._lost()

    def close(self) -> None:
        """End it, without a word to anybody."""
        self._closed = True
        self._questions.close()
        self._pulse.break_off()
        self._listener.join()
        self._pulse.close()

    def _opened(self, context: ssl.SSLContext, purpose: Purpose, ticket: str) -> Channel:
        place = self._place
        channel = call(
            place.host,
            place.port,
            context,
            server_name=place.tls.server_name,
            seconds=HANDSHAKE_SECONDS,
        )
        try:
            hello = Message(HELLO, {"ticket": ticket, "for": purpose})
            channel.send(hello, seconds=HANDSHAKE_SECONDS)
            answer = channel.receive(seconds=HANDSHAKE_SECONDS)
        except LineLost:
            channel.close()
            raise
        if answer.kind != WELCOME:
            channel.close()
            raise LineLost("no welcome")
        return channel

    def _listen(self) -> None:
        try:
            while self._pulse.receive(seconds=self._place.silence_seconds).kind == BEAT.kind:
                pass
        except LineLost:
            pass
        if not self._closed:
            self._lost()
