"""The actors of a cluster as their foreman sees them: who stands where, and for whom.

Ray is imported here and in `join`, and nowhere else. It places actors by what they need and
tells when one is gone; nothing is ever put into its object store, and no pixel passes through it.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Protocol

from deid_node.cluster.actor import ModelActor
from deid_node.pixels.remote.placement import Placement

IDLE_SECONDS: Final = 20.0
"""How long models stay loaded for nobody: a worker that is replaced finds them warm."""

_ANSWER_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 1.0


class Hand(Protocol):
    """An actor that was asked for; any thread may call."""

    def open(self, placement: Placement) -> tuple[str, int] | str:
        """Return host and port when it stands, however long that takes; or why it must not."""
        ...

    def admit(self) -> tuple[str, str]:
        """Return tickets for one line; raise where it does not answer soon."""
        ...

    def wait_for_end(self) -> None:
        """Return when it is no more."""
        ...

    def dismiss(self) -> None:
        """End it."""
        ...


class PlacedActor(ModelActor):
    """The models, where Ray has placed them."""

    def address(self) -> str:
        """Return the address of this machine by which the others of the cluster call it."""
        import ray

        return str(ray.util.get_node_ip_address())


class RayHand:
    """An actor of Ray: never restarted, and no call of it is ever repeated."""

    def __init__(self, placement: Placement) -> None:
        import ray

        self._ray = ray
        self._actor: Any = (
            ray.remote(PlacedActor)
            .options(
                num_cpus=placement.cpus,
                num_gpus=placement.gpus,
                resources=dict(placement.resources) or None,
                max_restarts=0,
                max_task_retries=0,
                max_concurrency=4,
            )
            .remote()
        )

    def open(self, placement: Placement) -> tuple[str, int] | str:
        """Return host and port when it stands, however long that takes; or why it must not."""
        host: str = self._ray.get(self._actor.address.remote())
        told = self._ray.get(self._actor.open.remote(placement.model_dump(mode="json"), host))
        return str(told["reason"]) if "reason" in told else (host, int(told["port"]))

    def admit(self) -> tuple[str, str]:
        """Return tickets for one line; raise where it does not answer soon."""
        first, second = self._ray.get(self._actor.admit.remote(), timeout=_ANSWER_SECONDS)
        return first, second

    def wait_for_end(self) -> None:
        """Return when it is no more."""
        with suppress(Exception):
            self._ray.get(self._actor.live.remote())

    def dismiss(self) -> None:
        """End it."""
        with suppress(Exception):
            self._ray.kill(self._actor, no_restart=True)


class Post:
    """One actor: `stands` is set when it has answered to `open`, `gone` when it is no more."""

    def __init__(self, placement: Placement, hand: Hand) -> None:
        self.placement = placement
        self.hand = hand
        self.taken = 0
        self.free_since = monotonic()
        self.stands = threading.Event()
        self.gone = threading.Event()
        self.address: tuple[str, int] | None = None
        self.refusal: str | None = None
        threading.Thread(target=self._watch, name="post", daemon=True).start()

    def give_up(self) -> None:
        """End the actor: it is of no use any more."""
        self.gone.set()
        self.hand.dismiss()

    def _watch(self) -> None:
        try:
            told = self.hand.open(self.placement)
            if isinstance(told, str):
                self.refusal = told
            else:
                self.address = told
            self.stands.set()
            if self.refusal is None:
                self.hand.wait_for_end()
        # Of whatever an actor died: it is gone, and that is all that counts.
        except Exception:  # noqa: BLE001
            self.stands.set()
        self.give_up()


class Crew:
    """All posts of a foreman; any thread may call."""

    def __init__(
        self, hire: Callable[[Placement], Hand] = RayHand, *, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._hire = hire
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._posts: list[Post] = []
        threading.Thread(target=self._tidy, name="crew", daemon=True).start()

    @property
    def posts(self) -> Sequence[Post]:
        """Those that are not gone."""
        with self._lock:
            return [post for post in self._posts if not post.gone.is_set()]

    def take(self, placement: Placement) -> Post:
        """Return a post with a free place, a new one where there is none; it may not stand yet."""
        with self._lock:
            self._posts = [post for post in self._posts if not post.gone.is_set()]
            fitting = (
                post
                for post in self._posts
                if post.placement == placement and post.taken < placement.seats
            )
            post = next(fitting, None)
            if post is None:
                post = Post(placement, self._hire(placement))
                self._posts.append(post)
            post.taken += 1
            return post

    def leave(self, post: Post) -> None:
        """Give a place back."""
        with self._lock:
            post.taken -= 1
            post.free_since = monotonic()

    def _tidy(self) -> None:
        while True:
            threading.Event().wait(_LOOK_SECONDS)
            with self._lock:
                idle = [
                    post
                    for post in self._posts
                    if not post.taken and monotonic() - post.free_since > self._idle_seconds
                ]
                self._posts = [post for post in self._posts if post not in idle]
            for post in idle:
                post.give_up()
