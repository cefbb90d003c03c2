"""The picture under the text: a cut of a real image, or a screen with images on it.

Most of a workstation's screen is flat black; most of a mammogram is not. Both
are needed, and the edges between them look like strokes of letters.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node_lab.training.backgrounds import Background, Pictures
from deid_node_lab.training.bones import limb
from deid_node_lab.training.hard import HardPicture
from deid_node_lab.training.phantoms import mosaic, phantom, small

_RESAMPLE = (cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_NEAREST)


def scene(pictures: Pictures, side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return an RGB picture of ``(side, side, 3)`` without text."""
    draw = chance.random()
    if draw < 0.18 or not pictures:
        return screen(side, chance)
    if draw < 0.30:
        canvas = screen(side, chance)
        for _ in range(int(chance.integers(1, 4))):
            _lay(canvas, varied(pictures.pick(chance).pixels, chance), chance)
        return canvas
    if draw < 0.40:
        return phantom(side, chance)
    if draw < 0.46:
        return limb(side, chance)
    if draw < 0.53:
        return mosaic(pictures.pick_series(chance), side, chance)
    if draw < 0.60:
        return small(varied(pictures.pick(chance).pixels, chance), side, chance)
    return _cut(pictures.pick(chance), side, chance)


def hard_scene(picture: HardPicture, side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return an RGB picture of ``(side, side, 3)`` that shows one of the places somewhere."""
    pixels = picture.background.pixels
    place = picture.places[int(chance.integers(len(picture.places)))]
    box = place.box
    scale = place.scale * _scale(picture.background, chance, spread=0.3)
    wanted = max(16, round(side / scale))
    starts = []
    for length, low, high in zip(
        pixels.shape, (box.top, box.left), (box.bottom, box.right), strict=False
    ):
        middle = (low + high) // 2 - int(chance.uniform(0.15, 0.85) * wanted)
        starts.append(max(0, min(middle, length - wanted)))
    top, left = starts
    piece = varied(pixels[top : top + wanted, left : left + wanted], chance)
    return _laid_out(piece, scale, side, chance)


def screen(side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return an empty screen: flat, graded or grained, perhaps with panels."""
    draw = chance.random()
    base = (
        0
        if draw < 0.5
        else int(chance.integers(0, 40))
        if draw < 0.7
        else int(chance.integers(0, 256))
    )
    canvas = np.full((side, side, 3), base, np.uint8)
    if chance.random() < 0.25:
        canvas[:] = chance.integers(0, 256, 3)
    if chance.random() < 0.12:
        steps = np.linspace(0, chance.uniform(10, 120), side, dtype=np.float32)
        ramp = steps[:, None, None] if chance.random() < 0.5 else steps[None, :, None]
        canvas[:] = np.clip(canvas + ramp, 0, 255)
    if chance.random() < 0.15:
        grain = chance.normal(0, chance.uniform(1, 8), (side, side, 1))
        canvas[:] = np.clip(canvas + grain, 0, 255)
    for _ in range(int(chance.integers(0, 3))):
        panel(canvas, chance)
    return canvas


def panel(canvas: NDArray[np.uint8], chance: np.random.Generator) -> None:
    """Paint a bar or a box on `canvas`, as title bars and buttons are."""
    rows, columns = canvas.shape[:2]
    if chance.random() < 0.5:
        height = int(chance.integers(10, 70))
        top = int(chance.choice([0, rows - height, int(chance.integers(0, rows - height))]))
        left, right, bottom = 0, columns, top + height
    else:
        left, top = (int(v) for v in chance.integers(0, rows - 20, 2))
        right, bottom = left + int(chance.integers(15, 160)), top + int(chance.integers(10, 90))
    colour = [int(chance.integers(0, 256))] * 3
    if chance.random() < 0.5:
        colour = [int(v) for v in chance.integers(0, 200, 3)]
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, -1)
    if chance.random() < 0.3:
        edge = [int(chance.integers(0, 256))] * 3
        cv2.rectangle(canvas, (left, top), (right, bottom), edge, 1)


def varied(pixels: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return `pixels` turned, mirrored and re-windowed at random."""
    if chance.random() < 0.5:
        pixels = pixels[:, ::-1]
    if chance.random() < 0.3:
        pixels = np.rot90(pixels, int(chance.integers(1, 4)))
    if chance.random() < 0.5:
        gamma = float(np.exp(chance.normal(0, 0.35)))
        gain, lift = chance.uniform(0.5, 1.5), chance.uniform(-40, 40)
        levels = np.linspace(0, 1, 256) ** gamma * 255 * gain + lift
        table = np.clip(levels, 0, 255).astype(np.uint8)
        pixels = np.asarray(cv2.LUT(np.ascontiguousarray(pixels), table), np.uint8)
    if chance.random() < 0.08:
        pixels = 255 - pixels
    return np.ascontiguousarray(pixels)


def _cut(background: Background, side: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    pixels = varied(background.pixels, chance)
    scale = _scale(background, chance, spread=0.8)
    wanted = max(16, round(side / scale))
    rows, columns = pixels.shape[:2]
    top = int(chance.integers(0, max(1, rows - wanted + 1)))
    left = int(chance.integers(0, max(1, columns - wanted + 1)))
    return _laid_out(pixels[top : top + wanted, left : left + wanted], scale, side, chance)


def _scale(background: Background, chance: np.random.Generator, *, spread: float) -> float:
    # Drawn traces keep their line width: a thinned or thickened one is not what monitors show.
    return 1.0 if background.graphic else float(np.exp(chance.uniform(-spread, spread)))


def _laid_out(
    piece: NDArray[np.uint8], scale: float, side: int, chance: np.random.Generator
) -> NDArray[np.uint8]:
    height, width = (max(8, min(side, round(n * scale))) for n in piece.shape[:2])
    if (height, width) != piece.shape[:2]:
        method = _RESAMPLE[int(chance.choice(4, p=[0.4, 0.35, 0.15, 0.1]))]
        piece = np.asarray(cv2.resize(piece, (width, height), interpolation=method), np.uint8)
    canvas = np.full(
        (side, side, 3), 0 if chance.random() < 0.8 else chance.integers(256), np.uint8
    )
    down = int(chance.integers(0, side - height + 1))
    right = int(chance.integers(0, side - width + 1))
    place = canvas[down : down + height, right : right + width]
    place[:] = piece if piece.ndim == 3 else piece[..., None]
    return canvas


def _lay(canvas: NDArray[np.uint8], pixels: NDArray[np.uint8], chance: np.random.Generator) -> None:
    side = canvas.shape[0]
    height, width = (int(v) for v in chance.integers(40, max(41, round(0.8 * side)), 2))
    piece = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    if piece.ndim == 2:
        piece = cv2.cvtColor(piece, cv2.COLOR_GRAY2RGB)
    if chance.random() < 0.3:  # the fan of an ultrasound probe, or the disc of an image intensifier
        disc = np.zeros((height, width), np.uint8)
        cv2.ellipse(disc, (width // 2, 0), (width // 2, height), 0, 20, 160, 1, -1)
        piece = piece * disc[..., None]
    top, left = (int(chance.integers(0, max(1, side - n))) for n in (height, width))
    canvas[top : top + height, left : left + width] = piece
