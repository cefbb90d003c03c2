"""A worker's place at models of the cluster, as long as a connection to the foreman stands."""

import re
import threading
from time import monotonic
from typing import Any, Final

from deid_node.errors import ConfigurationError
from deid_node.lines.channel import BEAT, HANDSHAKE_SECONDS, Channel, call, calling_context
from deid_node.lines.messages import LineLost, Message
from deid_node.pixels.remote.place import SETTING, Place
from deid_node.pixels.remote.placement import Placement
from deid_node.pixels.remote.wanted import WantedModels
from deid_node.pixels.remote.words import Seat
from deid_node.work.workers.base import WorkforceAway
from deid_node.work.workers.options import RayOptions

_AWAY: Final = "the foreman of the cluster is out of reach"
_REASON: Final = re.compile(r"[ -~]{1,300}")
_HOST: Final = re.compile(r"[0-9A-Za-z.:_-]{1,253}")


class Lease:
    """Asked for once; used by one thread, except for `is_held` and `close`."""

    def __init__(self, options: RayOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._channel: Channel | None = None
        self._closed = threading.Event()

    @property
    def is_held(self) -> bool:
        """Whether the place is ours: the actor lives, as far as the foreman knows, and he too."""
        return self._channel is not None and not self._closed.is_set()

    def ask(self, models: WantedModels) -> Place:
        """Return a place at `models`.

        Raises `WorkforceAway` where there is none to be had within the time, and
        `ConfigurationError` where the cluster is not one to work with.
        """
        options = self._options
        placement = Placement(
            models=models,
            seats=options.workers_per_actor,
            cpus=options.cpus_per_actor,
            gpus=options.gpus_per_actor,
            resources=options.resources_per_actor,
        )
        try:
            channel = self._opened()
        except LineLost:
            self._closed.set()
            raise WorkforceAway(_AWAY) from None
        # Whoever closed us before there was a channel could not close that.
        if self._closed.is_set():
            self._let_go(channel)
            raise WorkforceAway(_AWAY)
        try:
            channel.send(
                Message(Seat.ASKED, placement.model_dump(mode="json")), seconds=HANDSHAKE_SECONDS
            )
            given = self._given(channel)
        except BaseException as error:
            self._let_go(channel)
            if isinstance(error, LineLost):
                raise WorkforceAway(_AWAY) from None
            raise
        threading.Thread(target=self._listen, args=(channel,), name="lease", daemon=True).start()
        return given

    def close(self) -> None:
        """Give the place up; any thread may call."""
        self._closed.set()
        with self._lock:
            if self._channel is not None:
                self._channel.break_off()

    def _let_go(self, channel: Channel) -> None:
        """End the connection, in the thread that uses it."""
        self._closed.set()
        with self._lock:
            self._channel = None
            channel.close()

    def _opened(self) -> Channel:
        options = self._options
        channel = call(
            options.host,
            options.port,
            calling_context(options.tls, SETTING),
            server_name=options.tls.server_name,
            seconds=HANDSHAKE_SECONDS,
        )
        with self._lock:
            self._channel = channel
        return channel

    def _given(self, channel: Channel) -> Place:
        until = monotonic() + self._options.placement_seconds
        while monotonic() < until:
            told = channel.receive(seconds=self._options.silence_seconds)
            match told.kind:
                case BEAT.kind:
                    continue
                case Seat.GIVEN:
                    return self._place(told.body)
                case Seat.REFUSED:
                    raise ConfigurationError("work.engine", _reason(told.body.get("reason")))
                case Seat.AWAY:
                    raise WorkforceAway("an actor of the cluster was lost")
                case _:
                    raise LineLost("no answer")
        raise WorkforceAway("the cluster has no room for an actor")

    def _place(self, told: Any) -> Place:
        try:
            host, port, (questions, pulse) = told["host"], told["port"], told["tickets"]
        except (KeyError, TypeError, ValueError):
            raise LineLost("no place") from None
        words = (host, questions, pulse)
        if not all(isinstance(one, str) for one in words) or not _HOST.fullmatch(host):
            raise LineLost("no place")
        if type(port) is not int or not 0 < port < 65536:
            raise LineLost("no place")
        return Place(
            host=host,
            port=port,
            tickets=(questions, pulse),
            tls=self._options.tls,
            silence_seconds=self._options.silence_seconds,
            answer_seconds=self._options.answer_seconds,
        )

    def _listen(self, channel: Channel) -> None:
        try:
            while channel.receive(seconds=self._options.silence_seconds).kind == BEAT.kind:
                pass
        except LineLost:
            pass
        self._let_go(channel)


def _reason(told: object) -> str:
    """Return what the foreman says, as far as it may stand in a log."""
    if isinstance(told, str) and _REASON.fullmatch(told):
        return told
    return "the cluster refuses to work for the node, and does not say why"
