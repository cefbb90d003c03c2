"""The site's own rows: they may be stricter in silence, and laxer only in the open.

A row that lets more through than the table and our policy is a weakening. It is
done, because the site answers for its data; it is listed by `check` and
`explain`, the instances do not claim what they no longer keep, and the second
look is not told of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword

from deid_node.errors import ConfigurationError
from deid_node.metadata.plan.action import CONDITIONAL, Action, Ruling
from deid_node.metadata.plan.attest import ATTESTED
from deid_node.metadata.plan.options import AdditionOptions, Option
from deid_node.metadata.plan.sop_classes import KNOWN_GROUPS
from deid_node.metadata.plan.table import ProfileRow

BY_ADDITION: Final = "metadata.additions"

# Without these there is no instance, or no proof.
_UNTOUCHED = ATTESTED | {
    0x00080005,  # Specific Character Set
    0x00080016,  # SOP Class UID
    0x00080018,  # SOP Instance UID
    0x0020000D,  # Study Instance UID
    0x0020000E,  # Series Instance UID
    0x7FE00008,
    0x7FE00009,
    0x7FE00010,
}
_STRENGTH: Final = MappingProxyType({"X": 4, "Z": 3, "D": 2, "U": 2, "C": 1, "K": 0})


@dataclass(frozen=True, slots=True, order=True)
class Weakening:
    """An addition that lets more through than table, options and policy do.

    `against_table` tells that the table itself asks for more: the instances no
    longer follow the Basic Profile.
    """

    tag: int
    keyword: str
    before: Action
    after: Action
    against_table: bool


def tag_of(addition: AdditionOptions, *, path: str) -> int:
    """Return the tag that an addition names.

    Raises
    ------
    ConfigurationError
        It is no attribute of the standard, or one that no site may rule on.
    """
    name = addition.attribute
    tag = int(name.replace(",", ""), 16) if "," in name else tag_for_keyword(name)
    if tag is None or tag >> 16 not in KNOWN_GROUPS or not dictionary_has_tag(tag):
        raise ConfigurationError(f"{path}.attribute", "no attribute of the standard")
    if tag in _UNTOUCHED or tag >> 16 in {0x0000, 0x0002, 0x0004, 0xFFFC, 0xFFFE}:
        raise ConfigurationError(f"{path}.attribute", "a site cannot rule on this attribute")
    return tag


def added(
    additions: Iterable[AdditionOptions],
    rulings: Mapping[int, Ruling],
    rows: Mapping[int, ProfileRow],
    chosen: frozenset[Option],
) -> tuple[Mapping[int, Ruling], tuple[Weakening, ...]]:
    """Return the rulings of the additions, and those of them that weaken.

    Parameters
    ----------
    additions
        As configured.
    rulings
        What happens without them, for each tag that they name.
    rows
        The rows of Table E.1-1 by tag.
    chosen
        The options in force.

    Raises
    ------
    ConfigurationError
        An addition names no attribute, one that stands there already, or an
        action that the attribute cannot take.
    """
    new: dict[int, Ruling] = {}
    weakenings = []
    for number, addition in enumerate(additions):
        path = f"{BY_ADDITION}[{number}]"
        tag = tag_of(addition, path=path)
        if tag in new:
            raise ConfigurationError(f"{path}.attribute", "stands in an addition before")
        old = rulings[tag]
        action = _action(addition.action, dictionary_VR(tag).split(" or ")[0], path=path)
        otherwise = old.otherwise if old.action in CONDITIONAL else old.action
        new[tag] = Ruling(action, old.source, addition.reason, BY_ADDITION, otherwise)
        if _STRENGTH[action.letter] < _STRENGTH[old.action.letter]:
            row = rows.get(tag)
            weakenings.append(
                Weakening(
                    tag,
                    addition.attribute if row is None else row.keyword,
                    old.action,
                    action,
                    row is not None and _STRENGTH[action.letter] < _asked(row, chosen),
                )
            )
    return MappingProxyType(new), tuple(weakenings)


def _action(letter: str, vr: str, *, path: str) -> Action:
    if letter == "U" and vr != "UI":
        raise ConfigurationError(f"{path}.action", "U is for attributes that hold UIDs")
    match letter, vr:
        case "K", "UI":
            return Action.KEEP_UID
        case "K", "DA" | "DT" | "TM":
            return Action.KEEP_DATE
        case "K", "AS":
            return Action.CAP_AGE
        case "D", "UI":
            return Action.REPLACE_UID
        case _:
            return Action(letter)


def _asked(row: ProfileRow, chosen: frozenset[Option]) -> int:
    """Return the least strength that the table accepts for `row`."""
    letters = set(row.basic_profile.replace("*", "").split("/"))
    letters |= {letter for option, letter in row.options if option in chosen}
    if "Z" in letters:
        letters.add("D")  # Z allows a dummy
    return min(_STRENGTH[letter] for letter in letters)
