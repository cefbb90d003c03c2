"""What the door's process takes of memory, and whether it still answers, when it is overrun."""

import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, sleep

from tests.bench.receivers import AE_TITLE, Receiver, receiver
from tests.bench.table import memory_megabytes
from tests.fuzz.calling import answers
from tests.fuzz.conversations import echo, request, sound_request, store
from tests.wire.scripted_caller import ASSOCIATE_AC, ASSOCIATE_RJ, DATA, RELEASE_RQ, Caller

CALLERS = 200
SHORT_ONES = 5000
DRIBBLERS = 100
ENDLESS_BYTES = 1 << 30
LENGTHS = (0, 1, 1 << 30, 0xFFFFFFFF)
QUEUED_EACH = 1000
SENDERS = 32
SILENCE_SECONDS = 20.0


def measure_overload(folder: Path, *, rounds: int, each: int) -> None:
    """Print, for each kind of overload, how it was answered and the memory after it.

    `each` times 1000 small instances are queued; `rounds` is not used, because what
    one kind leaves behind is looked for after the next.
    """
    with receiver("door", folder / "door", silence_seconds=SILENCE_SECONDS) as door:
        _tell(door, "at rest", "")
        kinds: tuple[tuple[str, Callable[[Receiver], str]], ...] = (
            (f"{CALLERS} associations at once", _at_once),
            (f"{SHORT_ONES} short associations", _short_ones),
            (f"{DRIBBLERS} that dribble", _dribblers),
            ("PDUs of 0 B, 1 B, 1 GB, 4 GB claimed", _claimed_lengths),
            ("a dataset of 1 GB that does not end", _endless),
            (f"{SENDERS} that never release", _never_released),
            (f"{each * QUEUED_EACH} small instances queued", lambda one: _queued(one, each)),
        )
        for name, overrun in kinds:
            started = perf_counter()
            answer = overrun(door)
            seconds = perf_counter() - started
            _tell(door, name, f"{answer}, {seconds:.0f} s, {_echo_answered(door)}")


def _tell(door: Receiver, what: str, answer: str) -> None:
    now, most = memory_megabytes(door.process_id)
    print(f"{what:40} {now:6.0f} MB, at most {most:6.0f} MB  {answer}", flush=True)


def _echo_answered(door: Receiver) -> str:
    # Places are free again only when the door has seen that its callers have gone.
    started = perf_counter()
    while perf_counter() - started < 60:
        with _connected(door) as link:
            caller = Caller(link)
            link.sendall(_request())
            if caller.receive()[0] == ASSOCIATE_AC:
                link.sendall(echo())
                if caller.receive()[0] == DATA:
                    caller.send(RELEASE_RQ, bytes(4))
                    return f"echo after {perf_counter() - started:.1f} s"
        sleep(0.1)
    return "NO ECHO"


def _connected(door: Receiver) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.port), timeout=120)


def _request() -> bytes:
    return sound_request(called=AE_TITLE)


def _at_once(door: Receiver) -> str:
    with ExitStack() as stack:
        callers = [Caller(stack.enter_context(_connected(door))) for _ in range(CALLERS)]
        for caller in callers:
            caller.link.sendall(_request())
        kinds = [caller.receive()[0] for caller in callers]
    return f"{kinds.count(ASSOCIATE_AC)} accepted, {kinds.count(ASSOCIATE_RJ)} rejected"


def _short_ones(door: Receiver) -> str:
    def one(_number: int) -> int:
        with _connected(door) as link:
            caller = Caller(link)
            link.sendall(_request())
            kind = caller.receive()[0]
            if kind == ASSOCIATE_AC:
                caller.send(RELEASE_RQ, bytes(4))
                caller.receive()
            return kind

    with ThreadPoolExecutor(16) as pool:
        kinds = list(pool.map(one, range(SHORT_ONES)))
    return f"{kinds.count(ASSOCIATE_AC)} accepted, {kinds.count(ASSOCIATE_RJ)} rejected"


def _dribblers(door: Receiver) -> str:
    """A byte now and then, of a request of which nobody will see the end."""
    content = request(bytes(4000), called=AE_TITLE.encode())
    given_up = 0
    with ExitStack() as stack:
        links = [stack.enter_context(_connected(door)) for _ in range(DRIBBLERS)]
        for at in range(len(content)):
            if not links:
                break
            for link in list(links):
                try:
                    link.sendall(content[at : at + 1])
                except OSError:
                    links.remove(link)
                    given_up += 1
            sleep(0.5)
    return f"{given_up} given up"


def _claimed_lengths(door: Receiver) -> str:
    closed = 0
    for kind in (1, 4):
        for length in LENGTHS:
            with _connected(door) as link:
                caller = Caller(link)
                if kind == 4:
                    link.sendall(_request())
                    caller.receive()
                link.sendall(struct.pack(">BxL", kind, length) + b"A" * 100)
                closed += caller.is_closed()
    return f"{closed} of {2 * len(LENGTHS)} closed"


def _endless(door: Receiver) -> str:
    most = 0.0
    with _connected(door) as link:
        caller = Caller(link)
        link.sendall(_request())
        caller.receive()
        caller.command("2.25.1", sop_class="1.2.840.10008.5.1.4.1.1.88.11")
        piece = bytes(1 << 16)
        for number in range(ENDLESS_BYTES // len(piece)):
            caller.fragment(piece, control=0)
            if number % 1000 == 0:
                most = max(most, memory_megabytes(door.process_id)[0])
    return f"{most:.0f} MB meanwhile"


def _never_released(door: Receiver) -> str:
    with ExitStack() as stack:
        callers = [Caller(stack.enter_context(_connected(door))) for _ in range(SENDERS)]
        for number, caller in enumerate(callers):
            caller.link.sendall(_request())
            caller.receive()
            caller.link.sendall(store(20_000_000 + number))
        closed = sum(caller.is_closed() for caller in callers)
    return f"{closed} of {SENDERS} aborted by the door"


def _queued(door: Receiver, each: int) -> str:
    def send(sender: int) -> int:
        acknowledged = 0
        with _connected(door) as link:
            caller = Caller(link)
            link.sendall(_request())
            caller.receive()
            for number in range(sender, each * QUEUED_EACH, SENDERS):
                link.sendall(store(30_000_000 + number))
                kind, body = caller.receive()
                (answer,) = answers(struct.pack(">BxL", kind, len(body)) + body)
                acknowledged += answer.status == 0x0000
            caller.send(RELEASE_RQ, bytes(4))
        return acknowledged

    with ThreadPoolExecutor(SENDERS) as pool:
        return f"{sum(pool.map(send, range(SENDERS)))} acknowledged"
