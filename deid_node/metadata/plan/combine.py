"""How the options of PS3.15 change a row of Table E.1-1.

Where several chosen options speak about one attribute, cleaning (C) goes before
keeping (K): the stricter wins. See docs/decisions/metadata-plan.md.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from deid_node.metadata.plan.action import Action, Ruling
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.policy import TEXT_VRS, default_action
from deid_node.metadata.plan.table import ProfileRow

_TIME_VRS = frozenset({"DA", "DT", "TM"})
_TIME_ZONE = "TimezoneOffsetFromUTC"


def with_options(
    basic: Ruling, row: ProfileRow, chosen: Collection[Option], *, moves: bool = True
) -> Ruling:
    """Return the ruling for `row` under the chosen options.

    Parameters
    ----------
    basic
        The ruling of the basic profile, our policy included.
    row
        The row of the table.
    chosen
        Every option that the treatment carries out.
    moves
        Whether a date of this attribute may move with the patient's days. Where
        dates are modified, one that others share is done with as in the basic
        profile. A time of day is never moved.

    Source
    ------
    PS3.15 E.3 and the option columns of Table E.1-1.
    """
    said = {option: letter for option, letter in row.options if option in chosen}
    if not said:
        return basic
    letter = "C" if "C" in said.values() else "K"
    action = _cleaned(row) if letter == "C" else _kept(row)
    is_day = row.vr in {"DA", "DT"}
    if action is None or (action is Action.SHIFT_DATE and is_day and not moves):
        return basic
    by = ", ".join(f"{option} {said[option]}" for option in sorted(said))
    return Ruling(action, basic.source, basic.note, by, basic.action)


def by_vr(vrs: Iterable[str], chosen: Collection[Option]) -> Mapping[str, Ruling]:
    """Return what happens to attributes that neither table nor policy names, by their VR.

    UIDs outside the table go with those inside it: a reference must not break
    where one end is listed and the other is not. So do dates that stay, and times;
    a date moves only where `whose` calls it the patient's (`of_patient`).
    """
    return MappingProxyType({vr: _of_vr(vr, chosen) for vr in vrs})


def _of_vr(vr: str, chosen: Collection[Option]) -> Ruling:
    basic = Ruling(default_action(vr), "policy", "by VR")
    if vr == "UI" and Option.RETAIN_UIDS in chosen:
        action, option = Action.KEEP_UID, Option.RETAIN_UIDS
    elif vr in _TIME_VRS and Option.RETAIN_LONGITUDINAL_FULL_DATES in chosen:
        action, option = Action.KEEP_DATE, Option.RETAIN_LONGITUDINAL_FULL_DATES
    else:
        return basic
    return replace(basic, action=action, by=f"{option}, by VR", otherwise=basic.action)


def of_patient(vr: str, chosen: Collection[Option]) -> Ruling:
    """Return what happens to a date or time of the patient that neither table nor policy names."""
    basic = _of_vr(vr, chosen)
    option = Option.RETAIN_LONGITUDINAL_MODIFIED_DATES
    if option not in chosen:
        return basic
    by = f"{option}, by VR"
    return replace(basic, action=Action.SHIFT_DATE, by=by, otherwise=basic.action)


def _kept(row: ProfileRow) -> Action | None:
    if row.vr in _TIME_VRS or row.keyword == _TIME_ZONE:
        return Action.KEEP_DATE
    match row.vr:
        case "UI":
            return Action.KEEP_UID
        case "AS":
            return Action.CAP_AGE
        case "OB":
            return None
        case _:
            return Action.KEEP


def _cleaned(row: ProfileRow) -> Action | None:
    if row.vr in _TIME_VRS or row.keyword == _TIME_ZONE:
        return Action.SHIFT_DATE
    if row.vr == "AE":
        return Action.AE_TITLE
    if row.vr == "SQ":
        return Action.CLEAN_ITEMS
    # Bytes cannot be cleaned: what a maker writes there is known to nobody.
    return Action.CLEAN_TEXT if row.vr in TEXT_VRS or row.vr == "CS" else None
