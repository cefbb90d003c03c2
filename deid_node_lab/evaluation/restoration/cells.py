"""How a figure stands in a table: with its interval where it has one."""

from collections.abc import Mapping
from typing import Any


def value(figure: Any, spec: str) -> str:
    """Return a figure without its interval, a dash where it was not measured."""
    number = figure["value"] if isinstance(figure, Mapping) else figure
    return "-" if number is None else spec.format(number)


def cell(figure: Any, spec: str) -> str:
    """Return a figure with its interval where it has one."""
    said = value(figure, spec)
    if said == "-" or not isinstance(figure, Mapping) or figure["low"] == figure["high"]:
        return said
    return f"**{said}** ({spec.format(figure['low'])} to {spec.format(figure['high'])})"
