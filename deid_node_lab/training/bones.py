"""Bones cut across and masks of organs: rings in rows and flat islands, drawn by code.

A slice of a foot or a hand shows up to ten small rings side by side, which looks more
like a line of noughts than anything else in a body.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node_lab.training.backgrounds import Pictures

Grey = NDArray[np.uint8]


def limb(side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return a slice through a limb or two, ``(side, side, 3)``, grey."""
    canvas = np.zeros((side, side), np.float32)
    soft, marrow, bone = (
        70 + 60 * chance.random(),
        chance.uniform(20, 150),
        chance.uniform(170, 255),
    )
    for limb_number in range(int(chance.choice([1, 1, 2]))):
        middle = np.array([
            side * (0.5 if limb_number == 0 else chance.uniform(0.15, 0.85)),
            side * chance.uniform(0.3, 0.7),
        ])  # fmt: skip
        axes = side * np.exp(chance.uniform(np.log(0.08), np.log(0.42), 2))
        turn = float(chance.uniform(0, 180))
        _oval(canvas, middle, axes, turn, soft)
        count = int(chance.choice([1, 2, 2, 3, 4, 5, 5, 7, 9]))
        span = chance.uniform(0.3, 0.85)
        way = np.radians(turn) + (0 if axes[0] >= axes[1] else np.pi / 2)
        along = np.array([np.cos(way), np.sin(way)])
        bend = chance.normal(0, 0.15) * axes.min()
        size = max(axes) * span / count * float(chance.uniform(0.45, 0.95))
        for number in range(count):
            share = (number - (count - 1) / 2) / max(1, count - 1) * 2 if count > 1 else 0.0
            place = middle + along * share * max(axes) * span + along[::-1] * bend * share**2
            place = place + chance.normal(0, 0.12 * size, 2)
            own = size * chance.uniform(0.6, 1.15, 2)
            turned = float(chance.uniform(0, 180))
            _ring(canvas, place, own, turn=turned, bone=bone, marrow=marrow, chance=chance)
    return _as_slice(canvas, chance)


def _ring(
    canvas: NDArray[np.float32], place: NDArray[np.float64], axes: NDArray[np.float64],
    *, turn: float, bone: float, marrow: float, chance: np.random.Generator,
) -> None:  # fmt: skip
    """Draw the rind of a bone, dense and of uneven width, around its marrow."""
    _oval(canvas, place, axes, turn, float(bone * chance.uniform(0.8, 1.1)))
    rind = chance.uniform(0.15, 0.6)
    inner = axes * (1 - rind)
    if inner.min() >= 0.8 and chance.random() < 0.9:
        shift = chance.normal(0, 0.1, 2) * axes * rind
        _oval(canvas, place + shift, inner, turn, marrow)
        if chance.random() < 0.4:  # trabecles, or a fragment
            _oval(canvas, place + chance.normal(0, 0.3, 2) * inner, inner * 0.3, turn, bone * 0.8)
    if chance.random() < 0.12:  # a rind that is broken
        cv2.line(
            canvas, [round(float(n)) for n in place],
            [round(float(n)) for n in place + axes * chance.choice([-1, 1], 2)], marrow, 1,
        )  # fmt: skip


def _oval(
    canvas: NDArray[np.float32], middle: NDArray[np.float64], axes: NDArray[np.float64],
    turn: float, level: float,
) -> None:  # fmt: skip
    at = [round(float(n) * 8) for n in middle]
    size = [max(4, round(float(n) * 8)) for n in axes]
    cv2.ellipse(canvas, at, size, turn, 0, 360, level, -1, cv2.LINE_AA, 3)


def _as_slice(canvas: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.uint8]:
    side = canvas.shape[0]
    if chance.random() < 0.6:  # the table, and the sheet on it
        x = np.arange(0, side, 4)
        for _ in range(int(chance.integers(1, 4))):
            y = side * chance.uniform(0.55, 0.98)
            bend = y + side * chance.normal(0, 0.06) * ((x - side / 2) / side * 2) ** 2
            path = np.stack([x, bend], 1).round().astype(np.int32)
            level, thick = float(chance.uniform(30, 160)), int(chance.integers(1, 4))
            cv2.polylines(canvas, [path], False, level, thick, cv2.LINE_AA)
    drawn = cv2.GaussianBlur(canvas, (0, 0), float(chance.uniform(0.4, 1.3)))
    grain = chance.normal(0, 1, canvas.shape).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(grain, (0, 0), float(chance.uniform(0.3, 1.0))))
    drawn = drawn + soft * float(np.exp(chance.uniform(0, 2.8)))
    shown = np.asarray(np.clip(drawn, 0, 255), np.uint8)
    return np.repeat(shown[..., None], 3, 2)


def mask(pictures: Pictures, side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return labels from 0 on, ``(side, side, 3)``: what a threshold makes of a picture.

    The levels are labels, few and small; only a stretched view shows them.
    """
    pixels = pictures.pick(chance).pixels
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    rows, columns = (
        max(16, min(side, round(n * side / max(grey.shape) * scale)))
        for n, scale in zip(grey.shape, (chance.uniform(0.4, 1.0),) * 2, strict=True)
    )
    smooth = cv2.GaussianBlur(grey, (0, 0), float(np.exp(chance.uniform(-0.5, 2.0))))
    small = np.asarray(cv2.resize(smooth, (columns, rows), interpolation=cv2.INTER_AREA))
    values = small + chance.uniform(0, 0.5, (rows, columns))  # levels that are equal part at random
    count = 1 if chance.random() < 0.5 else int(chance.integers(2, 9))
    edges = np.sort(np.quantile(values, chance.uniform(0.3, 0.995, count)))
    labels = np.digitize(values, edges).astype(np.uint8)
    if chance.random() < 0.3:
        kernel = np.ones((int(chance.integers(2, 5)),) * 2, np.uint8)
        labels = np.asarray(cv2.morphologyEx(labels, cv2.MORPH_OPEN, kernel), np.uint8)
    if chance.random() < 0.3:  # some islands only
        _, islands = cv2.connectedComponents((labels > 0).astype(np.uint8))
        kept = chance.random(int(islands.max()) + 1) < chance.uniform(0.3, 0.9)
        labels = labels * kept[islands]
    if chance.random() < 0.25:  # outlines
        labels = labels - np.minimum(labels, cv2.erode(labels, np.ones((3, 3), np.uint8)))
    step = int(chance.choice([1, 1, 1, 1, 255 // count]))
    canvas = np.zeros((side, side), np.uint8)
    top, left = (int(chance.integers(0, side - n + 1)) for n in labels.shape)
    canvas[top : top + rows, left : left + columns] = labels * step
    return np.repeat(canvas[..., None], 3, 2)
