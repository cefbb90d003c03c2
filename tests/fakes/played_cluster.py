"""A foreman over actors that are played: what stands on other machines, without Ray."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deid_node.cluster.crew import Crew
from deid_node.cluster.foreman import Foreman
from deid_node.lines.channel import called_context
from deid_node.pixels.remote.placement import Placement
from deid_node.work.workers.lease import Lease
from deid_node.work.workers.options import RayOptions
from tests.fakes.model_hall import line_tls


class PlayedHand:
    """An actor that stands when it may."""

    def __init__(self, cluster: "PlayedCluster") -> None:
        self._cluster = cluster
        self.died = threading.Event()
        self.dismissed = False
        self.admitted = 0

    def open(self, placement: Placement) -> tuple[str, int] | str:
        assert self._cluster.room.wait(60)
        return self._cluster.refusal or self._cluster.address

    def admit(self) -> tuple[str, str]:
        if self._cluster.stopped:
            raise TimeoutError
        self.admitted += 1
        if self._cluster.admits is not None:
            return self._cluster.admits()
        return f"questions-{self.admitted}", f"pulse-{self.admitted}"

    def wait_for_end(self) -> None:
        self.died.wait()

    def dismiss(self) -> None:
        self.dismissed = True
        self.died.set()


class PlayedCluster:
    """Hires played actors, and has a foreman with a port."""

    def __init__(self, folder: Path, *, refusal: str | None, idle_seconds: float) -> None:
        self.hands: list[PlayedHand] = []
        self.refusal = ""
        self.stopped = False
        self.address = ("127.0.0.1", 7000)
        self.admits: Callable[[], tuple[str, str]] | None = None
        self.room = threading.Event()
        self.room.set()
        self.tls = line_tls(folder)
        self.foreman = Foreman(
            Crew(self._hire, idle_seconds=idle_seconds),
            context=called_context(self.tls, "tls"),
            host="127.0.0.1",
            port=0,
            refusal=refusal,
        )
        self.foreman.start()

    def options(self, **changed: object) -> RayOptions:
        told = {"host": "127.0.0.1", "port": self.foreman.port, "tls": self.tls, **changed}
        return RayOptions.model_validate(told)

    def lease(self, **changed: object) -> Lease:
        return Lease(self.options(**changed))

    def _hire(self, _: Placement) -> PlayedHand:
        self.hands.append(PlayedHand(self))
        return self.hands[-1]


@contextmanager
def played(
    folder: Path, *, refusal: str | None = None, idle_seconds: float = 60
) -> Iterator[PlayedCluster]:
    cluster = PlayedCluster(folder, refusal=refusal, idle_seconds=idle_seconds)
    try:
        yield cluster
    finally:
        cluster.foreman.close()
