"""Text-free pictures that few collections hold, drawn by code: what finders take for text.

Phantoms with spheres, vials, rings and bar patterns, label maps, stacks of vertebrae,
rows of teeth, wires and leads, and slices in small matrices, alone and as mosaics.
Each is a negative from edge to edge.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node_lab.training.backgrounds import Background

Grey = NDArray[np.uint8]


def phantom(side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return one drawn picture ``(side, side, 3)``, grey."""
    kinds: tuple[Callable[[int, np.random.Generator], NDArray[np.float32]], ...] = (
        _vials, _vials, _rings, _bars, _label_map, _label_map, _blobs, _spine, _spine, _spine,
        _teeth, _wires, _wires, _noise, _checks,
    )  # fmt: skip
    kind = kinds[int(chance.integers(len(kinds)))]
    own = side if chance.random() < 0.6 else int(chance.integers(40, max(41, side)))
    drawn = kind(own, chance)
    if kind is not _label_map:
        drawn = _scanned(drawn, chance)
    picture = np.clip(drawn, 0, 255).astype(np.uint8)
    canvas = np.zeros((side, side), np.uint8)
    if chance.random() < 0.5:
        picture = np.asarray(
            cv2.resize(picture, (side, side), interpolation=int(chance.choice([0, 1, 2]))), np.uint8
        )
        own = side
    top, left = (int(n) for n in chance.integers(0, side - own + 1, 2))
    canvas[top : top + own, left : left + own] = picture
    return np.repeat(canvas[..., None], 3, 2)


def mosaic(
    series: Sequence[Background], side: int, chance: np.random.Generator
) -> NDArray[np.uint8]:
    """Return slices of one source as tiles, ``(side, side, 3)``, as echo-planar series come."""
    count = int(chance.integers(2, 11))
    cell = max(16, -(-side // count))
    first = int(chance.integers(len(series)))
    canvas = np.zeros((cell * count, cell * count, 3), np.uint8)
    turn = int(chance.integers(4)) if chance.random() < 0.3 else 0
    last = count * count if chance.random() < 0.5 else int(chance.integers(2, count * count + 1))
    share = chance.uniform(0.7, 1.0)
    for number in range(last):
        pixels = series[(first + number) % len(series)].pixels
        grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        inner = max(8, round(cell * share))
        tile = cv2.resize(np.rot90(grey, turn), (inner, inner), interpolation=cv2.INTER_AREA)
        down, right = divmod(number, count)
        y, x = (n * cell + (cell - inner) // 2 for n in (down, right))
        canvas[y : y + inner, x : x + inner] = np.asarray(tile, np.uint8)[..., None]
    return np.ascontiguousarray(canvas[:side, :side])


def small(pixels: Grey, side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture in a matrix of 24 to 128 pixels in a black frame ``(side, side, 3)``."""
    longest = int(np.exp(chance.uniform(np.log(24), np.log(min(128, side)))))
    scale = longest / max(pixels.shape[:2])
    size = [max(8, min(side, round(n * scale))) for n in pixels.shape[:2]]
    method = int(chance.choice([cv2.INTER_AREA, cv2.INTER_NEAREST]))
    piece = np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=method), np.uint8)
    if chance.random() < 0.3:
        piece = np.clip(piece + chance.normal(0, chance.uniform(2, 14), piece.shape), 0, 255)
    canvas = np.zeros((side, side, 3), np.uint8)
    top, left = (
        int(chance.integers(0, side - n + 1)) if chance.random() < 0.6 else 0 for n in size
    )
    canvas[top : top + size[0], left : left + size[1]] = (
        piece if piece.ndim == 3 else piece[..., None]
    )
    return canvas


def _scanned(drawn: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """Return a drawing with the blur, shading and noise of a scan."""
    side = drawn.shape[0]
    if chance.random() < 0.75:
        drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), float(chance.uniform(0.4, 2.0))))
    if chance.random() < 0.5:
        ramp = np.linspace(chance.uniform(0.5, 1), 1, side, dtype=np.float32)
        drawn = drawn * (ramp[:, None] if chance.random() < 0.5 else ramp[None, :])
    if chance.random() < 0.7:
        spread = float(np.exp(chance.uniform(0, 3.2)))
        real, other = (chance.normal(0, spread, drawn.shape).astype(np.float32) for _ in range(2))
        drawn = np.hypot(drawn + real, other) if chance.random() < 0.6 else drawn + real
    return np.asarray(drawn, np.float32)


def _empty(side: int) -> NDArray[np.float32]:
    return np.zeros((side, side), np.float32)


def _body(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    canvas = _empty(side)
    middle = tuple(int(n) for n in chance.uniform(0.4, 0.6, 2) * side)
    axes = tuple(max(2, int(n)) for n in chance.uniform(0.25, 0.6, 2) * side)
    level = float(chance.uniform(30, 220))
    if chance.random() < 0.7:
        cv2.ellipse(canvas, middle, axes, 0, 0, 360, level, -1, cv2.LINE_AA)
    else:
        low = [int(n) for n in chance.uniform(0.05, 0.3, 2) * side]
        cv2.rectangle(canvas, low, [side - n for n in low], level, -1)
    return canvas


def _vials(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    canvas = _body(side, chance)
    radius = max(1.5, side * float(np.exp(chance.uniform(np.log(0.012), np.log(0.1)))))
    level = float(chance.uniform(0, 255))
    varied = chance.random() < 0.6
    turn, step = chance.uniform(0, np.pi), radius * chance.uniform(2.2, 5)
    count = int(chance.integers(1, 8))
    for row in range(-count, count + 1):
        for column in range(-count, count + 1):
            if chance.random() < 0.12:
                continue
            x = side / 2 + step * (column * np.cos(turn) - row * np.sin(turn))
            y = side / 2 + step * (column * np.sin(turn) + row * np.cos(turn))
            own = float(chance.uniform(0, 255)) if varied else level
            fill = -1 if chance.random() < 0.8 else max(1, int(radius / 3))
            size = max(1, round(radius * (chance.uniform(0.4, 1.1) if varied else 1)))
            cv2.circle(canvas, (round(x), round(y)), size, own, fill, cv2.LINE_AA)
    return canvas


def _rings(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    canvas = _body(side, chance)
    for _ in range(int(chance.integers(1, 14))):
        middle = [int(n) for n in chance.uniform(0.1, 0.9, 2) * side]
        radius = max(2, int(side * np.exp(chance.uniform(np.log(0.015), np.log(0.4)))))
        width = max(1, int(radius * chance.uniform(0.05, 0.5)))
        start = int(chance.integers(0, 360))
        reach = 360 if chance.random() < 0.6 else int(chance.integers(30, 300))
        cv2.ellipse(
            canvas, middle, (radius, max(2, int(radius * chance.uniform(0.5, 1)))),
            float(chance.uniform(0, 180)), start, start + reach,
            float(chance.uniform(0, 255)), width, cv2.LINE_AA,
        )  # fmt: skip
    return canvas


def _bars(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Draw groups of equal lines, as resolution inserts have: unlike a code's, they repeat."""
    canvas = _body(side, chance)
    for _ in range(int(chance.integers(1, 10))):
        period = max(2, int(side * np.exp(chance.uniform(np.log(0.006), np.log(0.06)))))
        lines, length = int(chance.integers(2, 9)), int(period * chance.uniform(2, 12)) + 3
        x, y = (int(n) for n in chance.uniform(0, 0.9, 2) * side)
        level = float(chance.uniform(0, 255))
        upright = chance.random() < 0.5
        for line in range(lines):
            a, b = x + line * period, y
            corner, other = (a, b), (a + max(1, period // 2) - 1, b + length)
            if not upright:
                corner, other = (b, a), (b + length, a + max(1, period // 2) - 1)
            cv2.rectangle(canvas, corner, other, level, -1)
    return canvas


def _label_map(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Draw flat labels: organs as smooth islands, ribs as arcs, lesions as small ones."""
    labels = _empty(side)
    count = 1 if chance.random() < 0.5 else int(chance.integers(2, 9))
    for _number in range(count):
        level = 255.0 if count == 1 else float(chance.uniform(20, 255))
        draw = chance.random()
        if draw < 0.45:
            soft = side * float(np.exp(chance.uniform(np.log(0.01), np.log(0.12))))
            field = cv2.GaussianBlur(
                chance.normal(0, 1, (side, side)).astype(np.float32), (0, 0), soft
            )
            labels[field > np.quantile(field, chance.uniform(0.75, 0.995))] = level
        elif draw < 0.75:
            middle = [int(n) for n in chance.uniform(0.35, 0.65, 2) * side]
            for _rib in range(int(chance.integers(2, 12))):
                axes = [max(2, int(n)) for n in chance.uniform(0.1, 0.45, 2) * side]
                start = int(chance.integers(0, 360))
                cv2.ellipse(
                    labels, middle, axes, 0, start, start + int(chance.integers(8, 90)), level,
                    max(1, int(side * chance.uniform(0.006, 0.03))),
                )  # fmt: skip
        else:
            x, y = (int(n) for n in chance.uniform(0.05, 0.95, 2) * side)
            for _ in range(int(chance.integers(1, 20))):
                spot = (
                    x + int(chance.normal(0, side * 0.1)),
                    y + int(chance.normal(0, side * 0.1)),
                )
                radius = max(1, int(side * np.exp(chance.uniform(np.log(0.004), np.log(0.05)))))
                cv2.circle(labels, spot, radius, level, -1)
    return labels


def _blobs(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Draw a row, a column or a grid of like blobs: rods of a phantom, slices seen end on."""
    canvas = _body(side, chance) if chance.random() < 0.5 else _empty(side)
    step = max(5, int(side * np.exp(chance.uniform(np.log(0.03), np.log(0.15)))))
    rows, columns = int(chance.integers(1, 7)), int(chance.integers(2, 12))
    x0, y0 = (int(n) for n in chance.uniform(0, 0.6, 2) * side)
    level, turn = float(chance.uniform(60, 255)), float(chance.uniform(0, 180))
    size = [max(1, round(step * n)) for n in chance.uniform(0.12, 0.48, 2)]
    for row in range(rows):
        for column in range(columns):
            spot = [x0 + column * step + int(chance.normal(0, 1)), y0 + row * step]
            cv2.ellipse(canvas, spot, size, turn, 0, 360, level, -1, cv2.LINE_AA)
    return canvas


def _spine(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Draw vertebrae on a bent line, with discs between and processes behind."""
    canvas = np.full((side, side), float(chance.uniform(0, 70)), np.float32)
    high = side * float(np.exp(chance.uniform(np.log(0.04), np.log(0.16))))
    wide = high * chance.uniform(0.8, 1.6)
    gap = high * chance.uniform(0.1, 0.35)
    bone, disc, cord = (float(n) for n in chance.uniform(20, 255, 3))
    bend, phase = side * chance.uniform(-0.15, 0.15), chance.uniform(0, 2 * np.pi)
    middle = side * chance.uniform(0.25, 0.75)
    steps = np.arange(-1, int(side / (high + gap)) + 2)
    path = [
        (middle + bend * np.sin(phase + 2.2 * n * (high + gap) / side), n * (high + gap))
        for n in steps
    ]
    line = np.array(path).round().astype(np.int32).reshape(-1, 1, 2)
    behind = wide * chance.uniform(0.7, 1.1)
    shift = np.array([behind, 0]).astype(np.int32)
    cv2.polylines(canvas, [line + shift], False, cord, max(2, int(wide * 0.35)), cv2.LINE_AA)
    for (x, y), (below, y_below) in pairwise(path):
        turn = float(np.degrees(np.arctan2(below - x, y_below - y)))
        _block(canvas, (x, y), (wide, high), -turn, bone * chance.uniform(0.9, 1.1), chance=chance)
        between = ((x + below) / 2, (y + y_below) / 2)
        _block(canvas, between, (wide * 0.9, gap), -turn, disc, chance=chance)
        if chance.random() < 0.85:
            back = (x + 2 * behind, y + high * chance.uniform(0.1, 0.5))
            _block(canvas, back, (wide * 0.9, high * 0.35), 25 - turn, bone * 0.9, chance=chance)
    return canvas


def _block(
    canvas: NDArray[np.float32],
    middle: tuple[float, float],
    size: tuple[float, float],
    turn: float,
    level: float,
    *,
    chance: np.random.Generator,
) -> None:
    corners = cv2.boxPoints((middle, (max(1.0, size[0]), max(1.0, size[1])), turn))
    corners = corners + chance.normal(0, 0.04 * size[1], corners.shape)
    cv2.fillPoly(canvas, [corners.round().astype(np.int32)], level, cv2.LINE_AA)


def _teeth(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    canvas = np.full((side, side), float(chance.uniform(0, 120)), np.float32)
    wide = side * float(np.exp(chance.uniform(np.log(0.03), np.log(0.12))))
    for jaw in (-1, 1):
        for tooth in range(int(chance.integers(4, 16))):
            x = wide * (tooth + 0.3)
            y = side / 2 + jaw * wide * 1.3 + 0.002 * (x - side / 2) ** 2 * chance.uniform(0.5, 1)
            level = float(chance.uniform(130, 255))
            _block(
                canvas, (x, y), (wide * 0.8, wide * 1.2), chance.normal(0, 6), level, chance=chance
            )
            for root in (-0.2, 0.2):
                _block(
                    canvas, (x + root * wide, y + jaw * wide * 1.1), (wide * 0.3, wide * 1.2),
                    chance.normal(0, 10), level * 0.9, chance=chance,
                )  # fmt: skip
    return canvas


def _wires(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Draw sutures, leads, catheters and clips over a soft ground."""
    noise = chance.normal(0, 1, (side, side)).astype(np.float32)
    ground = cv2.GaussianBlur(noise, (0, 0), side * float(chance.uniform(0.03, 0.12)))
    span = float(np.ptp(ground)) + 1e-6
    canvas = np.asarray((ground - ground.min()) / span * chance.uniform(60, 200), np.float32)
    for _ in range(int(chance.integers(1, 7))):
        middle = chance.uniform(0.1, 0.9, 2) * side
        size = side * float(np.exp(chance.uniform(np.log(0.015), np.log(0.1))))
        angle = np.linspace(0, 2 * np.pi * chance.uniform(0.3, 1.2), 40)
        rates = chance.integers(1, 4, 2)
        x = middle[0] + size * np.sin(rates[0] * angle + chance.uniform(0, 6))
        y = middle[1] + size * chance.uniform(0.2, 1) * np.cos(rates[1] * angle)
        points = np.stack([x, y], 1).round().astype(np.int32).reshape(-1, 1, 2)
        level = float(chance.uniform(180, 255)) if chance.random() < 0.8 else 0.0
        cv2.polylines(canvas, [points], False, level, int(chance.integers(1, 4)), cv2.LINE_AA)
    for _ in range(int(chance.integers(0, 4))):  # a lead with its electrode
        path = (
            np.cumsum(chance.normal(0, side * 0.09, (6, 2)), 0) + chance.uniform(0.2, 0.8, 2) * side
        )
        points = path.round().astype(np.int32).reshape(-1, 1, 2)
        level = float(chance.uniform(160, 255))
        cv2.polylines(canvas, [points], False, level, int(chance.integers(1, 3)), cv2.LINE_AA)
        end = tuple(int(n) for n in points[-1, 0])
        cv2.circle(canvas, end, int(chance.integers(2, 9)), level, int(chance.choice([-1, 1, 2])))
    return canvas


def _noise(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    canvas = chance.normal(0, 1, (side, side)).astype(np.float32)
    if chance.random() < 0.7:
        wide, high = np.exp(chance.uniform(-0.7, 1.6, 2))
        canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), float(wide), sigmaY=float(high)))
    canvas /= float(canvas.std()) + 1e-6
    return canvas * np.float32(chance.uniform(5, 70)) + np.float32(chance.uniform(0, 180))


def _checks(side: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Draw a grid of lines, crosses or squares, as geometry phantoms and test images have."""
    step = max(4, int(side * np.exp(chance.uniform(np.log(0.02), np.log(0.2)))))
    rows, columns = np.indices((side, side))
    kind = int(chance.integers(3))
    thick = max(1, int(step * chance.uniform(0.05, 0.3)))
    if kind == 0:
        drawn = (rows % step < thick) | (columns % step < thick)
    elif kind == 1:
        drawn = (rows // step + columns // step) % 2 == 0
    else:
        near = (rows % step < step // 2 + 1) & (columns % step < step // 2 + 1)
        drawn = near & ((rows % step < thick) | (columns % step < thick))
    low, high = chance.uniform(0, 255, 2)
    inside = _body(side, chance) > 0 if chance.random() < 0.5 else np.ones((side, side), bool)
    return np.where(inside, np.where(drawn, high, low), 0).astype(np.float32)
