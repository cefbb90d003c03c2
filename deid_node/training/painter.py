"""Puts lines of text onto a picture and remembers exactly where.

A line that nobody could read is not put there: asking the finder for text at
two grey levels above the noise would only teach it to see text in noise.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_NAMED = (
    (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 0), (255, 128, 0), (0, 128, 255),
    (255, 0, 255), (255, 200, 90), (40, 90, 255), (200, 30, 30), (120, 255, 120), (180, 180, 255),
)  # fmt: skip
_LEAST_CONTRAST = 10.0
_LEAST_CONTRAST_DEVIATIONS = 1.2


@dataclass(frozen=True, slots=True)
class Line:
    """One line as drawn: its four corners ``(x, y)`` and the height of its ink, in pixels."""

    corners: NDArray[np.float32]
    height: float


@dataclass(frozen=True, slots=True)
class Ink:
    """How lines of one block are painted."""

    colour: tuple[int, int, int]
    opacity: float = 1.0
    shadow: bool = False
    halo: bool = False
    plate: tuple[int, int, int] | None = None


class Painter:
    """Draws stamps on one picture, in place, and keeps the list of lines."""

    def __init__(
        self, canvas: NDArray[np.uint8], chance: np.random.Generator, *, grey: bool
    ) -> None:
        self.canvas = canvas
        self.chance = chance
        self.lines: list[Line] = []
        self._grey = grey
        self._taken = np.zeros(canvas.shape[:2], np.bool_)

    @property
    def side(self) -> int:
        """Rows and columns of the picture."""
        return int(self.canvas.shape[0])

    def ink(self) -> Ink:
        """Return a way of painting: mostly white, often coloured, sometimes faint."""
        chance = self.chance
        draw = chance.random()
        level = 255
        if draw > 0.45:
            level = int(
                chance.choice([0, int(chance.integers(150, 255)), int(chance.integers(0, 256))])
            )
        colour = (level, level, level)
        if not self._grey and chance.random() < 0.45:
            colour = _NAMED[int(chance.integers(len(_NAMED)))]
        plate = None
        if chance.random() < 0.08:
            plate_level = int(chance.integers(0, 256))
            plate = (plate_level,) * 3
        return Ink(
            colour,
            opacity=1.0 if chance.random() < 0.8 else float(chance.uniform(0.35, 1.0)),
            shadow=bool(chance.random() < 0.08),
            halo=bool(chance.random() < 0.08),
            plate=plate,
        )

    def bar(self, x0: int, y0: int, x1: int, y1: int, colour: tuple[int, int, int]) -> None:
        """Paint a filled rectangle, unless a line stands there that it would hide."""
        x0, y0 = max(0, x0), max(0, y0)
        if not self._taken[y0 : y1 + 1, x0 : x1 + 1].any():
            self.canvas[y0 : y1 + 1, x0 : x1 + 1] = colour

    def put(
        self,
        stamp: NDArray[np.uint8],
        left: int,
        top: int,
        ink: Ink,
        *,
        quarter_turns: int = 0,
        slant_degrees: float = 0.0,
    ) -> bool:
        """Paint `stamp` with its top left corner there; return whether it could be.

        It may stick out of the picture. It is refused where another line stands and
        where it could not be told from what lies below.
        """
        height = float(stamp.shape[0])
        alpha, corners = _turned(stamp, quarter_turns, slant_degrees)
        rows, columns = self.canvas.shape[:2]
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(columns, left + alpha.shape[1]), min(rows, top + alpha.shape[0])
        if x1 - x0 < 2 or y1 - y0 < 2 or self._taken[y0:y1, x0:x1].mean() > 0.02:
            return False
        alpha = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
        place = self.canvas[y0:y1, x0:x1]
        if ink.plate is not None:
            self._plate(x0, y0, x1, y1, ink.plate)
        colour = self._legible(place, alpha, ink)
        if colour is None:
            return False
        if ink.shadow:
            moved = np.zeros_like(alpha)
            moved[1:, 1:] = alpha[:-1, :-1]
            _blend(place, moved, (0, 0, 0), 1.0)
        if ink.halo:
            other = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
            wider = np.asarray(cv2.dilate(alpha, np.ones((3, 3), np.uint8)), np.uint8)
            _blend(place, wider, other, 1.0)
        _blend(place, alpha, colour, ink.opacity)
        self._taken[max(0, y0 - 1) : y1 + 1, max(0, x0 - 2) : x1 + 2] = True
        self.lines.append(Line(corners + np.array((left, top), np.float32), height))
        return True

    def _plate(self, x0: int, y0: int, x1: int, y1: int, colour: tuple[int, int, int]) -> None:
        edge = int(self.chance.integers(1, 6))
        self.bar(x0 - edge, y0 - edge, x1 + edge, y1 + edge, colour)

    def _legible(
        self, place: NDArray[np.uint8], alpha: NDArray[np.uint8], ink: Ink
    ) -> tuple[int, int, int] | None:
        below = place[alpha > 90]
        if not len(below):
            return None
        mean = below.mean(0)
        needed = max(_LEAST_CONTRAST, _LEAST_CONTRAST_DEVIATIONS * float(below.std(0).max()))
        extreme = 255 if mean.mean() < 128 else 0
        for colour in (ink.colour, (extreme, extreme, extreme)):
            if float(np.abs(np.array(colour) - mean).max()) * ink.opacity >= needed:
                return colour
        return None


def _turned(
    stamp: NDArray[np.uint8], quarter_turns: int, slant_degrees: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    alpha = np.ascontiguousarray(np.rot90(stamp, quarter_turns))
    height, width = alpha.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    if slant_degrees:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), slant_degrees, 1.0)
        corners = (corners @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
        low = corners.min(0)
        turn[:, 2] -= low
        size = np.ceil(corners.max(0) - low).astype(int)
        canvas = (max(1, int(size[0])), max(1, int(size[1])))
        alpha = np.asarray(cv2.warpAffine(alpha, turn, canvas), np.uint8)
        corners = corners - low
    return alpha, corners


def _blend(
    place: NDArray[np.uint8], alpha: NDArray[np.uint8], colour: tuple[int, int, int], opacity: float
) -> None:
    share = (alpha.astype(np.float32) * (opacity / 255))[..., None]
    place[:] = (place + share * (np.array(colour, np.float32) - place) + 0.5).astype(np.uint8)
