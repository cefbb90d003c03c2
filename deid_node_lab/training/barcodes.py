"""Codes that carry an identifier without a letter: bars and squares drawn as ink.

They say nothing that could be read: modules are drawn by chance, in the widths and
with the marks of Code 39, Code 128, EAN, ITF, PDF417, DataMatrix and QR. What tells
a code from a phantom's bar pattern is that its bars never repeat.

Source: ISO/IEC 16388, 15417, 15420, 16390, 15438, 16022, 18004 (widths, guards, marks).
"""

import numpy as np
from numpy.typing import NDArray

_INK = 255
_GUARD_417 = (8, 1, 1, 1, 1, 1, 1, 3)
_STOP_417 = (7, 1, 1, 3, 1, 1, 1, 2, 1)


def barcode(chance: np.random.Generator, module_pixels: float) -> NDArray[np.uint8]:
    """Return the ink of one code, 0 or 255, ``(rows, columns)``, without its quiet zone.

    `module_pixels` is the width of the thinnest bar; codes of bars keep it down to 1.
    """
    module = max(1, round(module_pixels))
    draw = chance.random()
    if draw < 0.62:
        widths = _bars(chance)
        high = int(chance.integers(8, 60)) * max(1, module // 2) + 6
        row = np.concatenate(
            [
                np.full(width * module, _INK * (1 - n % 2), np.uint8)
                for n, width in enumerate(widths)
            ]
        )
        return np.repeat(row[None, :], high, axis=0)
    if draw < 0.75:
        squares = _pdf417(chance)
        return squares.repeat(int(chance.integers(2, 5)) * module, 0).repeat(module, 1)
    squares = _qr(chance) if draw < 0.9 else _datamatrix(chance)
    side = max(2, module)
    return squares.repeat(side, 0).repeat(side, 1)


def _bars(chance: np.random.Generator) -> list[int]:
    """Return widths of bars and gaps in turn, in modules; a bar first and last."""
    count = int(chance.integers(4, 22))
    kind = int(chance.integers(4))
    if kind == 0:  # Code 39: nine of which three are wide, and a narrow gap
        wide = int(chance.integers(2, 4))
        widths = []
        for _ in range(count):
            own = np.ones(9, int)
            own[chance.choice(9, 3, replace=False)] = wide
            widths += [*own.tolist(), 1]
        return [int(width) for width in widths[:-1]]
    if kind == 1:  # ITF: pairs of digits, five bars with five gaps between
        wide = int(chance.integers(2, 4))
        widths = [1, 1, 1, 1]
        for _ in range(count):
            own = np.ones((5, 2), int)
            for side in range(2):
                own[chance.choice(5, 2, replace=False), side] = wide
            widths += own.reshape(-1).tolist()
        return [int(width) for width in (*widths, wide, 1, 1)]
    # Code 128: eleven modules in six; EAN: seven in four.
    modules, parts, guard = (11, 6, [2, 1, 1, 4, 1, 2]) if kind == 2 else (7, 4, [1, 1, 1, 1])
    widths = list(guard)
    for _ in range(count if kind == 2 else 12):
        cuts = np.sort(chance.choice(modules - 1, parts - 1, replace=False) + 1)
        widths += np.diff(np.concatenate([[0], cuts, [modules]])).tolist()
    return [int(min(width, 4)) for width in (*widths, 2, 1, 1)]


def _pdf417(chance: np.random.Generator) -> NDArray[np.uint8]:
    rows, words = int(chance.integers(4, 24)), int(chance.integers(2, 9))
    lines = []
    for _ in range(rows):
        widths = list(_GUARD_417)
        for _ in range(words):
            cuts = np.sort(chance.choice(16, 7, replace=False) + 1)
            widths += np.diff(np.concatenate([[0], cuts, [17]])).tolist()
        widths += _STOP_417
        lines.append(
            np.concatenate([np.full(w, _INK * (1 - n % 2), np.uint8) for n, w in enumerate(widths)])
        )
    return np.stack(lines)


def _qr(chance: np.random.Generator) -> NDArray[np.uint8]:
    side = 17 + 4 * int(chance.integers(1, 9))
    squares = (chance.random((side, side)) < 0.5).astype(np.uint8)
    squares[6, :], squares[:, 6] = np.arange(side) % 2 == 0, np.arange(side) % 2 == 0
    mark = np.zeros((8, 8), np.uint8)
    mark[:7, :7] = 1
    mark[1:6, 1:6] = 0
    mark[2:5, 2:5] = 1
    squares[:8, :8], squares[:8, -8:], squares[-8:, :8] = mark, mark[:, ::-1], mark[::-1]
    return squares * np.uint8(_INK)


def _datamatrix(chance: np.random.Generator) -> NDArray[np.uint8]:
    side = 2 * int(chance.integers(5, 27))
    squares = (chance.random((side, side)) < 0.5).astype(np.uint8)
    squares[:, 0], squares[-1, :] = 1, 1
    squares[0, :], squares[:, -1] = np.arange(side) % 2 == 0, np.arange(side) % 2 == 1
    return squares * np.uint8(_INK)
