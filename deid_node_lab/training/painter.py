"""Puts lines of text onto a picture and remembers exactly where.

A line that nobody could read is not put there: asking the finder for text at
two grey levels above the noise would only teach it to see text in noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

_NAMED = (
    (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 0), (255, 128, 0), (0, 128, 255),
    (255, 0, 255), (255, 200, 90), (40, 90, 255), (200, 30, 30), (120, 255, 120), (180, 180, 255),
)  # fmt: skip
_LEAST_CONTRAST = 7.0
_LEAST_CONTRAST_DEVIATIONS = 1.2
_FAINT_SHARE = 0.07
_FLAT_DEVIATION = 0.6  # grey levels; a ground below it shows a single step to an equalised view


@dataclass(frozen=True, slots=True)
class Line:
    """One line as drawn: its four corners ``(x, y)`` and the height of its ink, in pixels."""

    corners: NDArray[np.float32]
    height: float


@dataclass(frozen=True, slots=True)
class Ink:
    """How lines of one block are painted; `faint` takes a few levels off the ground for colour."""

    colour: tuple[int, int, int]
    faint: bool = False
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
        self.faint = False
        """Whether a line stands so few levels off its ground that noise would hide it."""
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
        if chance.random() < _FAINT_SHARE:
            return Ink(colour, faint=True)
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
        lean: NDArray[np.float32] | None = None,
    ) -> bool:
        """Paint `stamp` with its top left corner there; return whether it could be.

        It may stick out of the picture. It is refused where another line stands and
        where it could not be told from what lies below. `lean` moves its four corners
        ``(x, y)`` in pixels, as a camera held askew does.
        """
        alpha, corners = _turned(stamp, quarter_turns, slant_degrees, lean)
        return self._place(alpha, (corners,), float(stamp.shape[0]), (left, top), ink)

    def put_bent(
        self, stamp: NDArray[np.uint8], left: int, top: int, ink: Ink, *, radius: float, turn: float
    ) -> bool:
        """Paint `stamp` along a circle of `radius` pixels that begins at the angle `turn`.

        What is remembered are pieces of about one letter; see `put`.
        """
        alpha, pieces = _bent(stamp, radius, turn)
        return self._place(alpha, pieces, float(stamp.shape[0]), (left, top), ink)

    def _place(
        self,
        alpha: NDArray[np.uint8],
        outlines: Sequence[NDArray[np.float32]],
        height: float,
        place: tuple[int, int],
        ink: Ink,
    ) -> bool:
        left, top = place
        rows, columns = self.canvas.shape[:2]
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(columns, left + alpha.shape[1]), min(rows, top + alpha.shape[0])
        if x1 - x0 < 2 or y1 - y0 < 2:
            return False
        moved = [corners + np.array((left, top), np.float32) for corners in outlines]
        own = np.zeros(self._taken.shape, np.uint8)
        for corners in moved:
            cv2.fillPoly(own, [corners.round().astype(np.int32)], 1)
        if self._taken[own > 0].any():
            return False
        alpha = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
        ground = self.canvas[y0:y1, x0:x1]
        if ink.plate is not None:
            self._plate(x0, y0, x1, y1, ink.plate)
        colour = self._legible(ground, alpha, ink)
        if colour is None:
            return False
        if ink.shadow:
            below = np.zeros_like(alpha)
            below[1:, 1:] = alpha[:-1, :-1]
            _blend(ground, below, (0, 0, 0), 1.0)
        if ink.halo:
            other = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
            wider = np.asarray(cv2.dilate(alpha, np.ones((3, 3), np.uint8)), np.uint8)
            _blend(ground, wider, other, 1.0)
        _blend(ground, alpha, colour, ink.opacity)
        self.faint = self.faint or ink.faint
        self._taken |= cv2.dilate(own, np.ones((3, 5), np.uint8)) > 0
        self.lines += [Line(corners, height) for corners in moved]
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
        mean, spread = below.mean(0), float(below.std(0).max())
        if ink.faint:
            return self._faint(mean, spread)
        needed = max(_LEAST_CONTRAST, _LEAST_CONTRAST_DEVIATIONS * spread)
        extreme = 255 if mean.mean() < 128 else 0
        for colour in (ink.colour, (extreme, extreme, extreme)):
            if float(np.abs(np.array(colour) - mean).max()) * ink.opacity >= needed:
                return colour
        return None

    def _faint(self, mean: NDArray[np.float64], spread: float) -> tuple[int, int, int] | None:
        """Return a colour as near to the ground as can just be told from it."""
        least = max(6.0, 1.2 * spread)
        if spread < _FLAT_DEVIATION:
            # A colour frame has no equalised view: below two levels there is little to see.
            least = max(1.0 if self._grey else 2.0, 2.5 * spread)
        step = least + float(self.chance.exponential(0.5 * least))
        if mean.mean() + step > 255 or (mean.mean() > step and self.chance.random() < 0.5):
            step = -step
        red, green, blue = (round(float(n) + step) for n in mean)
        return (red, green, blue) if 0 <= min(red, green, blue) <= 255 else None


def _turned(
    stamp: NDArray[np.uint8],
    quarter_turns: int,
    slant_degrees: float,
    lean: NDArray[np.float32] | None,
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
    if lean is not None:
        rows, columns = alpha.shape
        frame = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
        bent = frame + lean
        bent -= bent.min(0)
        skew = cv2.getPerspectiveTransform(frame, bent.astype(np.float32))
        width, height = (max(1, int(n)) for n in np.ceil(bent.max(0)))
        alpha = np.asarray(cv2.warpPerspective(alpha, skew, (width, height)), np.uint8)
        corners = cv2.perspectiveTransform(corners[None].astype(np.float32), skew)[0]
    return alpha, np.asarray(corners, np.float32)


def _bent(
    stamp: NDArray[np.uint8], radius: float, turn: float
) -> tuple[NDArray[np.uint8], tuple[NDArray[np.float32], ...]]:
    """Return a stamp laid along a circle, and the outlines of its pieces."""
    height, width = stamp.shape
    outer = radius + height
    count = max(1, round(width / (1.5 * height)))
    edges = np.linspace(0, min(width, 1.9 * np.pi * radius), count + 1)

    def at(along: float, out: float) -> NDArray[np.float64]:
        angle = turn + along / radius
        return np.array([np.cos(angle), np.sin(angle)]) * (radius + out)

    pieces = [
        np.array([at(a, height), at(b, height), at(b, 0), at(a, 0)]) for a, b in pairwise(edges)
    ]
    low = np.floor(np.min(pieces, axis=(0, 1)))
    size = np.ceil(np.max(pieces, axis=(0, 1)) - low).astype(int) + 1
    x, y = np.meshgrid(np.arange(size[0]) + low[0], np.arange(size[1]) + low[1])
    along = ((np.arctan2(y, x) - turn) % (2 * np.pi)) * radius
    down = outer - np.hypot(x, y)
    alpha = cv2.remap(
        stamp, along.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=0,
    )  # fmt: skip
    outlines = tuple((piece - low).astype(np.float32) for piece in pieces)
    return np.asarray(alpha, np.uint8), outlines


def _blend(
    place: NDArray[np.uint8], alpha: NDArray[np.uint8], colour: tuple[int, int, int], opacity: float
) -> None:
    share = (alpha.astype(np.float32) * (opacity / 255))[..., None]
    place[:] = (place + share * (np.array(colour, np.float32) - place) + 0.5).astype(np.uint8)
