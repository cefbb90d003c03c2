"""Region scripts of RSNA's CTP (``DicomPixelAnonymizer.script``), read into `pixels.regions`.

A script is a list of sections, ``{ signature } (left, top, width, height) ...``;
text outside braces and parentheses is a remark. CTP takes the first signature
that matches; here every rule that fits counts, so what is imported fills as much
or more. A section is imported whole or not at all: a signature of which one term
is missing would be another signature.

Source: MIRC wiki, The CTP DICOM Pixel Anonymizer; The CTP DICOM Filter (the language).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import yaml
from pydantic import ValidationError
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from deid_node.config.ctp_pattern import spelled_out
from deid_node.config.ctp_signature import NotTranslated, Term, alternatives_of
from deid_node.pixels.text.device_regions import AttributeTest, BoxOptions, DeviceRegionsOptions

_SECTION: Final = re.compile(r"\{([^}]*)\}")
_REGION: Final = re.compile(r"\(([^)]*)\)")
_NUMBER: Final = re.compile(r"\s*(-?\d{1,9})\s*")
_TAG: Final = re.compile(r"\[([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\]")
_OVERLAYS: Final = re.compile(r"\[60[0-9A-Fa-f]{2},")

_METHODS: Final = MappingProxyType(
    {
        "equals": ("equals", True),
        "equalsignorecase": ("equals", False),
        "contains": ("contains", True),
        "containsignorecase": ("contains", False),
        "startswith": ("starts_with", True),
        "startswithignorecase": ("starts_with", False),
        "endswith": ("ends_with", True),
        "endswithignorecase": ("ends_with", False),
        "islessthan": ("less_than", False),
        "isgreaterthan": ("greater_than", False),
    }
)
"""Our test, and whether capitals count, by CTP's method in small letters."""

Rule: TypeAlias = DeviceRegionsOptions


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not translated: the line where it begins, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """Rules with the line of their signature, and what was left out; both in the script's order."""

    rules: tuple[tuple[int, Rule], ...]
    left_out: tuple[LeftOut, ...]


def imported(script: str) -> Imported:
    """Return the rules of `script`; both parts are empty where it has no section."""
    rules: list[tuple[int, Rule]] = []
    left_out: list[LeftOut] = []
    sections = list(_SECTION.finditer(script))
    stops = [*(section.start() for section in sections[1:]), len(script)]
    for section, stop in zip(sections, stops, strict=False):
        line = _line(script, section.start())
        boxes: list[BoxOptions] = []
        for region in _REGION.finditer(script, section.end(), stop):
            try:
                boxes.append(_box(region[1]))
            except NotTranslated as error:
                left_out.append(LeftOut(_line(script, region.start()), str(error)))
        try:
            rules += [(line, rule) for rule in _rules(section[1], tuple(boxes))]
        except NotTranslated as error:
            left_out.append(LeftOut(line, str(error)))
    return Imported(tuple(rules), tuple(sorted(left_out, key=lambda one: one.line)))


def as_yaml(found: Imported, *, source: str) -> str:
    """Return `found` as YAML to be put into a configuration; `source` names the script."""
    lines = [f"# Imported from {source}: {len(found.rules)} rules."]
    lines += [f"# Not translated: line {one.line}: {one.reason}" for one in found.left_out]
    lines += ["pixels:", "  regions:" if found.rules else "  regions: []"]
    for line, rule in found.rules:
        lines.append(f"    # line {line}")
        shown = yaml.safe_dump([_plain(rule)], sort_keys=False, allow_unicode=True)
        lines += [f"    {row}" for row in shown.splitlines()]
    return "\n".join(lines) + "\n"


def _rules(signature: str, boxes: tuple[BoxOptions, ...]) -> Iterator[Rule]:
    if not boxes:
        raise NotTranslated(
            "a signature without a region: in CTP it exempts what it matches, here nothing is"
        )
    alternatives = alternatives_of(signature, spelt=_spelt)
    if not alternatives:
        raise NotTranslated("a signature that never matches")
    every = [tuple(_test(term, negated=no) for term, no in terms) for terms in alternatives]
    return (Rule(where=tests, boxes=boxes) for tests in every)


def _spelt(term: Term) -> tuple[Term, ...]:
    """Return the terms of which one holds where `term` does."""
    if term.method.casefold() == "matches":
        return spelled_out(term.identifier, term.value)
    return (term,)


def _test(term: Term, *, negated: bool) -> AttributeTest:
    if term.method.casefold() not in _METHODS:
        raise NotTranslated(f"the method {term.method}")
    test, capitals = _METHODS[term.method.casefold()]
    try:
        return AttributeTest.model_validate(
            {
                "attribute": _keyword(term.identifier),
                "test": test,
                "value": term.value,
                "capitals": capitals,
                "negated": negated,
            }
        )
    except ValidationError as error:
        if error.errors()[0]["loc"] == ("attribute",):
            raise NotTranslated(f"the attribute {term.identifier}") from None
        raise NotTranslated("a comparison with what is no number") from None


def _keyword(identifier: str) -> str:
    if _OVERLAYS.match(identifier):
        raise NotTranslated(f"the attribute {identifier}: overlays are removed in any case")
    match = _TAG.fullmatch(identifier)
    if match is None:
        return identifier
    tag = int(match[1] + match[2], 16)
    keyword = keyword_for_tag(tag)
    # Private and repeating groups share keywords.
    return keyword if keyword and tag_for_keyword(keyword) == tag else ""


def _box(text: str) -> BoxOptions:
    parts = [_NUMBER.fullmatch(part) for part in text.split(",")]
    numbers = [int(part[1]) for part in parts if part is not None]
    if len(parts) != 4 or len(numbers) != 4:
        raise NotTranslated("parentheses that hold no region")
    left, top, width, height = numbers
    try:
        return BoxOptions(
            left=max(0, left), top=max(0, top), right=left + width, bottom=top + height
        )
    except ValidationError:
        raise NotTranslated("a region without a pixel") from None


def _plain(rule: Rule) -> dict[str, Any]:
    shown: dict[str, Any] = rule.model_dump(mode="json", exclude_defaults=True)
    return {key: shown[key] for key in ("where", "boxes") if key in shown}


def _line(script: str, position: int) -> int:
    return script.count("\n", 0, position) + 1
