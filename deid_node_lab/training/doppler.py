"""Colour and power Doppler over grey speckle, drawn by code: flow that is no text.

Small screens of old ultrasound machines: an image of speckle, a box in which flow is
coded in colour, colour bars beside it. Vessels branch, end in ragged pixels and stand
in rows, as letters do.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node_lab.training.backgrounds import Pictures

Rgb = NDArray[np.uint8]

_LEAST_SIDE, _MOST_SIDE = 150, 400
_SCALES_OF_COLOUR = (
    # What the machine calls its map: dark to bright, in stops of red, green and blue.
    ((60, 0, 0), (170, 20, 0), (235, 110, 0), (255, 190, 0), (255, 255, 40)),
    ((90, 20, 0), (200, 60, 0), (255, 150, 20), (255, 230, 120), (255, 255, 220)),
    ((40, 0, 40), (130, 0, 90), (220, 40, 60), (255, 140, 60), (255, 240, 170)),
    ((0, 20, 60), (0, 60, 160), (20, 130, 230), (90, 200, 255), (220, 250, 255)),
    ((0, 40, 0), (0, 110, 20), (40, 180, 40), (130, 230, 60), (240, 255, 150)),
)


def doppler(pictures: Pictures, side: int, chance: np.random.Generator) -> Rgb:
    """Return one screen without text, ``(side, side, 3)``."""
    canvas = np.zeros((side, side, 3), np.uint8)
    most = min(_MOST_SIDE, side)
    own = int(np.exp(chance.uniform(np.log(min(_LEAST_SIDE, most)), np.log(most))))
    height = max(48, round(own * chance.uniform(0.4, 1.0)))
    image = _image(pictures, height, own, chance)
    for _ in range(int(chance.choice([1, 1, 1, 2]))):
        _flow_in_a_box(image, chance)
    top, left = (int(chance.integers(0, side - n + 1)) for n in (height, own))
    canvas[top : top + height, left : left + own] = image
    for _ in range(int(chance.integers(0, 3))):
        _map_bar(canvas, chance)
    return canvas


def _image(pictures: Pictures, height: int, width: int, chance: np.random.Generator) -> Rgb:
    """Return a grey image of tissue, as RGB: of speckle, or a real one."""
    if pictures and chance.random() < 0.35:
        pixels = pictures.pick_of("US", chance).pixels
        grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        grey = np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    else:
        grey = _speckle(height, width, chance)
    image = np.repeat(grey[..., None], 3, 2)
    if chance.random() < 0.35:  # the fan of a curved probe
        fan = np.zeros((height, width), np.uint8)
        spread = int(chance.integers(25, 60))
        middle = (width // 2, -int(height * chance.uniform(0.0, 0.4)))
        reach = int(height * chance.uniform(1.0, 1.4))
        cv2.ellipse(fan, middle, (reach, reach), 90, -spread, spread, 1, -1)
        image *= fan[..., None]
    return image


def _speckle(height: int, width: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    wide, high = (float(n) for n in np.exp(chance.uniform(-0.4, 1.1, 2)))
    parts = [
        cv2.GaussianBlur(chance.normal(0, 1, (height, width)).astype(np.float32), (0, 0), wide,
                         sigmaY=high * 0.5)
        for _ in range(2)
    ]  # fmt: skip
    grain = np.hypot(*parts)
    grain /= float(grain.mean()) + 1e-6
    layers = cv2.GaussianBlur(
        chance.normal(0, 1, (height, width)).astype(np.float32), (0, 0),
        width * float(chance.uniform(0.05, 0.3)), sigmaY=height * float(chance.uniform(0.02, 0.1)),
    )  # fmt: skip
    layers = (layers - layers.min()) / (float(np.ptp(layers)) + 1e-6)
    level = chance.uniform(30, 150) * (0.2 + layers)
    for _ in range(int(chance.integers(0, 3))):  # cysts, vessels and nodes are dark
        middle = [int(n) for n in chance.uniform(0.15, 0.85, 2) * (width, height)]
        axes = [max(2, int(n)) for n in chance.uniform(0.06, 0.4, 2) * (width, height)]
        inside = np.zeros((height, width), np.float32)
        cv2.ellipse(inside, middle, axes, float(chance.uniform(-20, 20)), 0, 360, 1.0, -1)
        level = level * (1 - inside * chance.uniform(0.4, 0.95))
    return np.asarray(np.clip(level * grain, 0, 255), np.uint8)


def _flow_in_a_box(image: Rgb, chance: np.random.Generator) -> None:
    rows, columns = image.shape[:2]
    height, width = (max(24, round(n * chance.uniform(0.35, 0.95))) for n in (rows, columns))
    top, left = (
        int(chance.integers(0, max(1, n - m + 1))) for n, m in ((rows, height), (columns, width))
    )
    place = image[top : top + height, left : left + width]
    strength = _vessels(place.shape[0], place.shape[1], chance)
    if chance.random() < 0.5:  # flow is measured on a coarser grid than tissue
        coarse = (max(2, place.shape[1] // 2), max(2, place.shape[0] // 2))
        small = cv2.resize(strength, coarse, interpolation=cv2.INTER_AREA)
        strength = np.asarray(
            cv2.resize(small, place.shape[1::-1], interpolation=int(chance.choice([0, 1])))
        )
    ragged = strength + chance.normal(0, chance.uniform(0.0, 0.15), strength.shape)
    painted = ragged > chance.uniform(0.12, 0.35)
    level = np.clip(ragged * chance.uniform(0.8, 1.4), 0, 1)
    colours = _coded(level, chance)
    place[painted] = colours[painted]
    if chance.random() < 0.75:
        edge = (int(chance.integers(120, 256)),) * 3 if chance.random() < 0.7 else (0, 220, 0)
        thick = int(chance.choice([1, 1, 2]))
        if chance.random() < 0.7:
            cv2.rectangle(image, (left, top), (left + width - 1, top + height - 1), edge, thick)
        else:  # the box of a linear probe that looks askew
            lean = int(chance.uniform(-0.3, 0.3) * height)
            corners = [
                (left + lean, top), (left + width + lean, top),
                (left + width, top + height - 1), (left, top + height - 1),
            ]  # fmt: skip
            cv2.polylines(image, [np.array(corners, np.int32)], True, edge, thick)


def _vessels(height: int, width: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Return how strong flow is, 0 to 1: trees of vessels, lumens, or scattered flashes."""
    canvas = np.zeros((height, width), np.float32)
    draw = chance.random()
    if draw < 0.35:
        _comb(canvas, chance)
    elif draw < 0.65:
        for _ in range(int(chance.integers(1, 12))):
            start = chance.uniform(0.05, 0.95, 2) * (width, height)
            _branch(
                canvas, start, float(chance.uniform(0, 2 * np.pi)),
                thick=max(1.0, min(height, width) * float(np.exp(chance.uniform(-4.2, -2.2)))),
                length=max(height, width) * float(chance.uniform(0.1, 0.5)),
                depth=0, chance=chance,
            )  # fmt: skip
    elif draw < 0.85:
        for _ in range(int(chance.integers(1, 4))):
            path = _walk(
                chance.uniform(-0.1, 0.6, 2) * (width, height),
                float(chance.normal(0, 0.5)),
                width * float(chance.uniform(0.3, 1.2)),
                9,
                chance,
            )
            thick = max(2, int(height * chance.uniform(0.04, 0.3)))
            cv2.polylines(canvas, [path.astype(np.int32)], False, 0.8, thick)
    else:
        for _ in range(int(chance.integers(6, 70))):
            middle = [int(n) for n in chance.uniform(0, 1, 2) * (width, height)]
            axes = [max(1, int(n)) for n in np.exp(chance.uniform(0, 2.2, 2))]
            cv2.ellipse(
                canvas, middle, axes, float(chance.uniform(0, 180)), 0, 360,
                float(chance.uniform(0.3, 1)), -1,
            )  # fmt: skip
    soft = cv2.GaussianBlur(canvas, (0, 0), float(chance.uniform(0.5, 1.6)))
    return np.asarray(soft, np.float32)


def _comb(canvas: NDArray[np.float32], chance: np.random.Generator) -> None:
    """Draw a trunk that leaves a node with many short branches to both sides."""
    height, width = canvas.shape
    length = width * float(chance.uniform(0.3, 1.0))
    start = np.array([chance.uniform(0, 0.4) * width, chance.uniform(0.3, 0.7) * height])
    heading = float(chance.normal(0, 0.2))
    trunk = _walk(start, heading, length, 24, chance)
    thick = max(1.0, height * float(chance.uniform(0.02, 0.09)))
    for first, second in pairwise(trunk.round().astype(int)):
        if chance.random() < 0.85:
            level = float(chance.uniform(0.6, 1))
            cv2.line(canvas, [*map(int, first)], [*map(int, second)], level, round(thick))
    for _ in range(int(chance.integers(6, 45))):
        at = trunk[int(chance.integers(len(trunk)))]
        turn = heading + float(chance.choice([-1, 1])) * float(chance.uniform(0.5, 2.0))
        reach = height * float(chance.uniform(0.08, 0.5))
        _branch(
            canvas, at, turn, thick=thick * chance.uniform(0.4, 0.9), length=reach, depth=2,
            chance=chance,
        )  # fmt: skip


def _branch(
    canvas: NDArray[np.float32],
    start: NDArray[np.float64],
    heading: float,
    *,
    thick: float,
    length: float,
    depth: int,
    chance: np.random.Generator,
) -> None:
    """Draw a vessel and what leaves it, thinner each time."""
    path = _walk(start, heading, length, 6, chance)
    level = float(np.clip(1.0 - 0.18 * depth + chance.normal(0, 0.12), 0.3, 1))
    cv2.polylines(
        canvas, [path.round().astype(np.int32)], False, level, max(1, round(thick)), cv2.LINE_AA
    )
    if depth >= 3 or length < 5:
        return
    for _ in range(int(chance.integers(1, 6 - depth))):
        at = path[int(chance.integers(1, len(path)))]
        turn = heading + float(chance.choice([-1, 1])) * float(chance.uniform(0.4, 1.7))
        _branch(
            canvas, at, turn, thick=thick * chance.uniform(0.5, 0.9),
            length=length * float(chance.uniform(0.25, 0.6)), depth=depth + 1, chance=chance,
        )  # fmt: skip


def _walk(
    start: NDArray[np.float64],
    heading: float,
    length: float,
    steps: int,
    chance: np.random.Generator,
) -> NDArray[np.float64]:
    turns = heading + np.cumsum(chance.normal(0, 0.25, steps))
    moves = np.stack([np.cos(turns), np.sin(turns)], 1) * length / steps
    return np.concatenate([start[None], start + np.cumsum(moves, 0)])


def _coded(level: NDArray[np.floating], chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return flow in the colours of a map: power in one, velocity in two that turn over."""
    first = _ramp(_SCALES_OF_COLOUR[int(chance.integers(len(_SCALES_OF_COLOUR)))], level)
    if chance.random() < 0.6:
        return first
    second = _ramp(_SCALES_OF_COLOUR[3 if chance.random() < 0.7 else 2], level)
    field = chance.normal(0, 1, level.shape).astype(np.float32)
    away = cv2.GaussianBlur(field, (0, 0), float(chance.uniform(2, 14))) > 0
    return np.where(away[..., None], second, first).astype(np.uint8)


def _ramp(
    stops: tuple[tuple[int, int, int], ...], level: NDArray[np.floating]
) -> NDArray[np.uint8]:
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(level, places, [stop[n] for stop in stops]) for n in range(3)]
    return np.stack(channels, -1).astype(np.uint8)


def _map_bar(canvas: Rgb, chance: np.random.Generator) -> None:
    """Paint the bar that tells what the colours mean, with its ticks and arrows."""
    side = canvas.shape[0]
    width, height = int(chance.integers(4, 16)), int(chance.integers(20, min(110, side // 2)))
    left = int(chance.choice([2, side - width - 6, int(chance.integers(0, side - width))]))
    top = int(chance.integers(0, side - height))
    ramp = _coded(np.repeat(np.linspace(1, 0, height)[:, None], width, 1), chance)
    if chance.random() < 0.6:  # both ways from the middle, where nothing moves
        half = _coded(np.repeat(np.abs(np.linspace(1, -1, height))[:, None], width, 1), chance)
        ramp = half
        ramp[height // 2 - 1 : height // 2 + 1] = 0
    canvas[top : top + height, left : left + width] = ramp
    if chance.random() < 0.4:  # the grey scale beside it
        narrow = max(2, width // 3)
        grey = np.linspace(255, 0, height)[:, None, None]
        place = canvas[top : top + height, left + width : left + width + narrow]
        place[:] = grey.astype(np.uint8)
    for _ in range(int(chance.integers(0, 5))):  # focus marks on the depth scale
        y, size = int(chance.integers(0, side)), int(chance.integers(2, 6))
        x = int(chance.choice([0, side - 1 - size]))
        corners = np.array([(x, y - size), (x + size, y), (x, y + size)], np.int32)
        cv2.fillPoly(canvas, [corners], (255, 255, 255))
