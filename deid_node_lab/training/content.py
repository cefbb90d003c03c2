"""What gets written on images: invented names, dates, numbers and scanner lines.

The words carry no meaning for the finder, but their mix does: a finder that has
only seen sentences misses a lone ``R`` and a column of numbers.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from types import MappingProxyType
from typing import Literal, TypeAlias, TypeVar

import numpy as np

Script: TypeAlias = Literal["latin", "accents", "greek", "cyrillic", "cjk", "arabic"]

PROBES: Mapping[Script, str] = MappingProxyType(
    {
        "latin": "ABEHKMRSXagehkmnrst0123456789",
        "accents": "ÄÖÜäöüßéèàçñ",
        "greek": "ΓΔΘΛΞΠΣΦΨΩαβγδ",
        "cyrillic": "БГДЖЗИЛПФЦЧШЩЯ",
        "cjk": "山田太郎医院中文",
        "arabic": "محمدعليفاطمةسن",
    }
)
"""Letters that a font must have, each with a shape of its own, to be used for a script."""

_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        kind: tuple(words)
        for kind, words in tomllib.loads(
            resources.files("deid_node_lab.training").joinpath("words.toml").read_text("utf-8")
        ).items()
    }
)

Item = TypeVar("Item")


class Writer:
    """Makes lines of invented text from one source of chance."""

    def __init__(self, chance: np.random.Generator) -> None:
        self._chance = chance

    def line(self, script: Script = "latin") -> str:
        """Return one line as scanners write it: from a lone letter to some forty characters."""
        foreign: dict[Script, Sequence[str]] = {
            "greek": _WORDS["greek"],
            "cyrillic": _WORDS["cyrillic"],
            "cjk": _WORDS["cjk"],
            "arabic": _WORDS["arabic"],
        }
        if script in foreign:
            words = [self._pick(foreign[script]) for _ in range(self._whole(1, 4))]
            if self._chance.random() < 0.4:
                words.append(self.date())
            return ("" if script == "cjk" else " ").join(words)
        kinds: tuple[Callable[[], str], ...] = (
            self.name,
            self.name,
            self.date,
            self.time,
            self.identity,
            self.identity,
            self.site,
            self.reading,
            self.reading,
            self.reading,
            self.labelled,
            self.labelled,
            self.scanner,
            self.noise,
            self.sentence,
            self.mark,
        )
        text = self._pick(kinds)()
        if script == "accents" and self._chance.random() < 0.7:
            text = (
                f"{self._pick(_WORDS['accented'])} {text}"
                if self._chance.random() < 0.5
                else self.name(True)
            )
        return text

    def mark(self) -> str:
        """Return a laterality or orientation mark, or a lone digit."""
        if self._chance.random() < 0.35:
            return str(self._whole(0, 10))
        return self._pick(_WORDS["letters"])

    def number(self) -> str:
        """Return a number as stands beside a scale."""
        form = self._whole(0, 5)
        if form == 0:
            return f"{self._whole(-200, 400)}"
        if form == 1:
            return f"{self._chance.normal(0, 60):.1f}"
        if form == 2:
            return f".{self._whole(10, 99)}"
        return f"{self._whole(0, 30)}"

    def name(self, accented: bool = False) -> str:
        """Return a person's name in one of the written orders."""
        family = self._pick(_WORDS["accented"] if accented else _WORDS["family"])
        given = self._pick(_WORDS["given"])
        return self._pick(
            (
                f"{family},{given}",
                f"{family}, {given}",
                f"{given} {family}",
                f"{family} {given[0]}.",
                f"{family}^{given}",
                f"{family} {given} [{self._pick('MF')}]",
                family.upper(),
            )
        )

    def date(self) -> str:
        """Return a day between 1925 and 2029."""
        day, month, year = self._whole(1, 29), self._whole(1, 13), self._whole(1925, 2030)
        return self._pick(
            (
                f"{day:02}.{month:02}.{year}",
                f"{month:02}/{day:02}/{year}",
                f"{year}-{month:02}-{day:02}",
                f"{day}-{_WORDS['months'][month - 1]}-{year % 100:02}",
                f"{year}{month:02}{day:02}",
                f"{day:02} {_WORDS['months'][month - 1]} {year}",
                f"{year}/{month}/{day}",
            )
        )

    def time(self) -> str:
        """Return a time of day, some with the date before it."""
        hour, minute, second = self._whole(0, 24), self._whole(0, 60), self._whole(0, 60)
        clock = self._pick(
            (
                f"{hour:02}:{minute:02}:{second:02}",
                f"{hour % 12 + 1}:{minute:02} {self._pick(('AM', 'pm'))}",
                f"{hour % 12 + 1:02}:{minute:02}:{second:02}PM",
                f"{hour:02}:{minute:02}",
            )
        )
        return f"{self.date()} {clock}" if self._chance.random() < 0.3 else clock

    def identity(self) -> str:
        """Return a patient or accession number."""
        number = self._whole(1000, 10**9)
        return self._pick(
            (
                f"{number}",
                f"{number:010}",
                f"MRN{number}",
                f"{self._pick('ABCXZ')}{number % 10**7:07}",
                f"{number % 1000:03}-{number % 97:02}-{number % 9999:04}",
                f"#{number % 10**6}",
                f"ID: {number}",
            )
        )

    def site(self) -> str:
        """Return a hospital's or department's name."""
        return self._pick(_WORDS["sites"])

    def scanner(self) -> str:
        """Return a maker, a model or a word of the screen."""
        return self._pick(_WORDS["scanner"] if self._chance.random() < 0.4 else _WORDS["osd"])

    def reading(self) -> str:
        """Return a setting or a measurement with its unit."""
        value = self._pick(
            (
                f"{self._whole(0, 500)}",
                f"{self._chance.random() * 20:.1f}",
                f"{self._chance.random() * 9:.2f}",
            )
        )
        unit = self._pick(_WORDS["units"])
        return self._pick(
            (
                f"{value} {unit}",
                f"{value}{unit}",
                f"{self._pick(_WORDS['osd'])} {value}",
                f"{self._pick(_WORDS['osd'])}: {value}",
                f"MI {value}",
                f"TIS {value}",
                f"W:{self._whole(50, 4000)} L:{self._whole(-600, 900)}",
                f"+ Dist {value} {unit}",
                f"Im: {self._whole(1, 400)}/{self._whole(1, 400)}",
                f"{value}",
            )
        )

    def labelled(self) -> str:
        """Return a field as screens print them: label, then value."""
        value = self._pick((self.name, self.date, self.identity, self.time, self.number))()
        return f"{self._pick(_WORDS['labels'])}{self._pick((': ', ':', ' ', '  '))}{value}"

    def noise(self) -> str:
        """Return letters and digits without sense, so that no vocabulary is learned."""
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        body = "".join(self._pick(alphabet) for _ in range(self._whole(1, 12)))
        return body + self._pick(("", "", "", ".", ":", "%", "/2", "-", " *"))

    def sentence(self) -> str:
        """Return several words in a row."""
        words = [
            self._pick((*_WORDS["osd"], *_WORDS["family"], *_WORDS["labels"]))
            for _ in range(self._whole(2, 7))
        ]
        return " ".join(words).lower() if self._chance.random() < 0.5 else " ".join(words)

    def _whole(self, low: int, high: int) -> int:
        return int(self._chance.integers(low, high))

    def _pick(self, items: Sequence[Item]) -> Item:
        return items[int(self._chance.integers(len(items)))]
