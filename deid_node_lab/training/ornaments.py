"""What lies on patients and on measured images and is no text: chains, clips, wires, marks.

Drawn over a real or drawn picture, in place: thin, bright, regular, as letters are.
"""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas: TypeAlias = NDArray[np.uint8]
Colour: TypeAlias = tuple[int, int, int]


def adorn(canvas: Canvas, chance: np.random.Generator, count: int, *, grey: bool) -> None:
    """Draw `count` of them at random on `canvas`, in place."""
    worn: tuple[Callable[[Canvas, np.random.Generator, Colour], None], ...] = (
        _chain, _chain, _clips, _clips, _staples, _lead, _sternal_wires, _snap,
    )  # fmt: skip
    measured: tuple[Callable[[Canvas, np.random.Generator, Colour], None], ...] = (
        _distance, _distance, _distance, _ellipse, _ellipse, _cross, _cross, _edge_scale,
        _edge_scale, _angle, _region,
    )  # fmt: skip
    kinds = worn if chance.random() < 0.45 else measured
    for _ in range(count):
        level = int(chance.integers(140, 256)) if chance.random() < 0.9 else 0
        colour: Colour = (level, level, level)
        if kinds is measured and not grey and chance.random() < 0.6:
            names = ((255, 255, 0), (0, 255, 0), (0, 255, 255), (255, 128, 0), (255, 0, 255))
            colour = names[int(chance.integers(len(names)))]
        kinds[int(chance.integers(len(kinds)))](canvas, chance, colour)


def _somewhere(canvas: Canvas, chance: np.random.Generator) -> NDArray[np.float64]:
    return chance.uniform(0.03, 0.97, 2) * canvas.shape[1::-1]


def _at(place: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(place[0])), round(float(place[1]))


def _hanging(canvas: Canvas, chance: np.random.Generator) -> NDArray[np.float64]:
    """Return points, a pixel apart, of a line that hangs or runs freely."""
    side = max(canvas.shape[:2])
    if chance.random() < 0.5:
        half, sag = side * chance.uniform(0.08, 0.4), side * chance.uniform(0.02, 0.5)
        x = np.linspace(-half, half, 60)
        points = np.stack([x, sag * (1 - (x / half) ** 2)], 1)
    else:
        turns = np.cumsum(chance.normal(0, 0.2, 60)) + chance.uniform(0, 6.3)
        points = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1), 0)
        points *= side * chance.uniform(0.15, 0.8) / 60
    points = points - points.mean(0) + _somewhere(canvas, chance)
    ways = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    along = np.arange(0, ways[-1], 1.0)
    return np.stack([np.interp(along, ways, points[:, n]) for n in range(2)], 1)


def _chain(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw links or beads along a line, some with a pendant."""
    points = _hanging(canvas, chance)
    size = float(np.exp(chance.uniform(0.1, 1.9)))
    step = max(2, round(size * chance.uniform(1.5, 3.5)))
    form = int(chance.integers(4))
    for number, place in enumerate(points[::step]):
        near = points[min(len(points) - 1, number * step + 2)] - place
        turn = float(np.degrees(np.arctan2(near[1], near[0])))
        axes = (max(1, round(size)), max(1, round(size * chance.uniform(0.4, 0.9))))
        if form == 0:
            cv2.circle(canvas, _at(place), axes[1], colour, -1, cv2.LINE_AA)
        elif form == 1:
            cv2.ellipse(canvas, _at(place), axes, turn, 0, 360, colour, 1, cv2.LINE_AA)
        elif form == 2:
            if number % 2:
                cv2.ellipse(canvas, _at(place), axes, turn, 0, 360, colour, 1, cv2.LINE_AA)
            else:
                cv2.line(canvas, _at(place), _at(place + near * size / 2), colour, 1, cv2.LINE_AA)
        else:
            cv2.ellipse(canvas, _at(place), axes, turn + 90, 0, 360, colour, -1, cv2.LINE_AA)
    if chance.random() < 0.4:
        pendant = _at(points[len(points) // 2])
        reach = round(size * chance.uniform(1.5, 5)) + 2
        if chance.random() < 0.5:
            cv2.circle(canvas, pendant, reach, colour, int(chance.choice([-1, 1, 2])))
        else:
            thick = max(1, reach // 4)
            cv2.line(canvas, pendant, (pendant[0], pendant[1] + 2 * reach), colour, thick)
            y = pendant[1] + reach // 2
            cv2.line(
                canvas, (pendant[0] - reach // 2, y), (pendant[0] + reach // 2, y), colour, thick
            )


def _clips(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw a flock of short strokes: clips of a surgeon, coils, seeds."""
    middle, spread = _somewhere(canvas, chance), max(canvas.shape[:2]) * chance.uniform(0.02, 0.15)
    length = float(np.exp(chance.uniform(1.1, 2.7)))
    for _ in range(int(chance.integers(2, 15))):
        place = middle + chance.normal(0, spread, 2)
        turn = chance.uniform(0, np.pi)
        reach = np.array([np.cos(turn), np.sin(turn)]) * length / 2
        thick = int(chance.integers(1, 4))
        cv2.line(canvas, _at(place - reach), _at(place + reach), colour, thick, cv2.LINE_AA)
        if chance.random() < 0.35:  # seen from the side, both legs show
            aside = reach[::-1] * np.array([-1, 1]) * chance.uniform(0.2, 0.7)
            ends = _at(place - reach + aside), _at(place + reach + aside)
            cv2.line(canvas, *ends, colour, thick, cv2.LINE_AA)
            cv2.line(canvas, _at(place + reach), ends[1], colour, thick, cv2.LINE_AA)


def _staples(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw a row of like strokes across a line: staples, sutures, teeth of a zip."""
    points = _hanging(canvas, chance)
    step, length = int(chance.integers(4, 16)), float(chance.uniform(2, 8))
    feet = chance.random() < 0.5
    for number in range(0, len(points) - 3, step):
        along = points[number + 2] - points[number]
        across = along[::-1] * np.array([-1, 1])
        across = across / (np.hypot(*across) + 1e-6) * length
        ends = points[number] - across, points[number] + across
        cv2.line(canvas, _at(ends[0]), _at(ends[1]), colour, 1, cv2.LINE_AA)
        if feet:
            for end in ends:
                cv2.line(canvas, _at(end), _at(end + along), colour, 1, cv2.LINE_AA)


def _lead(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw a wire with its electrode, or two that run beside each other."""
    points = _hanging(canvas, chance)
    thick = int(chance.integers(1, 4))
    for shift in (0, thick + 2)[: int(chance.integers(1, 3))]:
        path = (points + shift).round().astype(np.int32)
        cv2.polylines(canvas, [path], False, colour, thick, cv2.LINE_AA)
    end, size = _at(points[-1]), int(chance.integers(3, 12))
    cv2.circle(canvas, end, size, colour, int(chance.choice([-1, 1, 2])), cv2.LINE_AA)
    if chance.random() < 0.5:
        cv2.circle(canvas, end, max(1, size // 2), tuple(255 - n for n in colour), -1, cv2.LINE_AA)


def _sternal_wires(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw loops and eights under each other, as a closed breastbone shows."""
    x, y = _somewhere(canvas, chance)
    size = float(np.exp(chance.uniform(1.2, 2.9)))
    step = size * chance.uniform(1.6, 4)
    angle = np.linspace(0, 2 * np.pi, 30)
    for number in range(int(chance.integers(2, 8))):
        eight = chance.random() < 0.4
        own = np.stack([np.sin(angle * (2 if eight else 1)), np.cos(angle) * 0.6], 1) * size
        path = own + np.array([x, y + number * step]) + chance.normal(0, 1.5, 2)
        cv2.polylines(
            canvas, [path.round().astype(np.int32)], False, colour, int(chance.integers(1, 3)),
            cv2.LINE_AA,
        )  # fmt: skip


def _snap(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw the snaps and buttons of a gown, one, two or a row."""
    place, step = _somewhere(canvas, chance), chance.normal(0, 30, 2)
    size = int(chance.integers(2, 9))
    for number in range(int(chance.integers(1, 5))):
        at = _at(place + number * step)
        cv2.circle(canvas, at, size, colour, int(chance.integers(1, 3)), cv2.LINE_AA)
        if chance.random() < 0.7:
            cv2.circle(canvas, at, max(1, size // 3), colour, -1, cv2.LINE_AA)


def _mark(
    canvas: Canvas, at: tuple[int, int], form: int, size: int, colour: Colour, *, thick: int = 1
) -> None:
    kinds = (
        cv2.MARKER_CROSS, cv2.MARKER_TILTED_CROSS, cv2.MARKER_STAR, cv2.MARKER_DIAMOND,
        cv2.MARKER_SQUARE, cv2.MARKER_TRIANGLE_UP,
    )  # fmt: skip
    if form < len(kinds):
        cv2.drawMarker(canvas, at, colour, kinds[form], 2 * size + 1, thick)
    elif form == len(kinds):
        cv2.circle(canvas, at, size, colour, thick)
        cv2.circle(canvas, at, 0, colour, -1)
    else:  # a cross with its middle left open
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            start = at[0] + dx * (size // 3 + 1), at[1] + dy * (size // 3 + 1)
            cv2.line(canvas, start, (at[0] + dx * size, at[1] + dy * size), colour, thick)


def _form(chance: np.random.Generator) -> int:
    return int(chance.choice(8, p=[0.34, 0.22, 0.1, 0.06, 0.05, 0.05, 0.06, 0.12]))


def _dotted(
    canvas: Canvas, points: NDArray[np.float64], chance: np.random.Generator, colour: Colour
) -> None:
    """Draw a line through `points` as dots, dashes, or whole."""
    step, draw = int(chance.integers(2, 9)), chance.random()
    if draw < 0.5:
        size = int(chance.choice([0, 0, 1]))
        for place in points[::step]:
            cv2.circle(canvas, _at(place), size, colour, -1)
    elif draw < 0.8:
        for number in range(0, len(points) - 1, 2 * step):
            end = points[min(len(points) - 1, number + step)]
            cv2.line(canvas, _at(points[number]), _at(end), colour, 1)
    else:
        cv2.polylines(canvas, [points.round().astype(np.int32)], False, colour, 1, cv2.LINE_AA)


def _distance(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw one or more measured distances, a mark at each end, a line between or none."""
    form, size = _form(chance), int(chance.integers(2, 10))
    thick = int(chance.choice([1, 1, 1, 2]))
    joined = chance.random() < 0.75
    for _ in range(int(chance.integers(1, 4))):
        first = _somewhere(canvas, chance)
        reach = np.exp(chance.uniform(2.2, 5.3)) * _direction(chance)
        count = max(2, int(np.hypot(*reach)))
        points = first + np.linspace(0, 1, count)[:, None] * reach
        if joined:
            _dotted(canvas, points, chance, colour)
        for end in (points[0], points[-1]):
            _mark(canvas, _at(end), form, size, colour, thick=thick)


def _direction(chance: np.random.Generator) -> NDArray[np.float64]:
    turn = chance.uniform(0, 2 * np.pi)
    if chance.random() < 0.4:
        turn = np.pi / 2 * int(chance.integers(4)) + chance.normal(0, 0.05)
    return np.array([np.cos(turn), np.sin(turn)])


def _ellipse(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw a measured circumference with the marks that span it."""
    middle, axes = _somewhere(canvas, chance), np.exp(chance.uniform(1.6, 4.6, 2))
    turn, angle = chance.uniform(0, np.pi), np.linspace(0, 2 * np.pi, max(16, int(6 * axes.max())))
    across = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = middle + (np.stack([np.cos(angle), np.sin(angle)], 1) * axes) @ across.T
    _dotted(canvas, points, chance, colour)
    form, size = _form(chance), int(chance.integers(2, 8))
    for share in (0.0, 0.25, 0.5, 0.75)[: int(chance.choice([0, 2, 4]))]:
        _mark(canvas, _at(points[int(share * (len(points) - 1))]), form, size, colour)


def _cross(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw lone marks: a cursor, points of interest, fiducials in a grid."""
    form, size = _form(chance), int(chance.integers(2, 14))
    if chance.random() < 0.3:
        step = chance.uniform(15, 60, 2)
        start = _somewhere(canvas, chance) / 2
        count = chance.integers(2, 7, 2)
        for row in range(count[0]):
            for column in range(count[1]):
                _mark(canvas, _at(start + step * (column, row)), form, size, colour)
        return
    for _ in range(int(chance.integers(1, 6))):
        _mark(canvas, _at(_somewhere(canvas, chance)), form, size, colour)


def _edge_scale(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw the ticks of a depth or length scale, mostly along an edge, without its numbers."""
    rows, columns = canvas.shape[:2]
    upright = chance.random() < 0.6
    length = rows if upright else columns
    edge = columns if upright else rows
    fixed = int(chance.choice([chance.integers(0, 12), edge - chance.integers(2, 14),
                               chance.integers(0, edge)]))  # fmt: skip
    step = float(np.exp(chance.uniform(1.1, 3.7)))
    often = int(chance.choice([2, 5, 5, 10]))
    short, longer = int(chance.integers(0, 5)), int(chance.integers(2, 12))
    start, end = sorted(chance.uniform(0, length, 2))
    if chance.random() < 0.4:
        start, end = 0.0, float(length)
    inward = -1 if fixed > edge / 2 else 1
    thick = int(chance.choice([1, 1, 1, 2]))
    for number, place in enumerate(np.arange(start, end, step)):
        reach = inward * (short + longer if number % often == 0 else short)
        first, second = (fixed, round(float(place))), (fixed + reach, round(float(place)))
        if not upright:
            first, second = first[::-1], second[::-1]
        cv2.line(canvas, first, second, colour, thick)
    if chance.random() < 0.35:
        first, second = (fixed, round(start)), (fixed, round(end))
        if not upright:
            first, second = first[::-1], second[::-1]
        cv2.line(canvas, first, second, colour, 1)


def _angle(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw two legs with the arc between them, as angles are measured."""
    corner = _somewhere(canvas, chance)
    turn, open_ = chance.uniform(0, 360), chance.uniform(15, 120)
    reach = float(np.exp(chance.uniform(3, 5)))
    for degrees in (turn, turn + open_):
        way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        points = corner + np.linspace(0, reach, max(2, int(reach)))[:, None] * way
        _dotted(canvas, points, chance, colour)
    size = max(2, int(reach * chance.uniform(0.1, 0.5)))
    cv2.ellipse(canvas, _at(corner), (size, size), 0, turn, turn + open_, colour, 1, cv2.LINE_AA)


def _region(canvas: Canvas, chance: np.random.Generator, colour: Colour) -> None:
    """Draw the outline of a region by hand, or its box with handles at the corners."""
    middle, size = _somewhere(canvas, chance), float(np.exp(chance.uniform(2.2, 4.6)))
    if chance.random() < 0.5:
        angle = np.linspace(0, 2 * np.pi, 40)
        radius = size * (1 + 0.25 * np.sin(angle * 3 + chance.uniform(0, 6)))
        points = middle + np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None]
        cv2.polylines(canvas, [points.round().astype(np.int32)], True, colour, 1, cv2.LINE_AA)
        return
    low, high = middle - size, middle + size * chance.uniform(0.3, 1.5)
    cv2.rectangle(canvas, _at(low), _at(high), colour, 1)
    half = int(chance.integers(1, 4))
    for x in (low[0], high[0]):
        for y in (low[1], high[1]):
            corner = _at(np.array([x, y]))
            cv2.rectangle(
                canvas, [n - half for n in corner], [n + half for n in corner], colour, -1
            )
