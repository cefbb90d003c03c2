"""What a caller may say to the port of STOW-RS: sound requests, and edits of every kind in them."""

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from deid_node.dicom.web.store_answer import AnswerUnreadable
from deid_node.observe.events import Event
from tests.builders.stow import BOUNDARY, body, chunked, part_ten, request
from tests.fakes.stow_house import StowHouse, answer_on
from tests.fakes.waiting import eventually
from tests.fuzz.findings import Findings

SILENCE_SECONDS: Final = 0.5
NEEDLE: Final = "Nobody"
_CALLERS: Final = 16
_PIECES: Final = (
    *(b"\r\n", b"\n", b"\r\n\r\n", b"\0" * 40, b"--", f"\r\n--{BOUNDARY}".encode()),
    *(f"\r\n--{BOUNDARY}--".encode(), b"\xff" * 9, b"Content-Length: 5\r\n", b"A: " + b"b" * 9000),
    *(b"Transfer-Encoding: chunked\r\n", b"DICM", b"\x02\x00\x10\x00UI\xff\xff", b"x" * 70_000),
)
_EDITS: Final = ("cut", "insert", "repeat", "flip", "end")


@dataclass(frozen=True)
class WebRequest:
    """The bytes of a request, what was done to it, and whether its caller closes its half."""

    kinds: tuple[str, ...]
    content: bytes
    closes: bool


@st.composite
def web_requests(draw: st.DrawFn) -> WebRequest:
    """Draw a request: sound ones with up to four edits at places of any kind."""
    number = draw(st.integers(10_000_000, 99_999_999))
    parts = [part_ten(f"1.2.{number}.{one}") for one in range(draw(st.integers(0, 3)))]
    content = body(parts)
    if draw(st.booleans()):
        said = bytearray(request(content))
        kinds = ["with length"]
    else:
        head = request(b"", headers=[("Transfer-Encoding", "chunked")])
        said = bytearray(head.replace(b"Content-Length: 0\r\n", b""))
        said += chunked(content, size=draw(st.sampled_from([1, 7, 100, 5000])))
        kinds = ["in chunks"]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(_EDITS))
        at = draw(st.integers(0, max(0, len(said) - 1)))
        length = draw(st.sampled_from([1, 2, 10, 200]))
        _edit(said, kind, at, length, draw(st.sampled_from(_PIECES)))
        kinds.append(kind)
    return WebRequest(tuple(kinds), bytes(said), draw(st.booleans()))


def _edit(said: bytearray, kind: str, at: int, length: int, piece: bytes) -> None:
    if kind == "cut":
        del said[at : at + length]
    elif kind == "insert":
        said[at:at] = piece
    elif kind == "repeat":
        said[at:at] = said[at : at + length]
    elif kind == "flip":
        said[at : at + 1] = bytes([said[at] ^ 0x40]) if said else b""
    else:
        del said[at:]


class WebSiege:
    """A door with a spool behind it, and what must hold after each storm of requests."""

    def __init__(self, folder: Path, findings: Findings) -> None:
        self.house = StowHouse(
            folder, silence_seconds=SILENCE_SECONDS, max_refusals_per_minute=0, max_requests=64
        )
        self._findings = findings

    def storm(self, requests: Sequence[WebRequest]) -> None:
        """Say all of them, several at once; then look at the door."""
        with ThreadPoolExecutor(_CALLERS) as pool:
            named = list(pool.map(self._say, requests))
        kept = set(self.house.kept())
        for one, uids in zip(requests, named, strict=True):
            verdict = "let go" if uids is None else "lost" if set(uids) - kept else "answered"
            self._findings.note(one.kinds, verdict)
            self._findings.totals["named"] += len(uids or ())
            if verdict == "lost":
                self._findings.keep(verdict, one.content, ".request")
        self._look()

    def close(self) -> None:
        """Close door and spool."""
        self._findings.totals["kept"] += len(self.house.kept())
        self.house.close()

    def _say(self, one: WebRequest) -> list[str] | None:
        """Return what the answers named; None where there was none."""
        named = None
        with self.house.call() as connection, suppress(OSError, HTTPException):
            with suppress(OSError):
                connection.sendall(one.content)
                if one.closes:
                    connection.shutdown(socket.SHUT_WR)
            # Edits may have made more requests than one.
            while True:
                answer = answer_on(connection)
                named = named or []
                with suppress(AnswerUnreadable):
                    named += answer.stored
        return named

    def _look(self) -> None:
        house, verdicts = self.house, self._findings.verdicts
        eventually(lambda: not house.partial(), what="nothing is left half way")
        lines = house.log.lines_of(Event.REQUEST_FAILED)
        verdicts["said"] += bool(lines) or NEEDLE in house.log.text
        verdicts["unexpected"] += '"unexpected"' in house.log.text
        verdicts["door_down"] += house.ask(request(body([part_ten()]))).stored != ["1.2.3.4"]
