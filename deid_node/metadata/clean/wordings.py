"""Text that a plan keeps for what it is about, told from what somebody wrote there.

A code's meaning, the name of a coding scheme and a patient's ethnic group have few
words that belong there. A label (a maker, a sequence, an algorithm) may be any
word, but it has no title before it, no sign of a name and no way to call somebody.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final, cast

from pydicom._uid_dict import UID_dictionary
from pydicom.sr._concepts_dict import concepts

from deid_node.metadata.clean.descriptors import DescriptorCleaner
from deid_node.metadata.clean.patient_terms import PatientTerms
from deid_node.metadata.clean.ucum import is_unit
from deid_node.metadata.clean.vocabulary import Vocabulary, plain
from deid_node.metadata.plan.action import Action
from deid_node.metadata.plan.policy import load_policy

_CODE_WORDS: Final = frozenset(
    {
        "CodeMeaning",
        "CodingSchemeName",
        "CodingSchemeResponsibleOrganization",
        "ExtendedCodeMeaning",
        "MappingResourceName",
    }
)
_CODE_VALUES: Final = frozenset(
    {"CodeValue", "CodingSchemeExternalID", "ExtendedCodeValue", "LongCodeValue", "URNCodeValue"}
)
_LONGEST: Final = 64  # characters of a label or a code, whatever the VR has room for
_LONGEST_MEANING: Final = 256

# Schemes of PS3.16 Table 8-1 and who keeps them.
_OF_SCHEMES: Final = frozenset(
    {
        "dicom controlled terminology", "dicom uid registry", "snomed ct", "snomed international",
        "logical observation identifier names and codes", "loinc", "ucum",
        "unified code for units of measure", "radlex", "rsna", "hl7", "ihe", "ihtsdo", "icd-10",
        "icd-9-cm", "icd-o-3", "regenstrief institute", "foundational model of anatomy",
        "nci thesaurus", "rxnorm", "umls", "acr", "american college of radiology", "who",
        "world health organization", "nema", "dicom", "medical subject headings", "dcmr", "mdc",
        "mayo clinic non-dicom printing", "bi-rads", "breast imaging reporting and data system",
    }
)  # fmt: skip
_URLS: Final = frozenset(
    {
        "http://dicom.nema.org/resources/ontology/dcm",
        "http://dicom.nema.org/resources/ontology/dcmuid",
        "http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm",
        "http://hl7.org/fhir/sid/icd-9-cm", "http://hl7.org/fhir/sid/ndc",
        "http://loinc.org", "http://snomed.info/sct", "http://terminology.hl7.org/codesystem/icd-o-3",
        "http://unitsofmeasure.org", "http://www.ama-assn.org/go/cpt",
        "http://www.nlm.nih.gov/research/umls", "http://www.nlm.nih.gov/research/umls/rxnorm",
        "http://www.radlex.org", "http://radlex.org", "http://ncit.nci.nih.gov",
        "http://id.nlm.nih.gov/mesh", "urn:iso:std:iso:11073:10101",
    }
)  # fmt: skip
_ETHNIC: Final = frozenset(
    {
        "aboriginal", "african", "alaska", "american", "and", "arab", "asian", "australian",
        "black", "british", "caribbean", "caucasian", "caucasoid", "central", "chinese",
        "declined", "east", "eastern", "ethnic", "ethnicity", "european", "filipino", "group",
        "hawaiian", "hispanic", "indian", "indigenous", "indonesian", "islander", "japanese",
        "korean", "latin", "latina", "latino", "malay", "maori", "middle", "mixed", "mongoloid",
        "more", "multiple", "multiracial", "native", "negroid", "non", "north", "not", "of", "or",
        "other", "pacific", "pakistani", "race", "races", "reported", "refused", "south",
        "specified", "thai", "to", "two", "unknown", "vietnamese", "western", "white",
    }
)  # fmt: skip

ENUMERATED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "PatientSex": frozenset({"", "F", "M", "O"}),
        "PatientSexNeutered": frozenset({"", "ALTERED", "UNALTERED"}),
        "SmokingStatus": frozenset({"", "NO", "UNKNOWN", "YES"}),
    }
)
"""PS3.3 defines these values of the attributes, and no others."""

_UNITS_SPELT_OUT: Final = frozenset(
    {
        "angle", "centimeter", "centimeters", "cubic", "degree", "degrees", "fluorine", "gram",
        "grams", "hour", "hours", "kilogram", "kilograms", "liter", "liters", "meter", "meters",
        "microvolt", "microvolts", "milligram", "milligrams", "milliliter", "milliliters",
        "millimeter", "millimeters", "millisecond", "milliseconds", "millivolt", "millivolts",
        "minute", "minutes", "percent", "plane", "second", "seconds", "square", "unit", "units",
        "year", "years",
    }
)  # fmt: skip
_CODE: Final = re.compile(r"[!-~]{1,64}")
_OF_A_PERSON: Final = re.compile(
    r"[^\W\d_]\^|\^[^\W\d_]{2}"  # a name in components
    r"|@"
    r"|(?<![^\W_])(?:mrs?|ms|miss|dr|prof|herrn?|frau|mme|mlle|sra?|dott|patient)\.?\s+[^\W\d_]{2}"
    r"|(?<![^\W_])(?:née?|born|geb\.?|geboren|dob)(?![^\W_])"
    r"|\+[0-9][0-9 ()/.-]{6,}"  # a telephone number
    r"|\(0[0-9]{1,5}\)\s?[0-9]{3}|(?<![0-9])0[1-9][0-9]{1,4}[-/ ][0-9]{5,8}(?![0-9])"
    r"|(?<![^\W_])(?:tel|telefon|phone|fax|mobile?)\.?:?\s*[0-9(+]"
    r"|(?<![0-9])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9])"  # a social security number
    r"|(?<![0-9])[0-9]{1,2}([./-])[0-9]{1,2}\1(?:19|20)[0-9]{2}(?![0-9])",  # a day
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_FIGURES: Final = re.compile(r"[0-9]+")
_LONGEST_FIGURE: Final = 4

# UCUM: units with a prefix, joined by points and slashes (PS3.16 CID 82 and its kind).
_ATOM: Final = (
    r"(?:(?:da|[YZEPTGMkhdcmunpfazy])?(?:m|g|s|A|K|cd|mol|L|l|Hz|N|Pa|J|W|C|V|F|Ohm|S|Wb|T|H|lm|lx|Bq"
    r"|Gy|Sv|Ci|eV|bar|m\[Hg\]|m\[H2O\]|cal|eq|U|rad|sr|R|RAD|REM|kat|osm|dB|B)"
    r"|min|h|d|wk|mo|a|deg|''?|Cel|%|u|AU|\[ppm\]|\[pH\]|\[hnsf'U\]|\[arb'U\]|\[diop\]|\[IU\]"
    r"|10[*^]?-?[0-9]{1,2}|1|100|Hounsfield unit|HU|BPM|bpm|mAs|kVp|\{[A-Za-z0-9: ]{1,24}\})"
)
_UNIT: Final = re.compile(rf"/?(?:{_ATOM}-?[0-9]?){{1,2}}(?:[./](?:{_ATOM}-?[0-9]?){{1,2}}){{0,4}}")


class Wordings:
    """Judges single values; knows what the trade speaks of, and no instance."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._labels = frozenset(row.keyword for row in load_policy() if row.action is Action.KEEP)
        self._descriptors = DescriptorCleaner(vocabulary, PatientTerms(frozenset(), frozenset()))

    def fits(self, value: str, keyword: str) -> bool:
        """Return whether `value`, without padding, is what the attribute `keyword` is kept for.

        Source
        ------
        PS3.3 8.8, C.12.1.1.7 (coding schemes), C.7.1.1 (patient); PS3.16 8.
        """
        if not value:
            return True
        if keyword in ENUMERATED:
            return value in ENUMERATED[keyword]
        if keyword in _CODE_WORDS:
            return len(value) <= _LONGEST_MEANING and self.means_a_code(value)
        if keyword in _CODE_VALUES:
            is_code = _CODE.fullmatch(value) is not None and not _OF_A_PERSON.search(value)
            return is_code or (len(value) <= _LONGEST and self.means_a_code(value))
        if keyword == "CodingSchemeURL":
            return value.casefold().removesuffix("/").replace("https://", "http://") in _URLS
        if keyword == "EthnicGroup":
            return _ETHNIC.issuperset(map(plain, _WORD.findall(value))) and not any(
                character.isdigit() for character in value
            )
        if keyword not in self._labels:
            # An option keeps it, and what it names may be called after somebody.
            return all(character.isprintable() or character in "\r\n\t\f" for character in value)
        return len(value) <= _LONGEST and value.isprintable() and not _OF_A_PERSON.search(value)

    def is_term(self, value: str) -> bool:
        """Return whether a value that is no code string speaks of the trade all the same."""
        return len(value) <= _LONGEST and self._descriptors.says_all(value)

    def is_of_a_person(self, value: str) -> bool:
        """Return whether `value` has a sign of a name, a way to call somebody or a day."""
        return _OF_A_PERSON.search(value) is not None

    def means_a_code(self, value: str) -> bool:
        """Return whether `value` is what a code may mean: a known meaning, a unit, their words."""
        folded = " ".join(value.casefold().split())
        return (
            folded in _known_meanings()
            or folded in _OF_SCHEMES
            or _UNIT.fullmatch(value) is not None
            or is_unit(value)
            or self._descriptors.says_all(value)
            or self._has_words_of_codes(value)
        )

    def _has_words_of_codes(self, value: str) -> bool:
        words = [plain(word) for word in _WORD.findall(value)]
        known = _words_of_meanings()
        return (
            bool(words)
            and max(map(len, _FIGURES.findall(value)), default=0) <= _LONGEST_FIGURE
            and all(len(w) == 1 or w in known or self._vocabulary.knows(w) for w in words)
            # A row of words that are all names is one.
            and any(len(w) > 1 and not self._vocabulary.is_name(w) for w in words)
        )


@cache
def _known_meanings() -> frozenset[str]:
    """Return every meaning that a published terminology has for a code, and every UID's name."""
    names = cast("Mapping[str, Mapping[str, Mapping[str, tuple[str, Sequence[int]]]]]", concepts)
    meanings = {
        " ".join(meaning.casefold().split())
        for concept in names.values()
        for codes in concept.values()
        for meaning, _ in codes.values()
    }
    return frozenset(meanings | {name.casefold() for name, *_ in UID_dictionary.values()})


@cache
def _words_of_meanings() -> frozenset[str]:
    """Return the words of the terminologies that speak of images and measurements, no others.

    SNOMED CT is left out: it knows the breeds of animals, which are called like people.
    """
    names = cast("Mapping[str, Mapping[str, Mapping[str, tuple[str, Sequence[int]]]]]", concepts)
    words = {
        plain(word)
        for scheme in ("DCM", "IBSI", "LN", "MDC", "NCIt", "RADLEX", "UCUM")
        for codes in names[scheme].values()
        for meaning, _ in codes.values()
        for word in _WORD.findall(meaning)
    }
    return frozenset(words | _UNITS_SPELT_OUT)
