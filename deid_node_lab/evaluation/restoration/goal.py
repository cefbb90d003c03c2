"""One line of the goals, and how a figure is held against a bar."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """One line: what is asked, of which arm, what was measured, and whether that is reached."""

    asked: str
    arm: str
    measured: str
    reached: bool | None

    @property
    def verdict(self) -> str:
        """``pass``, ``fail`` or ``not measured``."""
        if self.reached is None:
            return "not measured"
        return "pass" if self.reached else "fail"


def at_least(figure: Report | None, bar: float) -> bool | None:
    """Return whether the figure reaches `bar`; None where it was not measured."""
    if figure is None or figure["value"] is None:
        return None
    return bool(figure["value"] >= bar)


def above(figure: Report, bar: float) -> bool | None:
    """Return whether the whole interval lies above `bar`; None where there is none."""
    return None if figure["low"] is None else bool(figure["low"] > bar)


def below(figure: Report, bar: float) -> bool | None:
    """Return whether the whole interval lies below `bar`; None where there is none."""
    return None if figure["high"] is None else bool(figure["high"] < bar)


def interval(figure: Report | None, unit: str = "") -> str:
    """Return a figure with its interval, a dash where it was not measured."""
    if figure is None or figure["value"] is None:
        return "-"
    return f"{figure['value']:.3f}{unit} ({figure['low']:.3f} to {figure['high']:.3f})"
