"""Gives places at models to nodes: one connection for each worker, which keeps its place.

A node that dies leaves its places by the end of its connections. An actor that dies ends the
connections of those who had a place at it. What the models are asked never comes here.
"""

import ssl
from typing import Final

from deid_node.cluster.crew import Crew, Post
from deid_node.lines.channel import BEAT, BEAT_SECONDS, HANDSHAKE_SECONDS, Channel
from deid_node.lines.listener import Listener
from deid_node.lines.messages import LineLost, Message
from deid_node.pixels.remote.placement import Placement
from deid_node.pixels.remote.words import Seat

_SEND_SECONDS: Final = 10.0


class Foreman:
    """Listens for nodes; `refusal` is why he works for none of them, None: he does."""

    def __init__(
        self, crew: Crew, *, context: ssl.SSLContext, host: str, port: int, refusal: str | None
    ) -> None:
        self._crew = crew
        self._refusal = refusal
        self._listener = Listener(context, self._serve, host=host, port=port)

    @property
    def port(self) -> int:
        """Where he listens."""
        return self._listener.port

    def start(self) -> None:
        """Listen from now on."""
        self._listener.start()

    def close(self) -> None:
        """Listen no more; who has a place keeps it."""
        self._listener.close()

    def _serve(self, channel: Channel) -> None:
        asked = channel.receive(seconds=HANDSHAKE_SECONDS)
        if asked.kind != Seat.ASKED:
            raise LineLost("no question")
        if self._refusal is not None:
            _refuse(channel, self._refusal)
            return
        try:
            placement = Placement.model_validate(dict(asked.body))
        except ValueError:
            _refuse(channel, "the cluster runs another version of the node")
            return
        post = self._crew.take(placement)
        try:
            self._seat(channel, post)
        finally:
            self._crew.leave(post)

    def _seat(self, channel: Channel, post: Post) -> None:
        """Tell the node its place as soon as there is one, then keep it until either is gone."""
        while not post.stands.is_set():
            if not channel.rests(BEAT_SECONDS):
                return
            channel.send(BEAT, seconds=_SEND_SECONDS)
        if post.refusal is not None:
            _refuse(channel, post.refusal)
            return
        if post.address is None or post.gone.is_set():
            channel.send(Message(Seat.AWAY), seconds=_SEND_SECONDS)
            return
        try:
            tickets = post.hand.admit()
        # Stopped, cut off or dead: of no use, and in the way of another.
        except Exception:  # noqa: BLE001
            post.give_up()
            channel.send(Message(Seat.AWAY), seconds=_SEND_SECONDS)
            return
        host, port = post.address
        told = {"host": host, "port": port, "tickets": list(tickets)}
        channel.send(Message(Seat.GIVEN, told), seconds=_SEND_SECONDS)
        while not post.gone.is_set() and channel.rests(BEAT_SECONDS):
            channel.send(BEAT, seconds=_SEND_SECONDS)


def _refuse(channel: Channel, reason: str) -> None:
    channel.send(Message(Seat.REFUSED, {"reason": reason}), seconds=_SEND_SECONDS)
