"""As much of PromQL as it takes to see which series and labels an expression asks for."""

import re
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_MATCHERS = re.compile(r"\{([^}]*)\}")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"(?<![\w.$])([A-Za-z_:][\w:]*)(?!\s*\()(?![\w:])")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset"})


@dataclass(frozen=True)
class Asked:
    """The series that an expression names and the labels that it speaks of."""

    series: frozenset[str]
    labels: frozenset[str]


def asked(expression: str) -> Asked:
    """Return what `expression` asks for."""
    bare = _STRING.sub("", expression)
    labels = {label for matchers in _MATCHERS.findall(bare) for label in _LABEL.findall(matchers)}
    bare = _MATCHERS.sub("", bare)
    for group in _GROUPING.findall(bare):
        labels |= {label.strip() for label in group.split(",") if label.strip()}
    bare = _RANGE.sub("", _GROUPING.sub("", bare))
    return Asked(frozenset(_NAME.findall(bare)) - _WORDS, frozenset(labels))
