"""Messages of a line: a head in JSON and arrays as they lie in memory, each with a limit.

What comes is checked before room is made for it: the head's length, the shapes, the types of
numbers, the bytes in all. Nothing that comes is ever executed: no pickle, no names of classes.

A message is four bytes of length (big endian), the head, then the arrays without a gap.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

MOST_HEAD_BYTES: Final = 4 * 2**20
MOST_ARRAY_BYTES: Final = 2**32
"""Of all arrays of one message; a frame that has more is not looked at by any machine of today."""

_MOST_ARRAYS: Final = 4096
_MOST_AXES: Final = 3
_LENGTH: Final = struct.Struct(">I")
_TYPES: Final[Mapping[str, np.dtype[Any]]] = MappingProxyType(
    {"u1": np.dtype(np.uint8), "b1": np.dtype(np.bool_), "f4": np.dtype("<f4")}
)
_NAMES: Final = MappingProxyType({dtype: name for name, dtype in _TYPES.items()})


class LineLost(Exception):
    """The other side is gone, is silent, or says what no message is; `why` is a short word."""

    def __init__(self, why: str) -> None:
        super().__init__(f"a line was lost: {why}")
        self.why = why


class Pipe(Protocol):
    """Bytes both ways; raises `OSError` or its kin."""

    def sendall(self, data: Any, /) -> None:
        """Send all of `data`."""
        ...

    def recv_into(self, buffer: Any, /) -> int:
        """Fill some of `buffer`; 0 is the end."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message; `body` is what JSON can say, and is not shown: it may hold a ticket."""

    kind: str
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    arrays: Sequence[NDArray[Any]] = field(default=(), repr=False)


def send(pipe: Pipe, message: Message) -> None:
    """Send `message`; raise `ValueError` where it is none, and what the pipe raises."""
    arrays = [np.ascontiguousarray(array) for array in message.arrays]
    described = [{"type": _NAMES[array.dtype], "shape": list(array.shape)} for array in arrays]
    head = json.dumps(
        {"kind": message.kind, "body": dict(message.body), "arrays": described},
        separators=(",", ":"),
        allow_nan=False,
    ).encode()
    if len(head) > MOST_HEAD_BYTES or sum(array.nbytes for array in arrays) > MOST_ARRAY_BYTES:
        raise ValueError("a message is too large")
    pipe.sendall(_LENGTH.pack(len(head)) + head)
    for array in arrays:
        if array.size:
            pipe.sendall(array.data.cast("B"))


def receive(pipe: Pipe) -> Message:
    """Return the next message; raise `LineLost` where what comes is none or is cut off."""
    (length,) = _LENGTH.unpack(_bytes(pipe, _LENGTH.size))
    if length > MOST_HEAD_BYTES:
        raise LineLost("too long a head")
    kind, body, shapes = _head(_bytes(pipe, length))
    return Message(kind, body, tuple(_array(pipe, dtype, shape) for dtype, shape in shapes))


def _head(
    raw: bytes,
) -> tuple[str, Mapping[str, Any], list[tuple[np.dtype[Any], tuple[int, ...]]]]:
    try:
        told = json.loads(raw)
        kind, body, arrays = told["kind"], told["body"], told["arrays"]
        shapes = [(_TYPES[one["type"]], tuple(one["shape"])) for one in arrays]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise LineLost("no message") from None
    if not (isinstance(kind, str) and isinstance(body, dict) and len(shapes) <= _MOST_ARRAYS):
        raise LineLost("no message")
    lengths = [length for _, shape in shapes for length in shape]
    if any(type(length) is not int or length < 0 for length in lengths):
        raise LineLost("no shape")
    total = sum(dtype.itemsize * prod(shape) for dtype, shape in shapes)
    if total > MOST_ARRAY_BYTES or any(len(shape) > _MOST_AXES for _, shape in shapes):
        raise LineLost("too large an array")
    return kind, body, shapes


def _array(pipe: Pipe, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(shape, dtype)
    if array.size:
        _fill(pipe, array.data.cast("B"))
    if dtype == np.bool_ and (array.view(np.uint8) > 1).any():
        raise LineLost("no truth value")
    return array


def _bytes(pipe: Pipe, count: int) -> bytes:
    buffer = bytearray(count)
    _fill(pipe, memoryview(buffer))
    return bytes(buffer)


def _fill(pipe: Pipe, view: memoryview) -> None:
    done = 0
    while done < len(view):
        count = pipe.recv_into(view[done:])
        if not count:
            raise LineLost("its end")
        done += count
