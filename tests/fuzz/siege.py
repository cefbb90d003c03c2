"""A running node, conversations against its port, and what must hold after each batch of them."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from deid_node.demo.server import RunningNode
from tests.fuzz.calling import Heard, call, echoes
from tests.fuzz.conversations import Conversation
from tests.fuzz.findings import Findings
from tests.wire.canary_study import marks_in
from tests.wire.nodes import NodeFolder, node_folder

SILENCE_SECONDS: Final = 1
"""After this the node gives up a caller that says nothing."""
LIMIT_SECONDS: Final = 60.0
"""What a connection may last after its caller's last word, on a machine that is busy."""
_CALLERS: Final = 16
_LOOK_SECONDS: Final = 0.2


class Siege:
    """One node and everything that was acknowledged by it."""

    def __init__(self, folder: NodeFolder, node: RunningNode, findings: Findings) -> None:
        self._folder = folder
        self._node = node
        self._findings = findings
        self._acknowledged: set[str] = set()
        self._searched: set[Path] = set()
        self._said_bytes = self._complained = 0
        # What a first association leaves open for good belongs to a node at rest.
        assert self._echoes()
        self._at_rest = _settled(self._holdings)

    def storm(self, conversations: Sequence[Conversation]) -> None:
        """Say all of them, several at once; then look at the node."""
        with ThreadPoolExecutor(_CALLERS) as pool:
            heard = list(pool.map(self._call, conversations))
        for conversation, answer in zip(conversations, heard, strict=True):
            for uid in answer.acknowledged:
                self.expect(uid)
            verdict = _verdict(answer)
            self._findings.note(conversation.kinds, verdict)
            if verdict == "hang":
                self._findings.keep(verdict, conversation.to_json(), ".jsonl")
        self._look(conversations)

    def settle(self) -> None:
        """Wait until all that was taken has ended; nothing may be lost or dirty."""
        until = monotonic() + LIMIT_SECONDS
        left = self._waiting()
        while left and monotonic() < until:
            sleep(_LOOK_SECONDS)
            now = self._waiting()
            # As long as it gets on, it may take its time.
            until = monotonic() + LIMIT_SECONDS if now < left else until
            left = now
        missing = self._acknowledged - {uid for uid, _ in self._journal()}
        self._blame("lost", bool(missing or left), (), missing=len(missing), waiting=left)
        self._search_delivered()

    def _call(self, conversation: Conversation) -> Heard:
        return call(self._node.port, conversation, limit_seconds=LIMIT_SECONDS)

    def _echoes(self) -> bool:
        return echoes(self._node.port, limit_seconds=LIMIT_SECONDS)

    def _look(self, conversations: Sequence[Conversation]) -> None:
        self._blame("door_down", not self.stands, conversations)
        self._blame("no_echo", not self._echoes(), conversations)
        least = _settled(self._holdings, wanted=self._at_rest)
        more = {name: least[name] for name in least if least[name] > self._at_rest[name]}
        self._blame("left_behind", bool(more), conversations, now=more, at_rest=self._at_rest)
        said = self._folder.log.read_bytes()[self._said_bytes :]
        self._said_bytes += len(said)
        complaint = self._folder.errors[self._complained :]
        self._complained += len(complaint)
        self._blame("said", bool(complaint or marks_in(said)), conversations, complaint=complaint)
        self._blame("unexpected", b'"unexpected"' in said, conversations)
        self._search_delivered()

    def _blame(
        self, verdict: str, guilty: object, conversations: Sequence[Conversation], **about: object
    ) -> None:
        if not guilty:
            return
        self._findings.verdicts[verdict] += 1
        # One of them it was; which one, a replay of the batch will tell.
        batch = b"\n".join(conversation.to_json() for conversation in conversations)
        self._findings.keep(verdict, batch, ".jsonl", **about)

    def _search_delivered(self) -> None:
        for path in set(self._folder.archive.rglob("*.dcm")) - self._searched:
            self._searched.add(path)
            content = path.read_bytes()
            if marks := marks_in(content + str(path).encode()):
                self._findings.verdicts["dirty"] += 1
                self._findings.keep("dirty", content, ".dcm", marks=marks)

    def _holdings(self) -> dict[str, int]:
        process = Path(f"/proc/{self._node.process.pid}")
        names = {"threads": "task", "descriptors": "fd"}
        return {name: len(list((process / part).iterdir())) for name, part in names.items()}

    def _journal(self) -> list[tuple[str, str]]:
        path = self._folder.root / "spool" / "journal.sqlite"
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            return connection.execute("SELECT sop_instance_uid, state FROM instances").fetchall()

    def _waiting(self) -> int:
        return sum(state in {"received", "clean"} for _, state in self._journal())

    @property
    def stands(self) -> bool:
        """Whether the node still runs."""
        return self._node.process.poll() is None

    @property
    def totals(self) -> Counter[str]:
        """How many instances were acknowledged, and how all that were taken ended."""
        ended = Counter(state for _, state in self._journal())
        return Counter({"acknowledged": len(self._acknowledged), **ended})

    def expect(self, sop_instance_uid: str) -> None:
        """Count an instance as acknowledged."""
        self._acknowledged.add(sop_instance_uid)


@contextmanager
def besieged(folder: Path, findings: Findings) -> Iterator[Siege]:
    """Run a node for the length of a ``with`` block; at its end it must stop in order."""
    place = node_folder(
        folder,
        receive={
            "association_seconds": SILENCE_SECONDS,
            "max_associations": 2 * _CALLERS,
            "max_refusals_per_minute": 0,
        },
        observe={"http": {"port": 0}, "log_level": "debug"},
    )
    with place.running() as node:
        siege = Siege(place, node, findings)
        yield siege
        siege.settle()
        assert node.stop() == 0


def _verdict(heard: Heard) -> str:
    if not heard.closed:
        return "hang"
    return "acknowledged" if heard.acknowledged else "answered" if heard.content else "let go"


def _settled(
    look: Callable[[], dict[str, int]], *, wanted: dict[str, int] | None = None
) -> dict[str, int]:
    """Return what `look` sees once it is no more than `wanted`, or stays, or patience ends."""
    until = monotonic() + LIMIT_SECONDS
    seen = look()
    while monotonic() < until:
        sleep(_LOOK_SECONDS)
        before, seen = seen, look()
        if seen == before if wanted is None else all(seen[one] <= wanted[one] for one in seen):
            break
    return seen
