"""Regular expressions that a sender's value cannot blow up.

Python's matcher tries alternatives one after the other: a repeated group that
itself repeats or chooses can take time exponential in the length of the value,
and the value comes from outside. Such patterns are refused at start.
"""

import re
from collections.abc import Iterable
from re import _constants, _parser  # type: ignore[attr-defined] # the only way to see a pattern's structure
from typing import Any

_REPEATS = frozenset({_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT})
_BACK_REFERENCES = frozenset({_constants.GROUPREF, _constants.GROUPREF_EXISTS})


def compiled(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern.

    Raises
    ------
    ValueError
        It is no regular expression, or one whose time may explode. The text
        does not quote the pattern.
    """
    try:
        parsed = _parser.parse(pattern)
        result = re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        raise ValueError("is no regular expression") from None
    _refuse_explosive(parsed, repeated=False)
    return result


def _refuse_explosive(node: Any, *, repeated: bool) -> None:
    for operation, argument in node:
        if operation in _BACK_REFERENCES:
            raise ValueError("must not refer back to a group")
        if operation in _REPEATS:
            least, most, body = argument
            if repeated and least != most:
                raise ValueError("must not repeat a group that itself repeats")
            _refuse_explosive(body, repeated=repeated or most > 1)
        elif operation is _constants.BRANCH:
            if repeated:
                raise ValueError("must not repeat a group of alternatives")
            for branch in argument[1]:
                _refuse_explosive(branch, repeated=repeated)
        else:
            for part in _bodies(argument):
                _refuse_explosive(part, repeated=repeated)


def _bodies(argument: Any) -> Iterable[Any]:
    """Return the sub-patterns inside the argument of a group, a look-around or the like."""
    if isinstance(argument, _parser.SubPattern):
        return (argument,)
    if isinstance(argument, tuple):
        return tuple(part for part in argument if isinstance(part, _parser.SubPattern))
    return ()
