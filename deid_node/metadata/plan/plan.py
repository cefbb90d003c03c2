"""The plan: what happens to each attribute, decided before any instance is seen.

A plan answers for every tag, also for one that it has never heard of: private
and misplaced elements go, and so does what no edition of the standard knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pydicom.datadict import dictionary_has_tag, dictionary_VR, repeater_has_tag, tag_for_keyword

from deid_node.errors import UnknownElement
from deid_node.metadata.encoding.whose import Whose, load_whose
from deid_node.metadata.plan.action import CONDITIONAL, Action, Ruling
from deid_node.metadata.plan.additions import BY_ADDITION, Weakening, added, tag_of
from deid_node.metadata.plan.combine import by_vr, of_patient, with_options
from deid_node.metadata.plan.options import AdditionOptions, Option
from deid_node.metadata.plan.policy import (
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
from deid_node.metadata.plan.table import PRIVATE, ProfileRow, ProfileTable, load_table

_PRIVATE = Ruling(Action.REMOVE, "X", "private")
_MISPLACED = Ruling(Action.REMOVE, "policy", "not an element of a data set")
_GROUP_LENGTH = Ruling(Action.REMOVE, "policy", "group length, retired")
_CURVE = Ruling(Action.REMOVE, "X", "curve, retired")
_OVERLAY = Ruling(Action.REMOVE, "X", "overlay plane, as a whole")
_CLEAN_PLANE = Ruling(
    Action.KEEP, "X", "only where nothing is read on it", by=f"{Option.CLEAN_GRAPHICS} C"
)
_UNLISTED = Ruling(Action.REMOVE, "policy", "no attribute of the standard")

PLANE_ELEMENTS = frozenset({0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051, 0x0100, 0x0102, 0x3000})
"""Elements of an overlay plane that may stay with it: size, type, place, bits (PS3.3 C.9.2)."""

# Command set, file meta information, directory; item delimiters and padding.
MISPLACED_GROUPS = frozenset({0x0000, 0x0002, 0x0004, 0xFFFC, 0xFFFE})

# They let a value through, so the value must be of the kind that the tag promises.
_LETTING = CONDITIONAL | {Action.KEEP, Action.REPLACE_UID, Action.AE_TITLE}

_BIRTH_DATE = 0x00100030

_FAMILIES = (TEXT_VRS | {"CS"}, NUMBER_VRS, BULK_VRS, frozenset({"DA", "DT", "TM"}))


@dataclass(frozen=True, slots=True)
class Plan:
    """Rulings by tag for one set of options.

    Built by `build_plan`. `edition` is the edition of Table E.1-1 it follows,
    `by_vr` what happens to attributes that nobody names, `weakenings` the
    additions of the site that let more through than the rest would.
    """

    edition: str
    options: frozenset[Option]
    table: ProfileTable = field(repr=False)
    policy: tuple[PolicyRow, ...] = field(repr=False)
    named: Mapping[int, Ruling] = field(repr=False)
    by_vr: Mapping[str, Ruling] = field(repr=False)
    weakenings: tuple[Weakening, ...] = ()

    @property
    def follows_table(self) -> bool:
        """Whether nothing that the site added asks for less than Table E.1-1."""
        return not any(weakening.against_table for weakening in self.weakenings)

    @property
    def moves_birth_date(self) -> bool:
        """Whether the birth date moves with the other dates, where it may."""
        return self.named[_BIRTH_DATE].action is Action.BIRTH_DATE

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
            The VR is none of the standard, or the element a sequence and should be none:
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
            return self._fitting(tag, vr, self._plane(element))
        if not (dictionary_has_tag(tag) or repeater_has_tag(tag)):
            return _UNLISTED
        first = _first(tag)
        ruling = self.by_vr.get(first) or Ruling(default_action(first), "policy", "by VR")
        return self._fitting(tag, vr, ruling)

    def _plane(self, element: int) -> Ruling:
        """Return what happens to an element of an overlay plane that came through the pixel room.

        That leaves only planes on which it read nothing, and only what describes their bitmap.
        """
        if Option.CLEAN_GRAPHICS in self.options and element in PLANE_ELEMENTS:
            return _CLEAN_PLANE
        return _OVERLAY

    def _fitting(self, tag: int, vr: str, ruling: Ruling) -> Ruling:
        """Return `ruling`, or a stricter one where `vr` is not what the tag should have."""
        if ruling.action is Action.REMOVE:
            return ruling
        if vr not in KNOWN_VRS:
            raise UnknownElement("an element has a VR that is in no edition of the standard")
        if _agrees(tag, vr) or ruling.action not in _LETTING:
            return ruling
        if ruling.action in CONDITIONAL or ruling.action is Action.AE_TITLE:
            basic = replace(ruling, action=ruling.otherwise, by="", note="not of its VR")
            return self._fitting(tag, vr, basic)
        if "SQ" in {vr, _first(tag)}:
            raise UnknownElement(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is a sequence or is not")
        if ruling.action is Action.REPLACE_UID:
            return Ruling(Action.REMOVE, ruling.source, "not a UID by its VR")
        return Ruling(default_action(vr), "policy", "by the VR as sent")


def build_plan(
    options: Iterable[Option] = (),
    *,
    additions: Iterable[AdditionOptions] = (),
    moves_birth_date: bool = False,
) -> Plan:
    """Return the plan for the Basic Profile with `options`.

    Parameters
    ----------
    options
        The options that the treatment carries out.
    additions
        The site's own rows; they go before everything else.
    moves_birth_date
        Under Retain Longitudinal Modified Dates the birth date moves too.

    Raises
    ------
    ConfigurationError
        The shipped table is damaged, or an addition cannot be done.

    Source
    ------
    PS3.15 E.2 (Basic Application Level Confidentiality Profile), E.3 (options),
    Table E.1-1.
    """
    table, policy, chosen = load_table(), load_policy(), frozenset(options)
    rows = {
        int(row.pattern.replace(",", ""), 16): row
        for row in table.rows
        if row.pattern != PRIVATE and "x" not in row.pattern
    }
    named = {tag: _basic(row) for tag, row in rows.items()}
    for decision in policy:
        tag = tag_for_keyword(decision.keyword)
        if tag is None:
            raise ValueError(f"the policy names an unknown attribute: {decision.keyword}")
        source = named[tag].source if tag in named else "policy"
        named[tag] = Ruling(decision.action, source, decision.reason)
    whose = load_whose()
    named |= {
        tag: of_patient(dictionary_VR(tag), chosen)
        for tag, owner in whose.items()
        if owner is Whose.PATIENT and tag not in named
    }
    named |= {
        tag: with_options(named[tag], row, chosen, moves=whose.get(tag) is not Whose.SHARED)
        for tag, row in rows.items()
    }
    if moves_birth_date and Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in chosen:
        named[_BIRTH_DATE] = Ruling(
            Action.BIRTH_DATE, "Z", by="metadata.dates.birth_date", otherwise=Action.EMPTY
        )
    plan = Plan(
        table.edition, chosen, table, policy, MappingProxyType(named), by_vr(KNOWN_VRS, chosen)
    )
    return _with_additions(plan, rows, tuple(additions))


def _basic(row: ProfileRow) -> Ruling:
    action = PSEUDONYMS.get(row.keyword, RESOLUTION[row.basic_profile])
    if row.vr == "UI" and action is Action.DUMMY:
        action = Action.REPLACE_UID
    return Ruling(action, row.basic_profile)


def _with_additions(
    plan: Plan, rows: Mapping[int, ProfileRow], additions: tuple[AdditionOptions, ...]
) -> Plan:
    if not additions:
        return plan
    tags = [tag_of(one, path=f"{BY_ADDITION}[{n}]") for n, one in enumerate(additions)]
    without = {tag: plan.judge(tag, _first(tag)) for tag in tags}
    new, weakenings = added(additions, without, rows, plan.options)
    return replace(plan, named=MappingProxyType({**plan.named, **new}), weakenings=weakenings)


def _first(tag: int) -> str:
    return dictionary_VR(tag).split(" or ")[0]


def _agrees(tag: int, vr: str) -> bool:
    expected = dictionary_VR(tag).split(" or ")
    if vr in expected:
        return True
    # Editions have widened some VRs (SH to LO, IS to DS): within a family that is harmless.
    return any(vr in family and not family.isdisjoint(expected) for family in _FAMILIES)
