"""Which numbers free text may keep: those that a protocol is made of, by a written rule.

A number with a unit, a matrix, a field strength, a b-value, a kernel. Everything
else that has digits goes: dates, ages, order numbers and telephone numbers have
digits too, and nobody can tell them from a plain number.
"""

import re

_UNITS = (
    "mm|cm|um|ms|msec|s|sec|secs|min|hz|khz|mhz|ghz|t|tesla|kv|kvp|mv|mev|kev|ma|mas|ml|cc"
    "|mg|mci|mbq|gy|cgy|mgy|hu|ppm|bpm|fps|deg|sl|slice|slices|view|views|x|e|ch|d|pct"
)
_UNIT = re.compile(rf"(?:{_UNITS})")
_WITH_UNIT = re.compile(rf"[0-9]{{1,3}}(?:[.,][0-9]{{1,2}})?(?:{_UNITS})")
_MATRIX = re.compile(
    r"[0-9]{1,3}(?:[.,][0-9]{1,2})?x[0-9]{1,3}(?:[.,][0-9]{1,2})?(?:x[0-9]{1,3})?(?:mm|cm)?"
)
_PARAMETER = re.compile(r"(?:b[0-9]{1,4}|(?:te|ti|fa)[0-9]{1,3}|tr[0-9]{1,4}|p[0-9]|r[0-9]|i[0-9])")
_KERNEL = re.compile(r"(?:b|bf|bl|br|bv|h|hc|hf|hr|i|j|q|qr|s|t|u|ub|uh|ur)[0-9]{2}[a-z]")
_FIELD_STRENGTH = re.compile(r"[0-9][.,](?:0|5|25|75)")
_DIGIT = re.compile(r"[0-9]")
_PLAIN = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,2})?")


def is_with_word(word: str) -> bool:
    """Return whether the figure says by itself what it counts: ``5mm``, ``b1000``, ``B30f``."""
    return any(
        rule.fullmatch(word) is not None for rule in (_WITH_UNIT, _MATRIX, _PARAMETER, _KERNEL)
    )


def is_bare(word: str) -> bool:
    """Return whether `word` is a number that may stand alone: ``2``, ``3.0``, ``1.5``.

    Two of them side by side may be a date, so neither stays there.
    """
    return any(rule.fullmatch(word) is not None for rule in (_DIGIT, _FIELD_STRENGTH))


def is_counted_by(number: str, unit: str) -> bool:
    """Return whether `number` and the word behind it are a measurement: ``2.5 mm``."""
    return _PLAIN.fullmatch(number) is not None and _UNIT.fullmatch(unit) is not None
