"""What a safe private element may say: terms of the trade, figures, and numbers that are some.

The list vouches for the attribute and nobody for what a sender put there. A public
attribute that our policy keeps may hold any word; here every word has to be known,
because a maker's attribute may be filled by anybody's software.
"""

import re
from typing import Final

from pydicom.dataelem import DataElement

from deid_node.metadata.clean.forms import Forms
from deid_node.metadata.clean.patient_terms import PatientTerms
from deid_node.metadata.clean.vocabulary import Vocabulary
from deid_node.metadata.clean.wordings import Wordings
from deid_node.metadata.encoding.elements import encoded

_LONGEST: Final = 64  # characters of a text; the list has no longer ones to offer
_CODE_STRING: Final = re.compile(r"[A-Z0-9 _]{0,16}")
_ROW_OF_FIGURES: Final = re.compile(r"[0-9]+(?:[^A-Za-z0-9]+[0-9]+){2}|[0-9]{5}")
_YEAR_OR_NUMBER: Final = re.compile(r"[0-9]{4}")  # of a birth, a room, a patient
_DIGIT: Final = re.compile(r"[0-9]")
_MOST_DIGITS: Final = 6
_LEAST_IDENTIFYING: Final = 5  # digits; shorter numbers are in every header

# A year is none: 1951 is how old somebody is.
_FIGURE: Final = re.compile(
    r"(?!(?:19|20)[0-9]{2}\Z)[<>~/+-]?(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,3})?(?::1)? ?%?"
)
_VERSION: Final = re.compile(r"[Vv]?[0-9](?:\.[0-9]){1,3}")
_NUCLEUS: Final = re.compile(r"1H|2H|3He|7Li|13C|15N|17O|19F|23Na|31P|39K|129Xe")
_RUN: Final = re.compile(r"[A-Za-z]+|[0-9]+")
_GLUED: Final = re.compile(r"[!-~]{1,24}")
_MOST_DIGITS_OF_A_TERM: Final = 4
_SHORTEST_STEM: Final = 3

# Names of pulse sequences and their parts, which the words of reports do not have.
_STEMS: Final = frozenset(
    {
        "cosmic", "diff", "dualfast", "efgre", "efse", "fcard", "fgre", "fgret", "fiesta",
        "flex", "frfse", "fse", "fspgr", "ffe", "gre", "irfse", "memp", "mempir", "mprage", "qtse",
        "resolve", "spgr", "ssfp", "stir", "tfe", "tfi", "tfl", "tof", "trufi", "tse", "vemp",
        "vibrant", "vibe", "fast", "flair", "fl", "haste", "space", "lava",
    }
)  # fmt: skip
# As a whole value only: a word among others may be somebody's name.
_WHOLE: Final = frozenset(
    {
        "arial", "ascending", "black", "blue", "bold", "center", "courier", "cubic", "cyan",
        "descending", "failed", "gray", "green", "grey", "helvetica", "italic", "magenta",
        "nearest", "no", "none", "normal", "ok", "orange", "outline", "perspective", "red",
        "sans serif", "serif", "solid", "success", "successful", "triangles", "white", "yellow",
        "yes",
    }
)  # fmt: skip


class SafeValues:
    """Judges single values; one object serves any number of instances."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._forms = Forms(vocabulary)
        self._wordings = Wordings(vocabulary)

    def fits(self, value: str, vr: str) -> bool:
        """Return whether one value of a VR that is a string may stay; nobody is hunted in it.

        Source
        ------
        PS3.5 6.2 (what each VR may hold); docs/decisions/metadata-kept-values.md.
        """
        value = value.strip(" ")
        if not value:
            return True
        if vr in {"DS", "IS"}:
            return not self._forms.misfits(0, vr, value)
        if not value.isascii() or not value.isprintable() or len(value) > _LONGEST:
            return False
        if vr != "CS":
            return self._speaks_of_the_trade(value)
        if _CODE_STRING.fullmatch(value) is None or _is_row_of_figures(value):
            return False
        # One word is a term that its maker defined; several are a text.
        return " " not in value or self._speaks_of_the_trade(value)

    def is_number(self, element: DataElement) -> bool:
        """Return whether the bytes of a decoded number, or array of some, are no words."""
        try:
            content = encoded(element, little=True, charset="utf-8")
        except Exception:  # noqa: BLE001  # pydicom raises of every kind, and quotes values
            return False
        return self._forms.fits(0, str(element.VR), content)

    def _speaks_of_the_trade(self, value: str) -> bool:
        if any(rule.fullmatch(value) for rule in (_FIGURE, _VERSION, _NUCLEUS)):
            return True
        if _is_row_of_figures(value) or self._wordings.is_of_a_person(value):
            return False
        if value.casefold() in _WHOLE or self._wordings.is_term(value):
            return True
        if _YEAR_OR_NUMBER.search(value) is not None:
            return False
        return self._wordings.means_a_code(value) or self._is_term_of_parts(value)

    def _is_term_of_parts(self, value: str) -> bool:
        """Return whether `value` is one word that its maker put together: ``*tfl3d1_16ns``."""
        if _GLUED.fullmatch(value) is None:
            return False
        if len(_DIGIT.findall(value)) > _MOST_DIGITS_OF_A_TERM:
            return False
        has_stem, alone = False, 0
        for run in _RUN.finditer(value):
            part = run[0]
            if part.isdigit():
                continue
            before, after = value[: run.start()][-1:], value[run.end() :][:1]
            if self._is_stem(part):
                has_stem = has_stem or len(part) >= _SHORTEST_STEM
            elif len(part) == 1:
                alone += not (before.isdigit() or after.isdigit())
            elif not (len(part) < _SHORTEST_STEM and before.isdigit()):
                return False
        return alone <= 1 and (has_stem or len(value) == alone)

    def _is_stem(self, part: str) -> bool:
        word = part.lower()
        if word in _STEMS:
            return True
        # 3D and 2D are written before the name without a blank, and lose their figure here.
        if word[:1] == "d" and word[1:] in _STEMS:
            return True
        return self._vocabulary.knows(part) and not self._vocabulary.is_name(word)


def names_somebody(patient_terms: PatientTerms, number: str) -> bool:
    """Return whether a DS or IS is, digit for digit, one that identifies: 7712590.0 for 7712590.

    A run of digits inside is not looked for: measured numbers have many.
    """
    whole, _, _ = number.strip(" +-").partition(".")
    spellings = {whole, whole.lstrip("0"), "".join(_DIGIT.findall(number))}
    return any(
        len(digits) >= _LEAST_IDENTIFYING and digits in patient_terms.fragments
        for digits in spellings
    )


def _is_row_of_figures(value: str) -> bool:
    return _ROW_OF_FIGURES.search(value) is not None or len(_DIGIT.findall(value)) > _MOST_DIGITS
