"""Which words name nobody, because DICOM or a maker says them: part of the second look.

A patient may be called Max, Black or Ray, and MAX_IP, BLACK and X-Ray Radiation Dose
Report go out with everybody's images. Where the standard or a machine speaks, such
a word alone is no hit. A whole name is one, and so is any other word.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Final, cast

from pydicom._dicom_dict import DicomDictionary
from pydicom._uid_dict import UID_dictionary
from pydicom.sr._concepts_dict import concepts

from deid_node.leaks.folding import folded, words_of

_CODES: Final = re.compile(
    r"(?:Extended|Long)?Code(?:Value|Meaning)|CodingScheme\w+|MappingResource\w*|Context\w*Identifier"
)
_DEVICES: Final = re.compile(
    r"\w*(?:Manufacturer|Model|Software|Application|Product)\w*|\w*StationName"
    r"|ImplementationVersionName|\w*Algorithm(?:Name|Version|Source)"
)
_PROTOCOLS: Final = re.compile(
    r"\w*SequenceName|\w*Sequence(?:Variant)|Scan\w+|\w*(?:Kernel|Coil\w*|Filter\w*|Mode\w*|Method"
    r"|Technique\w*|Type\w*|Explanation|Label|Cleaner)|\w*(?:Grid|Paddle|Collimator)\w*"
    r"|\w*(?:Trigger|Framing)\w*|ImagedNucleus|StackID|Radio\w+|Contrast\w+"
)
_OWN: Final = frozenset({"DeidentificationMethod", "DerivationDescription"})
# 2D or 3D with an acronym before it, as the sequences of one maker are called; lengths and counts.
_SEQUENCE: Final = re.compile(
    rb"[a-z]{1,8}[0-9]?[23]d[0-9]{0,3}[a-z]{0,3}|[0-9]{1,3}(?:ns|rs|sp|r|t)?"
)


class Terms:
    """Knows the words of the standard; one object serves any number of instances."""

    def speaks_in(self, keyword: str, vr: str) -> bool:
        """Return whether the standard or a machine speaks in the attribute `keyword`, no person."""
        return (
            vr == "CS"
            or keyword in _OWN
            or _CODES.fullmatch(keyword) is not None
            or self._is_machine(keyword)
        )

    def knows(self, word: bytes, keyword: str) -> bool:
        """Return whether `word`, folded, is a word of what speaks in the attribute `keyword`."""
        if word in self._words:
            return True
        if not self._is_machine(keyword):
            return False
        return word in self._machines or _SEQUENCE.fullmatch(word) is not None

    def is_sequence(self, word: bytes, keyword: str) -> bool:
        """Return whether `word` is a part of a sequence's name, in an attribute that holds one."""
        return _PROTOCOLS.fullmatch(keyword) is not None and (
            word in self._sequences or _SEQUENCE.fullmatch(word) is not None
        )

    def is_phrase(self, value: bytes) -> bool:
        """Return whether the whole of `value`, folded, is a meaning or a name of the standard."""
        return b" ".join(words_of(value)) in self._phrases

    def knows_anywhere(self, word: bytes) -> bool:
        """Return whether `word` is one in any text: a name inside of it is chance."""
        return word in self._words or word in self._machines

    @staticmethod
    def _is_machine(keyword: str) -> bool:
        return any(rule.fullmatch(keyword) is not None for rule in (_DEVICES, _PROTOCOLS))

    @cached_property
    def _words(self) -> frozenset[bytes]:
        own = _facts("terms.csv")
        said = [word for word, kind in own.items() if kind == "term"]
        said += _facts("common_words.csv")
        said += [name for _, _, name, _, _ in DicomDictionary.values()]
        said += [text for code in _meanings("DCM", "UCUM") for text in code]
        return frozenset(word for text in said for word in words_of(folded(text)))

    @cached_property
    def _machines(self) -> frozenset[bytes]:
        words = [word for word, kind in _facts("terms.csv").items() if kind != "term"]
        return frozenset(word for text in words for word in words_of(folded(text)))

    @cached_property
    def _sequences(self) -> frozenset[bytes]:
        words = [word for word, kind in _facts("terms.csv").items() if kind == "sequence"]
        return frozenset(word for text in words for word in words_of(folded(text)))

    @cached_property
    def _phrases(self) -> frozenset[bytes]:
        said = [text for code in _meanings(*concepts) for text in code]
        said += [name for name, *_ in UID_dictionary.values()]
        said += [name for _, _, name, _, _ in DicomDictionary.values()]
        return frozenset(b" ".join(words_of(folded(text))) for text in said)


def _meanings(*schemes: str) -> list[tuple[str, str]]:
    """Return value and meaning of every code of `schemes`."""
    known = cast("Mapping[str, Mapping[str, Mapping[str, tuple[str, Sequence[int]]]]]", concepts)
    return [
        (value, meaning)
        for scheme in schemes
        for codes in known[scheme].values()
        for value, (meaning, _) in codes.items()
    ]


def _facts(name: str) -> dict[str, str]:
    text = (files("deid_node.leaks") / "data" / name).read_text("utf-8")
    return {row["word"]: row["kind"] for row in csv.DictReader(text.splitlines())}
