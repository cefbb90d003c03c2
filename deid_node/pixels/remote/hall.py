"""Lets nodes in to the models of this process: tickets, a line for each, and the pulse."""

import hmac
import secrets
import ssl
import threading
from collections.abc import Callable

from deid_node.lines.channel import BEAT, BEAT_SECONDS, HANDSHAKE_SECONDS, Channel
from deid_node.lines.listener import Listener
from deid_node.lines.messages import LineLost, Message
from deid_node.pixels.fill.build import build_painter
from deid_node.pixels.fill.tiles import SquarePainter
from deid_node.pixels.remote.desk import ModelDesk
from deid_node.pixels.remote.wanted import WantedModels
from deid_node.pixels.remote.words import HELLO, WELCOME, Purpose
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.build import build_finder

_IDLE_SECONDS = 24 * 3600.0
_SEND_SECONDS = 60.0


class ModelHall:
    """Listens on `host` and answers whoever shows a ticket that `admit` gave out.

    Each ticket lets one connection in, once. A line that is closed frees nothing else: what
    was asked on it is answered to nobody.
    """

    def __init__(
        self,
        finder: Finder,
        painter: SquarePainter | None,
        *,
        context: ssl.SSLContext,
        host: str,
        window_seconds: float = 0.0,
        fault: Callable[[], None],
    ) -> None:
        self._desk = ModelDesk(finder, painter, window_seconds=window_seconds, fault=fault)
        self._lock = threading.Lock()
        self._tickets: set[str] = set()
        self._listener = Listener(context, self._serve, host=host)
        self._listener.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listener.port

    def admit(self) -> tuple[str, str]:
        """Return tickets for one line."""
        tickets = (secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        with self._lock:
            self._tickets.update(tickets)
        return tickets

    def close(self) -> None:
        """Take no more lines, and answer nothing more."""
        self._listener.close()
        self._desk.close()

    def _serve(self, channel: Channel) -> None:
        hello = channel.receive(seconds=HANDSHAKE_SECONDS)
        if hello.kind != HELLO or not self._takes(hello.body.get("ticket")):
            raise LineLost("no ticket")
        channel.send(Message(WELCOME), seconds=HANDSHAKE_SECONDS)
        if hello.body.get("for") == Purpose.PULSE:
            while channel.rests(BEAT_SECONDS):
                channel.send(BEAT, seconds=_SEND_SECONDS)
            return
        while True:
            question = channel.receive(seconds=_IDLE_SECONDS)
            answer = self._desk.ask(question)
            if answer is None:
                raise LineLost("no answer")
            channel.send(answer, seconds=_SEND_SECONDS)

    def _takes(self, shown: object) -> bool:
        """Return whether a ticket is good, and let it be good no longer."""
        if not isinstance(shown, str) or not shown.isascii():
            return False
        with self._lock:
            good = next((one for one in self._tickets if hmac.compare_digest(one, shown)), None)
            self._tickets.discard(good or "")
        return good is not None


def open_hall(
    wanted: WantedModels,
    *,
    context: ssl.SSLContext,
    host: str,
    threads: int,
    window_seconds: float,
    fault: Callable[[], None],
) -> ModelHall:
    """Return a hall with the models that are `wanted`, loaded.

    Raises `ConfigurationError` where they cannot be had here, or are not the node's.
    """
    wanted.require_same()
    finder = build_finder(wanted.finder, threads=threads)
    painter = None
    if wanted.inpainter is not None:
        painter = build_painter(wanted.inpainter, threads=threads)
    return ModelHall(
        finder,
        painter,
        context=context,
        host=host,
        window_seconds=window_seconds,
        fault=fault,
    )
