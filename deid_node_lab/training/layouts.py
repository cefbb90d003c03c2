"""Where text stands on medical images: corners, banners, tables, scales, lone letters, codes.

Sizes are capital heights in pixels of the painted picture. Each layout draws
with one hand and one ink, as a scanner does.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from deid_node_lab.training.barcodes import barcode
from deid_node_lab.training.content import Writer
from deid_node_lab.training.painter import Ink, Painter
from deid_node_lab.training.stamps import Hand, Scribe


class Typesetter:
    """Fills one picture with text, layout by layout."""

    def __init__(self, painter: Painter, scribe: Scribe, *, zoom: float) -> None:
        self._painter = painter
        self._chance = painter.chance
        self._scribe = scribe
        self._zoom = zoom
        self._writer = Writer(painter.chance)

    def typeset(self) -> None:
        """Add one to four layouts, in the mix that screens show."""
        kinds: tuple[Callable[[], None], ...] = (
            self.corner, self.corner, self.corner, self.corner, self.banner, self.banner,
            self.table, self.scattered, self.scattered, self.scattered, self.letters,
            self.letters, self.scale, self.scale, self.large, self.large, self.page,
            self.turned, self.tilted, self.tilted, self.askew, self.curved, self.codes, self.codes,
        )  # fmt: skip
        for _ in range(int(self._chance.choice([1, 2, 3, 4], p=[0.35, 0.35, 0.2, 0.1]))):
            kinds[int(self._chance.integers(len(kinds)))]()

    def corner(self) -> None:
        """Lines under each other, flush left, right or centred, near an edge."""
        hand, capital = self._hand()
        ink = self._painter.ink()
        side, flush = self._painter.side, int(self._chance.choice([0, 0, 0, 1, 1, 2]))
        margin = int(self._chance.integers(-2, 30))
        edge = int(self._chance.integers(0, side)) if self._chance.random() < 0.35 else margin
        top = int(self._chance.integers(-4, side))
        if self._chance.random() < 0.5:
            top = int(self._chance.integers(-3, 20))
        gap = self._chance.uniform(0.12, 1.1) * capital
        for _ in range(int(self._chance.integers(1, 14))):
            stamp = self._scribe.line(hand, self._writer)
            if stamp is None:
                continue
            width = stamp.shape[1]
            left = (edge, side - edge - width, (side - width) // 2)[flush]
            self._painter.put(stamp, left, top, ink)
            top += stamp.shape[0] + max(1, round(gap))
            if self._chance.random() < 0.08:
                top += round(2 * capital)
            if top > side:
                break

    def banner(self) -> None:
        """One to three rows of fields across the picture, with or without a bar below."""
        hand, capital = self._hand()
        ink = self._painter.ink()
        side = self._painter.side
        rows = int(self._chance.integers(1, 4))
        pitch = round(capital * self._chance.uniform(1.4, 2.4)) + 2
        top = 2 if self._chance.random() < 0.5 else int(self._chance.integers(0, side))
        if self._chance.random() < 0.6:
            level = int(self._chance.integers(0, 200))
            tint = (level, level, level)
            if self._chance.random() < 0.5:
                red, green, blue = (int(v) for v in self._chance.integers(0, 200, 3))
                tint = (red, green, blue)
            self._painter.bar(0, top - 4, side, top + rows * pitch + 2, tint)
        for row in range(rows):
            left = int(self._chance.integers(-20, 40))
            while left < side:
                stamp = self._scribe.line(hand, self._writer)
                if stamp is None:
                    continue
                self._painter.put(stamp, left, top + row * pitch, ink)
                left += stamp.shape[1] + round(capital * self._chance.uniform(1.5, 9))

    def table(self) -> None:
        """Columns of fields, as dose sheets and measurement tables have."""
        hand, capital = self._hand()
        ink = self._painter.ink()
        side = self._painter.side
        left, top = (int(v) for v in self._chance.integers(-10, side // 2, 2))
        pitch = round(capital * self._chance.uniform(1.3, 2.3)) + 2
        for _ in range(int(self._chance.integers(1, 5))):
            numeric = self._chance.random() < 0.6
            widest = 10
            for row in range(int(self._chance.integers(2, 14))):
                text = self._writer.number() if numeric else self._writer.line(hand.script)
                stamp = hand.stamp(text)
                if stamp is not None and stamp.shape[1] < side:
                    self._painter.put(stamp, left, top + row * pitch, ink)
                    widest = max(widest, stamp.shape[1])
            left += widest + round(capital * self._chance.uniform(1.0, 4.0))
            if left > side:
                break

    def scattered(self) -> None:
        """Single lines anywhere, each in its own hand: what annotators burn over anatomy."""
        for _ in range(int(self._chance.integers(1, 7))):
            hand, _ = self._hand()
            slant = 0.0 if self._chance.random() < 0.85 else float(self._chance.normal(0, 3))
            stamp = self._scribe.line(hand, self._writer)
            if stamp is not None:
                self._anywhere(stamp, self._painter.ink(), slant_degrees=slant)

    def letters(self) -> None:
        """Laterality and orientation marks, and lone digits."""
        hand, _ = self._hand()
        ink = self._painter.ink()
        for _ in range(int(self._chance.integers(1, 7))):
            stamp = hand.stamp(self._writer.mark())
            if stamp is not None:
                self._anywhere(stamp, ink)

    def scale(self) -> None:
        """Numbers in a column or a row, beside ticks or without."""
        hand, capital = self._hand()
        ink = self._painter.ink()
        side = self._painter.side
        upright = self._chance.random() < 0.7
        step = round(capital * self._chance.uniform(1.6, 6)) + 3
        fixed = int(self._chance.integers(0, side - 6))
        start = int(self._chance.integers(0, side // 2))
        ticks = self._chance.random() < 0.6
        for place in range(
            start, min(side, start + step * int(self._chance.integers(2, 14))), step
        ):
            stamp = hand.stamp(self._writer.number())
            if stamp is None:
                continue
            left, top = (fixed, place) if upright else (place, fixed)
            self._painter.put(stamp, left, top, ink)
            if ticks:
                x, y = (left - 6, top + stamp.shape[0] // 2) if upright else (left, top - 4)
                end = (x + 3, y) if upright else (x, y + 3)
                cv2.line(self._painter.canvas, (x, y), end, ink.colour, 1)

    def large(self) -> None:
        """One line as high as a banner."""
        if self._chance.random() < 0.15:
            self.huge()
            return
        hand, _ = self._hand(low=26.0, high=130.0)
        stamp = self._scribe.line(hand, self._writer)
        if stamp is not None:
            self._anywhere(stamp, self._painter.ink())

    def huge(self) -> None:
        """One line so high that few of its letters are seen at once."""
        capital = float(np.exp(self._chance.uniform(np.log(110.0), np.log(200.0)))) / self._zoom
        stamp = self._scribe.line(self._scribe.hand(self._chance, capital), self._writer)
        if stamp is None:
            return
        side = self._painter.side
        height, width = stamp.shape
        left = int(self._chance.integers(min(0, side - width), max(1, side - width + 1)))
        top = int(self._chance.integers(min(0, side - height), max(1, side - height + 1)))
        self._painter.put(stamp, left, top, self._painter.ink())

    def page(self) -> None:
        """Set a sheet full of lines, tightly."""
        hand, capital = self._hand(high=16.0)
        ink = self._painter.ink()
        side = self._painter.side
        left, top = (int(v) for v in self._chance.integers(-30, 40, 2))
        gap = max(1, round(capital * self._chance.uniform(0.15, 0.9)))
        while top < side:
            if self._chance.random() < 0.85:
                text = "  ".join(
                    self._writer.line(hand.script) for _ in range(int(self._chance.integers(1, 4)))
                )
                stamp = hand.stamp(text)
                if stamp is not None:
                    self._painter.put(stamp, left, top, ink)
            top += round(capital) + gap

    def turned(self) -> None:
        """Lines that run upwards, downwards or upside down."""
        hand, capital = self._hand(high=40.0)
        ink = self._painter.ink()
        turns = int(self._chance.choice([1, 1, 3, 3, 2]))
        left, top = (int(v) for v in self._chance.integers(0, self._painter.side - 10, 2))
        for _ in range(int(self._chance.integers(1, 5))):
            stamp = self._scribe.line(hand, self._writer)
            if stamp is None:
                continue
            self._painter.put(stamp, left, top, ink, quarter_turns=turns)
            left += stamp.shape[0] + max(2, round(capital * self._chance.uniform(0.3, 2)))

    def tilted(self) -> None:
        """Lines of one direction, whatever it is, on one ground or over anatomy."""
        hand, capital = self._hand(high=45.0)
        ink = self._painter.ink()
        degrees = float(self._chance.uniform(0, 360))
        turn = np.radians(degrees)
        down = np.array([np.sin(turn), np.cos(turn)]) * capital * self._chance.uniform(1.3, 2.2)
        x, y = self._chance.uniform(-0.1, 0.8, 2) * self._painter.side
        for _ in range(int(self._chance.integers(1, 6))):
            stamp = self._scribe.line(hand, self._writer)
            if stamp is not None:
                self._painter.put(
                    stamp, round(float(x)), round(float(y)), ink, slant_degrees=degrees
                )
            x, y = x + down[0], y + down[1]

    def askew(self) -> None:
        """Set lines on a card or a screen that a camera saw from the side."""
        hand, capital = self._hand(high=45.0)
        ink = self._painter.ink()
        lean = self._chance.normal(0, 0.35 * capital, (4, 2)).astype(np.float32)
        slant = float(self._chance.normal(0, 8))
        left, top = (int(n) for n in self._chance.integers(-10, self._painter.side // 2, 2))
        for _ in range(int(self._chance.integers(1, 7))):
            stamp = self._scribe.line(hand, self._writer)
            if stamp is None:
                continue
            longer = np.array([stamp.shape[1] / stamp.shape[0] / 4, 1.0], np.float32)
            self._painter.put(stamp, left, top, ink, slant_degrees=slant, lean=lean * longer)
            top += round(2 * capital)

    def curved(self) -> None:
        """Set a line along a circle: around a seal, a lens, a logo."""
        hand, capital = self._hand(high=30.0)
        stamp = self._scribe.line(hand, self._writer)
        if stamp is None:
            return
        x, y = (int(n) for n in self._chance.uniform(-0.1, 0.7, 2) * self._painter.side)
        radius = float(capital * np.exp(self._chance.uniform(1.1, 2.8)))
        turn = float(self._chance.uniform(0, 2 * np.pi))
        self._painter.put_bent(stamp, x, y, self._painter.ink(), radius=radius, turn=turn)

    def codes(self) -> None:
        """Bars or squares, on their own ground or not, with or without their line below."""
        for _ in range(int(self._chance.integers(1, 3))):
            module = float(np.exp(self._chance.uniform(0.0, 1.4))) / self._zoom
            stamp = barcode(self._chance, module)
            height, width = stamp.shape
            side = self._painter.side
            left = int(self._chance.integers(-width // 4, max(1, side - width // 2)))
            top = int(self._chance.integers(-height // 4, max(1, side - height // 2)))
            quiet = round(4 * module) + 1
            ink = Ink((255, 255, 255))
            draw = self._chance.random()
            if draw < 0.75:
                ground = int(self._chance.integers(160, 256))
                bottom = top + height + quiet
                self._painter.bar(
                    left - quiet, top - quiet, left + width + quiet, bottom, (ground,) * 3
                )
                ink = Ink((int(self._chance.integers(0, 60)),) * 3)
            slant = 0.0 if self._chance.random() < 0.7 else float(self._chance.uniform(0, 360))
            turns = 1 if self._chance.random() < 0.2 else 0
            placed = self._painter.put(
                stamp, left, top, ink, quarter_turns=turns, slant_degrees=slant
            )
            if placed and not slant and not turns and self._chance.random() < 0.6:
                hand, _ = self._hand(high=16.0)
                line = hand.stamp(self._writer.identity())
                if line is not None:
                    self._painter.put(line, left, top + height + 2, ink)

    def _anywhere(self, stamp: np.ndarray, ink: Ink, *, slant_degrees: float = 0.0) -> None:
        side = self._painter.side
        height, width = stamp.shape
        for _ in range(3):
            if self._chance.random() < 0.12:  # cut off by the border
                left = int(self._chance.integers(-width // 2, side - width // 3))
                top = int(self._chance.integers(-height // 3, side - height // 2))
            else:
                left = int(self._chance.integers(0, max(1, side - width + 1)))
                top = int(self._chance.integers(0, max(1, side - height + 1)))
            if self._painter.put(stamp, left, top, ink, slant_degrees=slant_degrees):
                return
            ink = replace(ink, opacity=1.0)

    def _hand(self, *, low: float = 0.0, high: float = 1000.0) -> tuple[Hand, float]:
        draw = self._chance.random()
        bounds = (4.6, 11.0) if draw < 0.5 else (11.0, 20.0) if draw < 0.84 else (20.0, 45.0)
        small, big = max(bounds[0], low), min(bounds[1], high)
        if low > small or small >= big:
            small, big = low or 5.5, min(high, 130.0)
        capital = float(np.exp(self._chance.uniform(np.log(small), np.log(big)))) / self._zoom
        return self._scribe.hand(self._chance, capital), capital
