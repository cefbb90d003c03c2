"""What a reader learns to read: the finder's lines, and more of those that rules may keep.

Names are also put together from syllables: a reader that has only met thirty of them
would read the nearest it knows, with confidence.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from types import MappingProxyType

import numpy as np

from deid_node_lab.training.alphabet import ALPHABET
from deid_node_lab.training.content import Item, Script, Writer

_MARKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        kind: tuple(words)
        for kind, words in tomllib.loads(
            resources.files("deid_node_lab.training").joinpath("marks.toml").read_text("utf-8")
        ).items()
    }
)
_ASCII = ALPHABET[1:95]
_BEYOND_ASCII = ALPHABET[95:-1]
_MOST_LETTERS = 30


class Wording:
    """Makes lines of invented text from one source of chance."""

    def __init__(self, chance: np.random.Generator) -> None:
        self._chance = chance
        self._writer = Writer(chance)

    def line(self, script: Script) -> str:
        """Return one line of at most some thirty letters."""
        if script not in {"latin", "accents"}:
            return self._foreign(script)
        kinds: tuple[Callable[[], str], ...] = (
            self.mark, self.mark, self.mark, self.mark, self.mark,
            self.measure, self.measure, self.measure, self.measure, self.measure, self.measure,
            self.number, self.number,
            self.name, self.name, self._writer.name,
            self._writer.date, self._writer.date, self._writer.time,
            self._writer.identity, self._writer.identity,
            self._writer.labelled, self._writer.labelled,
            self._writer.scanner, self._writer.site, self._writer.sentence,
            self._writer.noise, self._writer.noise, self.signs,
        )  # fmt: skip
        text = self._pick(kinds)()
        if self._chance.random() < 0.06:
            text = self._spread(text)
        if script == "accents" and self._chance.random() < 0.7:
            text = self._accented(text)
        return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS].rpartition(" ")[0]

    def mark(self) -> str:
        """Return a mark of side or direction, some with an angle."""
        mark = self._pick(_MARKS["marks"])
        form = self._chance.random()
        if form < 0.08:
            return f"{mark} {self._whole(0, 90)}"
        if form < 0.12:
            return f"{mark} {self._whole(0, 90)} {self._pick(('CRA', 'CAU', 'CRAN', 'CAUD'))} 10"
        return mark

    def number(self) -> str:
        """Return a number as stands beside a scale."""
        form = self._whole(0, 8)
        if form == 0:
            return f"-{self._whole(1, 400)}"
        if form == 1:
            return f"{self._chance.normal(0, 60):.1f}"
        if form == 2:
            return f".{self._whole(1, 99)}"
        if form == 3:
            return f"{self._chance.random() * 10:.2f}"
        if form == 4:
            return f"+{self._whole(1, 100)}"
        return f"{self._whole(0, self._pick((10, 30, 1000)))}"

    def measure(self) -> str:
        """Return a setting or a measurement as consoles print them."""
        first, second = self.number(), self.number()
        unit, setting = self._pick(_MARKS["units"]), self._pick(_MARKS["settings"])
        return self._pick(
            (
                f"{first} {unit}", f"{first} {unit}", f"{first}{unit}", f"{first}{unit}",
                f"{self._whole(1, 40)} cm", f"{self._whole(1, 40)}cm", f"{self._whole(1, 100)}%",
                f"{setting} {first}", f"{setting} {first}", f"{setting}: {first}",
                f"{setting}:{first}", f"{setting}{first}", f"{setting}={first}",
                f"{setting} {first} {unit}", f"{setting} {first}{unit}",
                f"{setting}: {first}{unit}", f"{first}{unit}/{setting}{second}",
                f"MI {self._chance.random() * 2:.1f}", f"TIS {self._chance.random() * 3:.1f}",
                f"TIS{self._chance.random():.1f} MI {self._chance.random() * 2:.1f}",
                f"W:{self._whole(1, 4000)} L:{self._whole(-900, 900)}",
                f"W {self._whole(1, 4000)} / L {self._whole(-900, 900)}",
                f"WW:{self._whole(1, 4000)} WL:{self._whole(-900, 900)}",
                f"WW {self._whole(1, 4000)}", f"WL {self._whole(-900, 900)}",
                f"+ {setting} {first} {unit}", f"{self._whole(1, 5)} {setting} {first} {unit}",
                f"{first} x {second} {unit}", f"{first}/{second}",
                f"{self._whole(1, 400)}/{self._whole(1, 400)}", f"{first}-{second}",
                f"x{first}", f"{self._whole(1, 20)}:{self._whole(1, 20)}",
                f"{first} {unit}/div", f"{setting}-- {first}{unit}", f"{setting} {first} {second}",
            )
        )  # fmt: skip

    def name(self) -> str:
        """Return a name that stands in no list."""
        words = [
            "".join(self._pick(_MARKS["syllables"]) for _ in range(self._whole(2, 4)))
            for _ in range(self._whole(1, 3))
        ]
        case = self._pick((str.upper, str.upper, str.title, str.title, str.lower))
        return self._pick((" ", ", ", ",", "^")).join(case(word) for word in words)

    def signs(self) -> str:
        """Return letters, digits and signs without sense."""
        return "".join(self._pick(_ASCII) for _ in range(self._whole(1, 10)))

    def _foreign(self, script: Script) -> str:
        line = self._writer.line(script)
        if script != "arabic":
            return line
        # Between words that run to the left, the place of a number depends on the renderer.
        return " ".join(word for word in line.split() if not word.isascii())

    def _spread(self, text: str) -> str:
        """Return two texts as parts of one line with a wide gap between."""
        return text + " " * self._whole(2, 6) + self._pick((self.mark, self.measure))()

    def _accented(self, text: str) -> str:
        letters = list(text)
        for place, letter in enumerate(letters):
            if letter.isalnum() and self._chance.random() < 0.3:
                letters[place] = self._pick(_BEYOND_ASCII)
        return "".join(letters)

    def _whole(self, low: int, high: int) -> int:
        return int(self._chance.integers(low, high))

    def _pick(self, items: Sequence[Item]) -> Item:
        return items[int(self._chance.integers(len(items)))]
