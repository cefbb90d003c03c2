"""What a line takes for a message, and what it does not."""

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.lines.messages import MOST_HEAD_BYTES, LineLost, Message, receive, send


class Memory:
    """A pipe that keeps what is sent, and gives it back a few bytes at a time."""

    def __init__(self, content: bytes = b"", *, step: int = 1000) -> None:
        self.sent = bytearray()
        self._rest = io.BytesIO(content)
        self._step = step

    def sendall(self, data: Any, /) -> None:
        self.sent += bytes(data)

    def recv_into(self, buffer: Any, /) -> int:
        piece = self._rest.read(min(self._step, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)


def raw(head: object, rest: bytes = b"") -> Memory:
    told = head if isinstance(head, bytes) else json.dumps(head).encode()
    return Memory(struct.pack(">I", len(told)) + told + rest)


def head(kind: object = "find", body: object = None, arrays: object = ()) -> dict[str, object]:
    return {"kind": kind, "body": {} if body is None else body, "arrays": arrays}


ARRAYS: list[NDArray[Any]] = [
    np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    np.array([[True, False]]),
    np.linspace(0, 1, 6, dtype=np.float32),
    np.zeros((0, 5), dtype=np.uint8),
]


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_message_comes_as_it_was_sent(step: int) -> None:
    out = Memory()

    send(out, Message("find", {"score": 0.1 + 0.2, "name": "\N{SNOWMAN}"}, ARRAYS))
    came = receive(Memory(bytes(out.sent), step=step))

    assert (came.kind, came.body) == ("find", {"score": 0.1 + 0.2, "name": "\N{SNOWMAN}"})
    assert [one.dtype for one in came.arrays] == [one.dtype for one in ARRAYS]
    assert all(np.array_equal(a, b) for a, b in zip(came.arrays, ARRAYS, strict=True))


def test_an_array_that_is_not_contiguous_is_sent_as_it_looks() -> None:
    out, wide = Memory(), np.arange(40, dtype=np.uint8).reshape(4, 10)

    send(out, Message("find", arrays=[wide[:, ::2]]))

    assert np.array_equal(receive(Memory(bytes(out.sent))).arrays[0], wide[:, ::2])


@pytest.mark.parametrize(
    "pipe",
    [
        raw(b"no json"),
        raw(b"\xff\xfe"),
        raw(b"[" * 100_000),
        raw([]),
        raw({"kind": "find"}),
        raw(head(kind=3)),
        raw(head(body=[])),
        raw(head(arrays=[{"type": "O", "shape": [1]}])),
        raw(head(arrays=[{"type": "u1", "shape": 3}])),
        raw(head(arrays=[{"type": "u1", "shape": [-1]}])),
        raw(head(arrays=[{"type": "u1", "shape": [True]}])),
        raw(head(arrays=[{"type": "u1", "shape": [1.0]}])),
        raw(head(arrays=[{"type": "u1", "shape": [1, 1, 1, 1]}])),
        raw(head(arrays=[{"type": "u1", "shape": [0]}] * 5000)),
        raw(head(arrays=[{"type": "b1", "shape": [1]}]), b"\x02"),
        raw(head(arrays=[{"type": "u1", "shape": [4]}]), b"abc"),
        Memory(struct.pack(">I", 20) + b"{}"),
        Memory(b""),
    ],
)
def test_what_is_no_message_loses_the_line(pipe: Memory) -> None:
    with pytest.raises(LineLost):
        receive(pipe)


def test_no_room_is_made_for_what_is_only_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "empty", lambda *_: pytest.fail("room was made"))
    huge = {"type": "f4", "shape": [2**20, 2**20, 3]}

    with pytest.raises(LineLost, match="too large"):
        receive(raw(head(arrays=[huge])))
    with pytest.raises(LineLost, match="too long"):
        receive(Memory(struct.pack(">I", MOST_HEAD_BYTES + 1)))


def test_what_cannot_be_said_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="too large"):
        send(Memory(), Message("find", {"name": "x" * MOST_HEAD_BYTES}))
    with pytest.raises(ValueError, match="not JSON compliant"):
        send(Memory(), Message("find", {"score": float("nan")}))


def test_a_message_shows_nothing_that_it_says() -> None:
    assert "secret" not in repr(Message("hello", {"ticket": "secret"}))
