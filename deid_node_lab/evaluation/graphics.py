"""Graphics without letters, one kind at a time: what a finder should leave alone.

Drawn with other code than the negatives that the finder is trained with, so that
a graphic it has learned by heart does not pass for one it understands.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas: TypeAlias = NDArray[np.uint8]
Draw: TypeAlias = Callable[[Canvas, np.random.Generator], None]

_WHITE = (255, 255, 255)


def _whole(chance: np.random.Generator, low: float, high: float) -> int:
    return int(chance.integers(int(low), max(int(low) + 1, int(high))))


def _calipers(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    for _ in range(2):
        (x0, x1), (y0, y1) = chance.integers(10, columns - 10, 2), chance.integers(10, rows - 10, 2)
        arm = _whole(chance, 3, 7)
        for end in ((int(x0), int(y0)), (int(x1), int(y1))):
            cv2.drawMarker(canvas, end, _WHITE, cv2.MARKER_CROSS, 2 * arm, 1)
        for share in np.linspace(0, 1, max(2, int(np.hypot(x1 - x0, y1 - y0) // 6))):
            canvas[round(y0 + share * (y1 - y0)), round(x0 + share * (x1 - x0))] = _WHITE


def _ruler(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    step, x = _whole(chance, 6, 20), _whole(chance, 4, columns - 20)
    for number, y in enumerate(range(5, rows - 5, step)):
        length = 10 if number % 10 == 0 else 7 if number % 5 == 0 else 4
        cv2.line(canvas, (x, y), (x + length, y), _WHITE, 1)


def _grid(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    step, level = _whole(chance, 12, 40), _whole(chance, 90, 256)
    for x in range(_whole(chance, 0, step), columns, step):
        canvas[:, x] = level
    for y in range(_whole(chance, 0, step), rows, step):
        canvas[y] = level


def _ecg_trace(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    beat, high = _whole(chance, 40, 110), _whole(chance, 15, 45)
    base = _whole(chance, rows // 3, rows - 10)
    t = (np.arange(columns) % beat) / beat
    wave = 0.12 * np.exp(-(((t - 0.2) / 0.03) ** 2)) + np.exp(-(((t - 0.35) / 0.012) ** 2))
    wave += -0.2 * np.exp(-(((t - 0.38) / 0.012) ** 2)) + 0.25 * np.exp(-(((t - 0.6) / 0.05) ** 2))
    points = np.stack([np.arange(columns), base - high * wave], 1).round().astype(np.int32)
    cv2.polylines(canvas, [points], False, (90, 255, 90), 1, cv2.LINE_AA)


def _colour_bar(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    width, height = _whole(chance, 8, 20), _whole(chance, 60, rows - 30)
    x, y = _whole(chance, 4, columns - 30), _whole(chance, 10, rows - height)
    ramp = np.linspace(255, 0, height).astype(np.uint8)[:, None]
    bar = np.asarray(cv2.applyColorMap(np.repeat(ramp, width, 1), cv2.COLORMAP_JET), np.uint8)
    canvas[y : y + height, x : x + width] = bar[..., ::-1]


def _arcs(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    middle = (columns // 2, -rows // 4)
    for radius in range(_whole(chance, rows // 3, rows // 2), rows, _whole(chance, 20, 50)):
        cv2.ellipse(canvas, middle, (radius, radius), 0, 40, 140, _WHITE, 1, cv2.LINE_AA)


def _biopsy_grid(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    step = _whole(chance, 14, 26)
    for y in range(rows // 4, rows - 20, step):
        for x in range(columns // 5, columns - columns // 5, step):
            cv2.circle(canvas, (x, y), 1, _WHITE, -1)


def _mesh(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    step, level = _whole(chance, 5, 10), _whole(chance, 120, 256)
    down, across = np.indices((rows // 2, columns // 2))
    place = canvas[rows // 4 : rows // 4 + rows // 2, columns // 4 : columns // 4 + columns // 2]
    place[((down + across) % step == 0) | ((down - across) % step == 0)] = level


def _table_edges(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    x = np.arange(columns)
    for base in rows * np.array([0.72, 0.76]):
        sag = chance.uniform(10, 40) * (1 - ((x - columns / 2) / (columns / 2)) ** 2)
        points = np.stack([x, base + sag], 1).round().astype(np.int32)
        level = _whole(chance, 120, 230)
        cv2.polylines(canvas, [points], False, (level,) * 3, 2, cv2.LINE_AA)


def _doppler(canvas: Canvas, chance: np.random.Generator) -> None:
    rows, columns = canvas.shape[:2]
    noise = chance.normal(0, 1, (rows, columns)).astype(np.float32)
    flow = np.asarray(cv2.GaussianBlur(noise, (0, 0), chance.uniform(2, 5)), np.float32)
    flow /= float(flow.std())
    inside = np.zeros((rows, columns), np.bool_)
    inside[rows // 4 : 3 * rows // 4, columns // 4 : 3 * columns // 4] = True
    for there, hue in ((flow > 0.9, (1.0, 0.35, 0.0)), (flow < -0.9, (0.0, 0.3, 1.0))):
        strength = np.clip(np.abs(flow) * 110, 60, 255)[there & inside]
        canvas[there & inside] = (strength[:, None] * np.array(hue)).astype(np.uint8)


GRAPHICS: Mapping[str, Draw] = MappingProxyType(
    {
        "calipers": _calipers,
        "ruler": _ruler,
        "grid": _grid,
        "ECG trace": _ecg_trace,
        "colour bar": _colour_bar,
        "arcs": _arcs,
        "biopsy grid": _biopsy_grid,
        "mesh": _mesh,
        "table edges": _table_edges,
        "Doppler": _doppler,
    }
)
"""Each draws itself once onto an RGB picture, in place."""
