"""The plan: what happens to each attribute, decided before any instance is seen.

A plan answers for every tag, also for one that it has never heard of: private
and misplaced elements go, elements of groups that no standard knows withhold
the instance.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydicom.datadict import dictionary_has_tag, dictionary_VR, repeater_has_tag, tag_for_keyword

from deid_node.errors import UnknownElement
from deid_node.metadata.action import Action, Ruling
from deid_node.metadata.objects import KNOWN_GROUPS
from deid_node.metadata.options import Option
from deid_node.metadata.policy import (
    BULK_VRS,
    KNOWN_VRS,
    NUMBER_VRS,
    PSEUDONYMS,
    RESOLUTION,
    TEXT_VRS,
    PolicyRow,
    default_action,
    load_policy,
)
from deid_node.metadata.table import PRIVATE, ProfileTable, load_table

_PRIVATE = Ruling(Action.REMOVE, "X", "private")
_MISPLACED = Ruling(Action.REMOVE, "policy", "not an element of a data set")
_GROUP_LENGTH = Ruling(Action.REMOVE, "policy", "group length, retired")
_CURVE = Ruling(Action.REMOVE, "X", "curve, retired")
_OVERLAY = Ruling(Action.REMOVE, "X", "overlay plane, as a whole")
_UNLISTED = Ruling(Action.REMOVE, "policy", "no attribute of the standard")

# Command set, file meta information, directory; item delimiters and padding.
MISPLACED_GROUPS = frozenset({0x0000, 0x0002, 0x0004, 0xFFFC, 0xFFFE})

_FAMILIES = (TEXT_VRS | {"CS"}, NUMBER_VRS, BULK_VRS, frozenset({"DA", "DT", "TM"}))


@dataclass(frozen=True, slots=True)
class Plan:
    """Rulings by tag for one set of options.

    Built by `build_plan`. `edition` is the edition of Table E.1-1 it follows.
    """

    edition: str
    options: frozenset[Option]
    table: ProfileTable = field(repr=False)
    policy: tuple[PolicyRow, ...] = field(repr=False)
    named: Mapping[int, Ruling] = field(repr=False)

    def judge(self, tag: int, vr: str) -> Ruling:
        """Return what happens to the element `tag` that was sent with `vr`.

        Parameters
        ----------
        tag
            The tag as a number.
        vr
            The VR as sent, or that of the dictionary where none was sent.

        Raises
        ------
        UnknownElement
            The group belongs to no edition of the standard, or the VR is none:
            nobody can say what the element holds.

        Source
        ------
        PS3.15 E.1.1, Table E.1-1; our policy for what the table does not list.
        """
        group, element = tag >> 16, tag & 0xFFFF
        if group & 1:
            return _PRIVATE
        if group in MISPLACED_GROUPS:
            return _MISPLACED
        ruling = self.named.get(tag)
        if ruling is not None:
            return self._fitting(tag, vr, ruling)
        if element == 0:
            return _GROUP_LENGTH
        if 0x5000 <= group <= 0x50FF:
            return _CURVE
        if 0x6000 <= group <= 0x60FF:
            return _OVERLAY
        if group not in KNOWN_GROUPS:
            raise UnknownElement(f"group {group:04X} is in no edition of the standard")
        if not (dictionary_has_tag(tag) or repeater_has_tag(tag)):
            return _UNLISTED
        return self._fitting(tag, vr, Ruling(default_action(_first(tag)), "policy", "by VR"))

    def _fitting(self, tag: int, vr: str, ruling: Ruling) -> Ruling:
        """Return `ruling`, or a stricter one where `vr` is not what the tag should have."""
        if ruling.action is Action.REMOVE:
            return ruling
        if vr not in KNOWN_VRS:
            raise UnknownElement("an element has a VR that is in no edition of the standard")
        if _agrees(tag, vr) or ruling.action not in {Action.KEEP, Action.REPLACE_UID}:
            return ruling
        if "SQ" in {vr, _first(tag)}:
            raise UnknownElement(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is a sequence or is not")
        if ruling.action is Action.REPLACE_UID:
            return Ruling(Action.REMOVE, ruling.source, "not a UID by its VR")
        return Ruling(default_action(vr), "policy", "by the VR as sent")


def build_plan(options: Iterable[Option] = ()) -> Plan:
    """Return the plan for the Basic Profile with `options`.

    Raises
    ------
    ConfigurationError
        The shipped table is damaged.

    Source
    ------
    PS3.15 E.2 (Basic Application Level Confidentiality Profile), Table E.1-1.
    """
    table, policy = load_table(), load_policy()
    named: dict[int, Ruling] = {}
    for row in table.rows:
        if row.pattern != PRIVATE and "x" not in row.pattern:
            action = PSEUDONYMS.get(row.keyword, RESOLUTION[row.basic_profile])
            if row.vr == "UI" and action is Action.DUMMY:
                action = Action.REPLACE_UID
            named[int(row.pattern.replace(",", ""), 16)] = Ruling(action, row.basic_profile)
    for decision in policy:
        tag = tag_for_keyword(decision.keyword)
        if tag is None:
            raise ValueError(f"the policy names an unknown attribute: {decision.keyword}")
        source = named[tag].source if tag in named else "policy"
        named[tag] = Ruling(decision.action, source, decision.reason)
    return Plan(table.edition, frozenset(options), table, policy, MappingProxyType(named))


def _first(tag: int) -> str:
    return dictionary_VR(tag).split(" or ")[0]


def _agrees(tag: int, vr: str) -> bool:
    expected = dictionary_VR(tag).split(" or ")
    if vr in expected:
        return True
    # Editions have widened some VRs (SH to LO, IS to DS): within a family that is harmless.
    return any(vr in family and not family.isdisjoint(expected) for family in _FAMILIES)
