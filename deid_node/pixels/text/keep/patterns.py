"""The patterns of lines that may stay, as a site writes them, checked before they are used.

A pattern is a regular expression for a whole line, or ``@`` and the name of a
list that ships. It is refused when it lets through what no pattern may, and when
its time could explode: the line it is tried on comes from outside.
"""

import re
import warnings
from collections.abc import Iterable, Mapping
from re import _constants, _parser  # type: ignore[attr-defined] # the only way to see a pattern's structure
from types import MappingProxyType
from typing import Any, Final

from deid_node.pixels.text.keep.probes import probes

LONGEST_LINE: Final = 40
"""Characters of a line that may stay; a longer one goes without being tried."""

LONGEST_PATTERN: Final = 200

MOST_WAYS: Final = 100_000
"""Ways in which a line may be tried: some milliseconds at worst."""

_NUMBER: Final = r"\d{1,4}([.,]\d{1,3})?"
_UNIT: Final = "(mm|cm|MM|CM|mm2|cm2|mm²|cm²|ml|cc|°|deg|%|HU)"

_PROJECTION: Final = "(AP|PA|LAT|LL|OBL|CC|MLO|ML|LM|LMO|XCCL|AT)"
_SIDE: Final = "(L|R|LT|RT|LEFT|RIGHT|Left|Right)"
_POSITIONS: Final = (
    "(SUPINE|PRONE|DECUB|DECUBITUS|RECUMBENT|SEMI[ -]?ERECT|SEMI[ -]?UPRIGHT)",
    "(ERECT|UPRIGHT|STANDING|SITTING|PORTABLE|INSP|EXP|WEIGHT[ -]BEARING)",
    "(Supine|Prone|Erect|Upright|Standing|Sitting|Portable)",
)

LISTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "@laterality": (_SIDE,),
        "@orientation": (
            "[LRAPHFSI]",
            "([LR][APHF]|[AP][LRHF]|[HF][LRAP])",
            "([LR][AP][HF]|[LR][HF][AP]|[AP][LR][HF]|[AP][HF][LR]|[HF][LR][AP]|[HF][AP][LR])",
        ),
        "@projection": (f"((L|R|LT|RT)[ -]?)?{_PROJECTION}",),
        # As technicians set lead markers: a side, a projection, how the patient was placed.
        "@radiographs": (
            _SIDE,
            f"({_SIDE}[ -]?)?{_PROJECTION}",
            *(f"((L|R|LT|RT) )?((AP|PA|LAT) )?{position}" for position in _POSITIONS),
        ),
        "@measurements": (
            rf"{_NUMBER} ?{_UNIT}",
            rf"{_NUMBER} ?[x\u00d7] ?{_NUMBER} ?{_UNIT}",
        ),
    }
)
"""Lists that ship: by their names, the patterns that they stand for."""

_REPEATS: Final = frozenset(
    {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}
)
_BACK_REFERENCES: Final = frozenset({_constants.GROUPREF, _constants.GROUPREF_EXISTS})


def compiled(entry: str) -> tuple[re.Pattern[str], ...]:
    """Return what a line is compared with for one entry of ``keep``.

    Raises
    ------
    ValueError
        No such list; no regular expression; longer than `LONGEST_PATTERN`; a
        pattern that refers back to a group, that could be tried in more than
        `MOST_WAYS` ways, or that lets a line through that no pattern may. The
        text does not quote the pattern.
    """
    if entry.startswith("@"):
        if entry not in LISTS:
            raise ValueError(f"is none of the lists {', '.join(LISTS)}")
        return tuple(_checked(pattern) for pattern in LISTS[entry])
    return (_checked(entry),)


def _checked(pattern: str) -> re.Pattern[str]:
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"must have 1 to {LONGEST_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            # A pattern that will mean something else one day means nothing today.
            warnings.simplefilter("error")
            ways = _ways(_parser.parse(pattern))
            result = re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning):
        raise ValueError("is no regular expression") from None
    if ways > MOST_WAYS:
        raise ValueError("repeats or chooses too much: write how often, as in \\d{1,3}")
    if any(result.fullmatch(line) for line in probes()):
        raise ValueError("lets names, numbers or dates through: say more narrowly what may stay")
    return result


def _ways(node: Any) -> int:
    """Return in how many ways the matcher may go through `node` on the longest line, at most.

    A repeat may stop after each turn and each of its turns may go each way, so
    nested repeats multiply up and need no rule of their own.
    """
    ways = 1
    for operation, argument in node:
        if operation in _BACK_REFERENCES:
            raise ValueError("must not refer back to a group")
        if operation in _REPEATS:
            least, most, body = argument
            each = _ways(body)
            turns = range(min(least, LONGEST_LINE), min(most, LONGEST_LINE) + 1)
            ways *= sum(each**count for count in turns)
        elif operation is _constants.BRANCH:
            ways *= sum(_ways(branch) for branch in argument[1])
        else:
            for part in _bodies(argument):
                ways *= _ways(part)
        # Counted no further than is needed to refuse.
        ways = min(ways, MOST_WAYS + 1)
    return ways


def _bodies(argument: Any) -> Iterable[Any]:
    """Return the sub-patterns inside the argument of a group, a look-around or the like."""
    if isinstance(argument, _parser.SubPattern):
        return (argument,)
    if isinstance(argument, tuple):
        return tuple(part for part in argument if isinstance(part, _parser.SubPattern))
    return ()
