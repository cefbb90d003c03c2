"""A decoder of sequential JPEG to quantised coefficients, written for clearness alone.

One bit at a time, after the flow charts of ISO/IEC 10918-1 F.2.2. It shares no
code with the package, so that a mistake there cannot hide here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Blocks = NDArray[np.int64]


@dataclass
class Decoded:
    """Blocks by component id, ``(rows, columns, 64)`` in zigzag order, and the tables used."""

    blocks: dict[int, Blocks] = field(default_factory=dict)
    steps: dict[int, bytes] = field(default_factory=dict)
    factors: dict[int, tuple[int, int]] = field(default_factory=dict)
    tables: dict[int, int] = field(default_factory=dict)
    restart: int = 0
    precision: int = 8


def samples(stream: bytes, rows: int, columns: int) -> NDArray[np.float64]:
    """Return the samples of a grey `stream` by the formula of A.3.3, neither rounded nor cut."""
    found = decoded(stream)
    ((number, blocks),) = found.blocks.items()
    told = found.steps[found.tables[number]]
    steps = np.frombuffer(told, ">u2" if len(told) > 64 else "u1").astype(np.float64)
    zigzag = sorted(
        range(64), key=lambda n: (sum(divmod(n, 8)), divmod(n, 8)[sum(divmod(n, 8)) % 2 == 0])
    )
    square = np.zeros((*blocks.shape[:2], 64))
    square[..., zigzag] = blocks * steps
    place, wave = np.arange(8), np.arange(8)[:, None]
    basis = np.cos((2 * place + 1) * wave * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    plain = basis.T @ square.reshape(*blocks.shape[:2], 8, 8) @ basis
    plane = plain.transpose(0, 2, 1, 3).reshape(8 * blocks.shape[0], -1)
    return np.asarray(plane[:rows, :columns] + (1 << (found.precision - 1)))


def decoded(stream: bytes) -> Decoded:
    """Return every coefficient of `stream`."""
    result = Decoded()
    tables: dict[int, dict[tuple[int, int], int]] = {}
    position, rows, columns = 2, 0, 0
    while True:
        assert stream[position] == 0xFF
        marker = stream[position + 1]
        if marker == 0xD9:
            return result
        length = int.from_bytes(stream[position + 2 : position + 4], "big")
        body = stream[position + 4 : position + 2 + length]
        position += 2 + length
        if marker == 0xDB:
            while body:
                wide, number = divmod(body[0], 16)
                size = 128 if wide else 64
                result.steps[number] = body[1 : 1 + size]
                body = body[1 + size :]
        elif marker == 0xC4:
            while body:
                count = sum(body[1:17])
                tables[body[0]] = _codes(body[1:17], body[17 : 17 + count])
                body = body[17 + count :]
        elif marker == 0xDD:
            result.restart = int.from_bytes(body, "big")
        elif marker in {0xC0, 0xC1}:
            result.precision = body[0]
            rows, columns = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            factors = {body[n]: divmod(body[n + 1], 16) for n in range(6, len(body), 3)}
            result.factors.update(factors)
            result.tables.update({body[n]: body[n + 2] for n in range(6, len(body), 3)})
        elif marker == 0xDA:
            position = _scan(stream, position, body, tables, result, (rows, columns))


def _up(count: int, by: int) -> int:
    return -(-count // by)


def _codes(counts: bytes, symbols: bytes) -> dict[tuple[int, int], int]:
    found, code, place = {}, 0, 0
    for length, count in enumerate(counts, 1):
        for _ in range(count):
            found[length, code] = symbols[place]
            code, place = code + 1, place + 1
        code <<= 1
    return found


def _scan(
    stream: bytes,
    position: int,
    body: bytes,
    tables: dict[int, dict[tuple[int, int], int]],
    result: Decoded,
    size: tuple[int, int],
) -> int:
    ids = [body[1 + 2 * n] for n in range(body[0])]
    dc = {i: tables[body[2 + 2 * n] >> 4] for n, i in enumerate(ids)}
    ac = {i: tables[0x10 | body[2 + 2 * n] & 15] for n, i in enumerate(ids)}
    wide = max(h for h, _ in result.factors.values())
    high = max(v for _, v in result.factors.values())
    down, across = _up(size[0], 8 * high), _up(size[1], 8 * wide)
    for i in ids:
        h, v = result.factors[i]
        if len(ids) == 1:
            down, across = _up(_up(size[0] * v, high), 8), _up(_up(size[1] * h, wide), 8)
            h = v = 1
        result.blocks[i] = np.zeros((down * v, across * h, 64), np.int64)
    bits = _Bits(stream, position)
    last = dict.fromkeys(ids, 0)
    for mcu in range(down * across):
        if result.restart and mcu and mcu % result.restart == 0:
            bits.restart()
            last = dict.fromkeys(ids, 0)
        for i in ids:
            h, v = (1, 1) if len(ids) == 1 else result.factors[i]
            for y in range(v):
                for x in range(h):
                    block = result.blocks[i][mcu // across * v + y, mcu % across * h + x]
                    last[i] = _block(bits, block, dc[i], ac[i], last[i])
    return bits.end()


def _block(
    bits: "_Bits",
    block: Blocks,
    dc: dict[tuple[int, int], int],
    ac: dict[tuple[int, int], int],
    last: int,
) -> int:
    block[0] = last + bits.value(bits.symbol(dc))
    index = 1
    while index < 64:
        symbol = bits.symbol(ac)
        if symbol == 0:
            break
        index += symbol >> 4
        block[index] = bits.value(symbol & 15)
        index += 1
    return int(block[0])


class _Bits:
    def __init__(self, stream: bytes, position: int) -> None:
        self._stream, self._position = stream, position
        self._bits = self._read()

    def _read(self) -> Iterator[int]:
        while True:
            octet = self._stream[self._position]
            if octet == 0xFF:
                assert self._stream[self._position + 1] == 0
                self._position += 1
            self._position += 1
            yield from ((octet >> place) & 1 for place in range(7, -1, -1))

    def symbol(self, table: dict[tuple[int, int], int]) -> int:
        code = 0
        for length in range(1, 17):
            code = code << 1 | next(self._bits)
            if (length, code) in table:
                return table[length, code]
        raise AssertionError("no such code")

    def value(self, size: int) -> int:
        raw = 0
        for _ in range(size):
            raw = raw << 1 | next(self._bits)
        return raw if size == 0 or raw >> (size - 1) else raw - (1 << size) + 1

    def restart(self) -> None:
        assert self._stream[self._position] == 0xFF
        assert 0xD0 <= self._stream[self._position + 1] <= 0xD7
        self._position += 2
        self._bits = self._read()

    def end(self) -> int:
        return self._position
