"""Graphics that stand beside text on screens and are not text.

Calipers, scales, grids, traces, colour bars: thin bright strokes of the width of
letters. Each is drawn as a negative, so the finder learns to leave them.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas = NDArray[np.uint8]
Colour = tuple[int, int, int]


def distract(canvas: Canvas, chance: np.random.Generator, count: int, *, grey: bool) -> None:
    """Draw `count` graphics at random on `canvas`, in place."""
    kinds: tuple[Callable[[Canvas, np.random.Generator, Colour], None], ...] = (
        _calipers, _calipers, _ruler, _ruler, _ruler, _grid, _trace, _trace, _colour_bar, _frame,
        _curve, _dots, _arrow, _table, _histogram, _hatch, _icons,
        _flow, _flow, _flow, _flow, _flow,
    )  # fmt: skip
    for _ in range(count):
        level = int(chance.integers(60, 256))
        colour: Colour = (level, level, level)
        if not grey and chance.random() < 0.5:
            red, green, blue = (int(v) for v in chance.integers(0, 256, 3))
            colour = (red, green, blue)
        kinds[int(chance.integers(len(kinds)))](canvas, chance, colour)


def _point(canvas: Canvas, chance: np.random.Generator) -> tuple[int, int]:
    rows, columns = canvas.shape[:2]
    return int(chance.integers(0, columns)), int(chance.integers(0, rows))


def _calipers(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    size = int(chance.integers(2, 8))
    first, second = _point(canvas, chance), _point(canvas, chance)
    form = int(chance.integers(0, 4))
    for x, y in (first, second):
        if form in {0, 2}:
            cv2.line(canvas, (x - size, y), (x + size, y), colour, 1)
            cv2.line(canvas, (x, y - size), (x, y + size), colour, 1)
        if form in {1, 2}:
            cv2.line(canvas, (x - size, y - size), (x + size, y + size), colour, 1)
            cv2.line(canvas, (x - size, y + size), (x + size, y - size), colour, 1)
        if form == 3:
            cv2.drawMarker(canvas, (x, y), colour, cv2.MARKER_DIAMOND, 2 * size)
    dots = int(np.hypot(first[0] - second[0], first[1] - second[1]) // int(chance.integers(3, 9)))
    for share in np.linspace(0, 1, max(2, dots)):
        x, y = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
        cv2.circle(canvas, (x, y), 0, colour, -1)


def _ruler(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    upright = chance.random() < 0.65
    across, along = _point(canvas, chance)
    step, long_every = int(chance.integers(4, 40)), int(chance.integers(2, 11))
    short = int(chance.integers(1, 7))
    longer = short + int(chance.integers(1, 9))
    length = int(chance.integers(60, 400))
    for index, offset in enumerate(range(0, length, step)):
        tick = longer if index % long_every == 0 else short
        start, end = (across, along + offset), (across + tick, along + offset)
        if not upright:
            start, end = start[::-1], end[::-1]
        cv2.line(canvas, start, end, colour, int(chance.integers(1, 3)) if tick == longer else 1)
    if chance.random() < 0.5:
        start, end = (across, along), (across, along + length)
        if not upright:
            start, end = start[::-1], end[::-1]
        cv2.line(canvas, start, end, colour, 1)


def _grid(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    x, y = _point(canvas, chance)
    step, count = int(chance.integers(6, 30)), int(chance.integers(3, 15))
    for index in range(count + 1):
        cv2.line(canvas, (x + index * step, y), (x + index * step, y + count * step), colour, 1)
        cv2.line(canvas, (x, y + index * step), (x + count * step, y + index * step), colour, 1)


def _trace(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    columns = canvas.shape[1]
    base = _point(canvas, chance)[1]
    period, height = chance.uniform(25, 140), chance.uniform(5, 50)
    x = np.arange(columns)
    phase = (x + chance.uniform(0, period)) % period / period
    wave = np.exp(-(((phase - 0.4) / 0.02) ** 2)) - 0.25 * np.exp(-(((phase - 0.45) / 0.02) ** 2))
    wave += 0.2 * np.exp(-(((phase - 0.7) / 0.06) ** 2)) + chance.normal(0, 0.02, columns)
    points = np.stack([x, base - height * wave], 1).astype(np.int32)
    kind = cv2.LINE_AA if chance.random() < 0.5 else cv2.LINE_8
    cv2.polylines(
        canvas, [points.reshape(-1, 1, 2)], False, colour, int(chance.integers(1, 3)), kind
    )


def _colour_bar(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    x, y = _point(canvas, chance)
    width, height = int(chance.integers(4, 26)), int(chance.integers(30, 200))
    place = canvas[y : y + height, x : x + width]
    ramp = np.linspace(255, 0, height)[: place.shape[0], None, None]
    place[:] = ramp * np.array(colour) / 255 if chance.random() < 0.7 else ramp
    if chance.random() < 0.5:
        cv2.rectangle(canvas, (x - 1, y - 1), (x + width, y + height), colour, 1)


def _frame(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    first, second = _point(canvas, chance), _point(canvas, chance)
    cv2.rectangle(canvas, first, second, colour, int(chance.integers(1, 3)))


def _curve(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    axes = (int(chance.integers(3, 150)), int(chance.integers(3, 150)))
    start = int(chance.integers(0, 360))
    end = start + int(chance.integers(40, 361))
    cv2.ellipse(
        canvas, _point(canvas, chance), axes, float(chance.integers(0, 180)), start, end, colour,
        int(chance.integers(1, 4)), cv2.LINE_AA,
    )  # fmt: skip


def _dots(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    for _ in range(int(chance.integers(5, 60))):
        cv2.circle(canvas, _point(canvas, chance), int(chance.integers(0, 3)), colour, -1)


def _arrow(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    x, y = _point(canvas, chance)
    reach = chance.integers(-60, 61, 2)
    cv2.arrowedLine(
        canvas, (x, y), (x + int(reach[0]), y + int(reach[1])), colour, int(chance.integers(1, 4)),
        tipLength=float(chance.uniform(0.1, 0.5)),
    )  # fmt: skip


def _table(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    rows, columns = canvas.shape[:2]
    y = _point(canvas, chance)[1]
    for _ in range(int(chance.integers(1, 5))):
        drop = float(chance.uniform(0, 60))
        x = np.arange(0, columns, 8)
        bend = y + drop * ((x - columns / 2) / columns * 2) ** 2
        points = np.stack([x, bend], 1).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(canvas, [points], False, colour, int(chance.integers(1, 4)), cv2.LINE_AA)
        y = (y + int(chance.integers(4, 30))) % rows


def _histogram(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    x, y = _point(canvas, chance)
    width, gap = int(chance.integers(1, 6)), int(chance.integers(1, 5))
    for index in range(int(chance.integers(5, 40))):
        left = x + index * (width + gap)
        height = int(chance.integers(2, 50))
        cv2.rectangle(canvas, (left, y - height), (left + width - 1, y), colour, -1)


def _hatch(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    x, y = _point(canvas, chance)
    size, step = int(chance.integers(20, 90)), int(chance.integers(3, 9))
    place = canvas[y : y + size, x : x + size]
    if place.size:
        rows, columns = np.indices(place.shape[:2])
        place[(rows + columns) % step == 0] = colour
        if chance.random() < 0.5:
            place[(rows - columns) % step == 0] = colour


def _flow(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Paint ragged coloured islands, as colour and power Doppler do."""
    rows, columns = canvas.shape[:2]
    height, width = (int(v) for v in chance.integers(40, rows, 2))
    top, left = int(chance.integers(0, rows - 30)), int(chance.integers(0, columns - 30))
    place = canvas[top : top + height, left : left + width]
    grain = chance.uniform(0.8, 6.0)
    shape = np.array([1.0, chance.uniform(0.4, 2.5)]) * grain
    noise = chance.normal(0, 1, place.shape[:2]).astype(np.float32)
    field = np.zeros_like(noise)
    for fineness, share in ((1.0, 1.0), (0.35, chance.uniform(0.0, 0.7))):
        wide, high = (max(0.5, float(n) * fineness) for n in shape)
        soft = np.asarray(cv2.GaussianBlur(noise, (0, 0), wide, sigmaY=high), np.float32)
        field = field + share * soft / (float(soft.std()) + 1e-6)
    if chance.random() < 0.5:  # vessels branch: the lines along which the noise changes sign
        field = np.asarray(2.0 - np.abs(field) * float(chance.uniform(2.0, 5.0)), np.float32)
    if chance.random() < 0.5:  # vessels are denser in the middle of their organ
        down, across = np.indices(place.shape[:2], np.float32)
        middle = np.hypot(
            down / max(1, place.shape[0]) - 0.5, across / max(1, place.shape[1]) - 0.5
        )
        field += 1.0 - 3.0 * middle
    over = field - float(chance.uniform(0.2, 1.3))
    painted = over > 0
    level = np.clip(over / 1.5, 0, 1)[painted]
    if colour[0] == colour[1] == colour[2]:
        shade = np.stack([255 * level] * 3, 1)
    elif chance.random() < 0.5:  # power Doppler: dark red over orange to yellow
        shade = np.stack([120 + 135 * level, 255 * level**1.2, 60 * level**3], 1)
    else:  # colour Doppler: towards and away
        side = np.asarray(cv2.GaussianBlur(noise[::-1], (0, 0), 4 * grain))[painted] > 0
        shade = np.stack([255 * level, 200 * level**2, np.zeros_like(level)], 1)
        shade[side] = shade[side][:, [2, 1, 0]]
    place[painted] = (shade * chance.uniform(0.6, 1.0)).astype(np.uint8)
    if chance.random() < 0.5:
        cv2.rectangle(canvas, (left, top), (left + width, top + height), (220, 220, 220), 1)


def _icons(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    x, y = _point(canvas, chance)
    size = int(chance.integers(3, 10))
    for index in range(int(chance.integers(1, 5))):
        left = x + index * 3 * size
        corners = int(chance.integers(3, 6))
        turn = chance.uniform(0, 6.3)
        angles = turn + np.arange(corners) * 2 * np.pi / corners
        points = np.stack([left + size * np.cos(angles), y + size * np.sin(angles)], 1)
        if chance.random() < 0.6:
            cv2.fillPoly(canvas, [points.astype(np.int32)], colour)
        else:
            cv2.polylines(canvas, [points.astype(np.int32)], True, colour, 1)
