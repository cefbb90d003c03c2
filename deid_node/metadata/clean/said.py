"""Words in the bytes of numbers: told from what numbers look like by themselves.

An attribute of a binary VR has no place for a word, and nobody looks for one there. The
bytes of most numbers are letters now and then, so a few that follow each other say
nothing: it takes a whole value that can be read, or a run of words that is longer than
chance makes one in so many bytes. Tables that climb through the letters, and curves that
move slowly among them, are none.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import ceil, log
from struct import Struct
from types import MappingProxyType
from typing import Final

_PADDING: Final = b"\0 "
# A blank, a sign of names, or a letter; each in one byte or, in UTF-16, in two.
_SAID: Final = rb"A-Za-z ^,.'\-"
_RUN: Final = re.compile(rb"(?:[%b]\0?){4,}" % _SAID)
_PRINTED: Final = re.compile(rb"(?:[ -~]\0?){4}")
_WORDS: Final = re.compile(rb"(?:[ -~]\0?)+|(?:\0[ -~])+")
_ACCENTED: Final = re.compile(rb"[\xc3-\xc5][\x80-\xbf]|[\xc0-\xff]")  # UTF-8, Latin-1
_UNIT: Final = re.compile(rb"(?:[%b]\0?)+\0*|(?:\0[%b])+" % (_SAID, _SAID))
_NO_LETTERS: Final = bytes(b for b in range(256) if not ((chr(b).isalpha() and b < 128) or b == 32))
_NO_FIGURES: Final = bytes(b for b in range(256) if not 48 <= b < 58)
_FIGURES: Final = re.compile(rb"[0-9 +()/.,:;#*-]+")
_NUMBERED: Final = re.compile(rb"[A-Za-z0-9 _+/.,:;#@=*()\[\]-]+")
_WIDE_RUN: Final = re.compile(rb"(?:[%b]\0){6,}" % _SAID)
# As words are written: small, in capitals, or with one capital at the beginning. Each is taken
# as a whole: a sentence that is none in the end would be cut into words in every way there is.
_CASED: Final = re.compile(rb"(?:[A-Z]?[a-z]{2,}+|[A-Z]{2,}+|[ ^,.'\-])+")
# Two words and more: a palette passes through letters, too, but not so.
_WORDED: Final = re.compile(
    rb"(?:[A-Z]?[a-z]+|[A-Z]{2,})(?:[ ,.'-]{1,2}(?:[A-Z]?[a-z]+|[A-Z]{2,})|\^[A-Z][A-Za-z]+)+"
)

_LEAST_BYTES: Final = 4
_LEAST_FIGURES: Final = 6  # digits that may be a day, a telephone or an identifier
_LEAST_NUMBERED: Final = 8  # letters and digits that may be an identifier
_LEAST_DISTINCT: Final = 4
_LEAST_DRAWN: Final = 12  # letters of which it can be said that a table or a curve looks so
_SHORT_BYTES: Final = 128
"""Of a value; a longer one is an array in which letters come by chance."""
_LONGEST_NUMBER: Final = 8
_LEAST_SHARE: Final = 0.6
_LEAST_RUN: Final = 6
_CHANCE: Final = 1e-6  # that a value of numbers is taken for one of words
_LETTER: Final = 27 / 256  # the share of random bytes that go on with a word in its case
_LEAST_STEP: Final = 4.0  # on the average, from one letter of a word to the next

# Outside of these nothing that is measured lies.
_FLOATS: Final[Mapping[str, tuple[int, float, float]]] = MappingProxyType(
    {"FL": (4, 1e-9, 1e9), "OF": (4, 1e-9, 1e9), "FD": (8, 1e-15, 1e15), "OD": (8, 1e-15, 1e15)}
)
_WIDE: Final = MappingProxyType({"AT": 4, "SL": 4, "UL": 4, "OL": 4, "SV": 8, "UV": 8, "OV": 8})
_READ: Final = MappingProxyType(
    {(4, True): Struct("<f"), (4, False): Struct(">f"), (8, True): Struct("<d"),
     (8, False): Struct(">d")}
)  # fmt: skip


def says_something(vr: str, stored: bytes, *, little: bool = True) -> bool:
    """Return whether the bytes of a number, or of an array of numbers, are words.

    As a whole they are where they can be read and are letters for the most part, the
    figures of a day, a telephone or an identifier, or letters and figures together. A
    float of a short value is taken for a word only where it is none that anybody
    measures.
    """
    core = stored.strip(_PADDING)
    if len(core) < _LEAST_BYTES - 1 or _PRINTED.search(stored) is None:
        return False
    if _is_of_figures(core) or (len(stored) <= _SHORT_BYTES and _is_one_word(core)):
        return True
    if (_is_readable(core) or _is_numbered(core)) and _may_be_none(vr, stored, little=little):
        return True
    if _RUN.search(stored) is None:
        return False
    if len(stored) <= _SHORT_BYTES and _has_unit_said(vr, stored, little=little):
        return True
    return any(_is_said(vr, stored, run, little=little) for run in _runs(stored))


def _is_readable(core: bytes) -> bool:
    if _WORDS.fullmatch(core) is None:
        # Letters of Latin-1 come by chance too often; one among five is an accent.
        plain = _ACCENTED.sub(b"a", core.replace(b"\0", b""))
        is_accented = len(_ACCENTED.findall(core)) <= len(plain) // 5
        return len(plain) >= _LEAST_RUN and is_accented and _CASED.fullmatch(plain) is not None
    letters = core.replace(b"\0", b"")
    if len(letters) < _LEAST_BYTES or _is_even(letters):
        return False
    if len(letters.translate(None, _NO_LETTERS)) / len(letters) < _LEAST_SHARE:
        return False
    return len(letters) < _LEAST_DRAWN or not _is_drawn(letters)


def _is_one_word(core: bytes) -> bool:
    """Return whether all bytes are letters of one case: numbers that anybody measured are not."""
    said = core.replace(b"\0", b"")
    return (
        len(said) >= _LEAST_NUMBERED
        and said.isalpha()
        and not _is_even(said)
        and (_CASED.fullmatch(said) is not None and not _is_drawn(said))
    )


def _is_of_figures(core: bytes) -> bool:
    """Return whether the bytes are a day, a telephone number or an identifier of figures."""
    if _WORDS.fullmatch(core) is None:
        return False
    said = core.replace(b"\0", b"")
    enough = len(said.translate(None, _NO_FIGURES)) >= _LEAST_FIGURES
    return enough and _FIGURES.fullmatch(said) is not None and not _is_even(said)


def _is_numbered(core: bytes) -> bool:
    """Return whether the bytes are letters and figures, as an identifier is."""
    letters = core.replace(b"\0", b"")
    return (
        len(letters) >= _LEAST_NUMBERED
        and len(set(letters)) >= _LEAST_DISTINCT
        and _WORDS.fullmatch(core) is not None
        and _NUMBERED.fullmatch(letters) is not None
        and not _is_drawn(letters)
    )


def _may_be_none(vr: str, stored: bytes, *, little: bool) -> bool:
    """Return whether numbers that can be read are no floats that somebody may have measured."""
    if vr not in _FLOATS:
        return True
    width = _FLOATS[vr][0]
    units = (stored[at : at + width] for at in range(0, len(stored) - width + 1, width))
    return any(_is_out_of_range(vr, unit, little=little) for unit in units)


def _has_unit_said(vr: str, stored: bytes, *, little: bool) -> bool:
    """Return whether one of a few numbers is a word by itself."""
    if vr in _FLOATS:
        # Of four bytes only what is too large: next to zero the rests of sums are letters, too.
        return any(
            _is_out_of_range(vr, unit, little=little, above_only=len(unit) < _LONGEST_NUMBER)
            or (len(unit) == _LONGEST_NUMBER and _is_letters(unit))
            for unit in _units_said(stored, _FLOATS[vr][0])
        )
    return vr in _WIDE and any(_is_letters(unit) for unit in _units_said(stored, _WIDE[vr]))


def _runs(stored: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield where runs of words begin and end, and what they say, if chance does not make them."""
    least = max(_LEAST_RUN, ceil(log(len(stored) / _CHANCE) / -log(_LETTER)))
    words = _CASED if len(stored) <= _SHORT_BYTES else _WORDED
    for match in words.finditer(stored):
        if len(match[0].strip()) >= least:
            yield match.start(), match.end(), match[0].strip()
    for wide in _WIDE_RUN.finditer(stored):
        for match in words.finditer(wide[0].replace(b"\0", b"")):
            if len(match[0].strip()) >= least:
                yield wide.start(), wide.end(), match[0].strip()


def _is_said(vr: str, stored: bytes, run: tuple[int, int, bytes], *, little: bool) -> bool:
    first, last, said = run
    if _is_drawn(said):
        return False
    if vr not in _FLOATS:
        return True
    width = _FLOATS[vr][0]
    return any(
        _is_out_of_range(vr, stored[at : at + width], little=little)
        for at in range(first // width * width, last, width)
        if at + width <= len(stored)
    )


def _is_drawn(said: bytes) -> bool:
    """Return whether a table or a curve looks so: it climbs or falls, moves slowly, or doubles."""
    steps = [after - before for before, after in pairwise(said)]
    if sum(map(abs, steps)) < _LEAST_STEP * len(steps):
        return True
    if said[0:-1:2] == said[1::2] or said[1:-1:2] == said[2::2]:
        return True
    return all(_is_sorted(said[start::2]) for start in (0, 1))


def _is_sorted(content: bytes) -> bool:
    steps = [after - before for before, after in pairwise(content)]
    return all(step >= 0 for step in steps) or all(step <= 0 for step in steps)


def _is_out_of_range(vr: str, unit: bytes, *, little: bool, above_only: bool = False) -> bool:
    width, least, most = _FLOATS[vr]
    number = abs(_READ[width, little].unpack(unit)[0])
    return not (number <= most and (above_only or number >= least))


def _units_said(stored: bytes, width: int) -> list[bytes]:
    """Return the numbers of which every byte is a letter, a blank or a sign of names."""
    units = []
    for run in _RUN.finditer(stored):
        first, last = run.start() // width, (run.end() - 1) // width
        for at in range(first * width, (last + 1) * width, width):
            unit = stored[at : at + width]
            if len(unit) == width and _UNIT.fullmatch(unit) is not None:
                units.append(unit)
    return units


def _is_letters(unit: bytes) -> bool:
    return unit.translate(None, b" ^,.'-").isalpha()


def _is_even(content: bytes) -> bool:
    return len({after - before for before, after in pairwise(content)}) <= 1
