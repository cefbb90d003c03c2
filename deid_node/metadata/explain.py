"""The plan as a table that people can read: what ``deid-node explain`` prints.

The rows are made from the plan itself, so they cannot say what it does not do.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, assert_never

from pydicom.datadict import dictionary_description, dictionary_VR, keyword_for_tag

from deid_node.metadata.clean.safe_private import BY_SITE
from deid_node.metadata.originals import ENCRYPTED
from deid_node.metadata.plan.action import CONDITIONAL, Action, Ruling
from deid_node.metadata.plan.attest import ATTESTED
from deid_node.metadata.plan.options import Option, SafePrivateOptions
from deid_node.metadata.plan.plan import MISPLACED_GROUPS, Plan
from deid_node.metadata.plan.policy import KNOWN_VRS

Format = Literal["md", "csv", "json"]

_WORDS: Final = MappingProxyType(
    {
        Action.REMOVE: "remove",
        Action.EMPTY: "empty",
        Action.DUMMY: "dummy",
        Action.REPLACE_UID: "new UID",
        Action.KEEP: "keep",
        Action.PATIENT_NAME: "pseudonym of the patient",
        Action.PATIENT_ID: "pseudonym of the patient",
        Action.ACCESSION_NUMBER: "pseudonym of the accession",
        Action.STUDY_ID: "pseudonym of the study",
        Action.KEEP_UID: "keep a UID",
        Action.KEEP_DATE: "keep a date or time",
        Action.SHIFT_DATE: "move a date by the patient's days, keep a time",
        Action.BIRTH_DATE: "move by the patient's days where it tells no age above 89",
        Action.CAP_AGE: "keep an age, above 89 as 090Y",
        Action.AE_TITLE: "pseudonym of the AE title",
        Action.CLEAN_TEXT: "keep the words that name nobody",
        Action.CLEAN_ITEMS: "keep the items, each cleaned",
    }
)

# The options of the table; the other two concern pixels.
TABLE_OPTIONS: Final = tuple(
    option
    for option in Option
    if option not in {Option.CLEAN_PIXEL_DATA, Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES}
)

_ATTESTED_NOTE = "then written anew: what was really done"
_SEALED_NOTE = "then written anew: the originals, for who holds the site's private key"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of the plan.

    `tag` may be a pattern (x for any digit) or ``other``, for all attributes of
    one VR that no row names. `action` is the letter of PS3.15, `does` says it in
    words, `source` is the basic profile's action as printed in Table E.1-1, or
    ``policy``; `by` names what decided instead: options, or an addition of the
    site. `options` has a letter for each option that the table lets speak,
    whether it is in force or not.
    """

    tag: str
    keyword: str
    name: str
    vr: str
    action: str
    does: str
    source: str
    by: str
    note: str
    options: tuple[tuple[Option, str], ...]

    def cells(self) -> dict[str, str]:
        """Return the line by column: its fields, then one column for each option."""
        fields = asdict(self)
        letters = dict(fields.pop("options"))
        return fields | {option.value: letters.get(option, "") for option in TABLE_OPTIONS}


def plan_rows(
    plan: Plan, *, seals_originals: bool = False, own_private: Iterable[SafePrivateOptions] = ()
) -> Sequence[PlanRow]:
    """Return the plan, attribute by attribute in order of tags, then by pattern, then by VR.

    `seals_originals` says that the site named a certificate to lock the originals for;
    `own_private` are the private attributes that it knows to be safe.

    Source
    ------
    PS3.2 N.11-6 (de-identification tables of a conformance statement).
    """
    columns = {row.pattern.upper(): row.options for row in plan.table.rows}
    weaker = {weakening.tag: weakening.before for weakening in plan.weakenings}
    attributes = dict(plan.named) | {
        tag: plan.by_vr[dictionary_VR(tag)] for tag in ATTESTED - set(plan.named)
    }
    rows = []
    for tag, ruling in sorted(attributes.items()):
        if tag >> 16 in MISPLACED_GROUPS:
            continue
        pattern = f"{tag >> 16:04X},{tag & 0xFFFF:04X}"
        notes = [ruling.note]
        notes += [_ATTESTED_NOTE] if tag in ATTESTED else []
        notes += [_SEALED_NOTE] if seals_originals and tag == ENCRYPTED else []
        notes += [f"WEAKER than without it: {_WORDS[weaker[tag]]}"] if tag in weaker else []
        what = (keyword_for_tag(tag), dictionary_description(tag), dictionary_VR(tag))
        note = "; ".join(filter(None, notes))
        rows.append(
            _row(f"({pattern})", what, replace(ruling, note=note), columns.get(pattern, ()))
        )
    others = [
        _row("other", ("", f"Any other of VR {vr}", vr), plan.by_vr[vr]) for vr in sorted(KNOWN_VRS)
    ]
    return (*rows, *_groups(plan, columns), *_own(plan, own_private), *others)


def _own(plan: Plan, own_private: Iterable[SafePrivateOptions]) -> Sequence[PlanRow]:
    """Return a row for each private attribute of the site that stays."""
    if Option.RETAIN_SAFE_PRIVATE not in plan.options:
        return ()
    return [
        _row(
            f"({one.attribute})",
            ("", f"of {one.creator}", one.vr),
            Ruling(Action.KEEP, "X", one.reason, BY_SITE),
        )
        for one in own_private
    ]


def _groups(plan: Plan, columns: Mapping[str, tuple[tuple[Option, str], ...]]) -> Sequence[PlanRow]:
    removed = Ruling(Action.REMOVE, "X")
    private = removed
    if Option.RETAIN_SAFE_PRIVATE in plan.options:
        safe = f"{Option.RETAIN_SAFE_PRIVATE} C"
        private = replace(removed, by=safe, note="but elements of the safe list stay")
    policy = Ruling(Action.REMOVE, "policy")
    misplaced = replace(policy, note="misplaced")
    overlays = columns.get("60XX,3000", ())
    planes = removed
    if Option.CLEAN_GRAPHICS in plan.options:
        graphics = f"{Option.CLEAN_GRAPHICS} C"
        planes = replace(removed, by=graphics, note="but planes on which nothing is read stay")
    return (
        _row("(50xx,xxxx)", ("", "Curves", ""), removed, columns.get("50XX,XXXX", ())),
        _row("(60xx,xxxx)", ("", "Overlay planes, as a whole", ""), planes, overlays),
        _row("(odd,xxxx)", ("", "Private attributes", ""), private, columns.get("ODD,XXXX", ())),
        _row("(xxxx,0000)", ("", "Group lengths", ""), replace(policy, note="retired")),
        _row("(0000,xxxx)", ("", "Command set", ""), misplaced),
        _row(
            "(0002,xxxx)", ("", "File meta", ""), replace(removed, source="U", note="written anew")
        ),
        _row("(0004,xxxx)", ("", "Directory", ""), misplaced),
        _row("(FFFC,xxxx)", ("", "Trailing padding", ""), removed),
        _row("unknown", ("", "No attribute of its group", ""), policy),
    )


def changed_rows(rows: Iterable[PlanRow], before: Iterable[PlanRow]) -> Sequence[PlanRow]:
    """Return those of `rows` that do something else than in `before`, and say what in the note.

    A row that `before` does not have is one that changed.
    """
    known = {(row.tag, row.vr): row for row in before}
    changed = []
    for row in rows:
        was = known.get((row.tag, row.vr))
        if was is None or was.does != row.does:
            told = "no row of its own" if was is None else was.does
            changed.append(replace(row, note="; ".join(filter(None, [f"was: {told}", row.note]))))
    return changed


def format_rows(rows: Sequence[PlanRow], form: Format) -> str:
    """Return the rows as a Markdown table, as CSV, or as a JSON list; with a final newline."""
    lines = [row.cells() for row in rows]
    columns = [name for name in PlanRow.__dataclass_fields__ if name != "options"]
    columns += [option.value for option in TABLE_OPTIONS]
    match form:
        case "md":
            table = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
            table += [f"| {' | '.join(line.values())} |" for line in lines]
            return "\n".join(table) + "\n"
        case "csv":
            text = io.StringIO()
            writer = csv.DictWriter(text, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
            return text.getvalue()
        case "json":
            return json.dumps(lines, indent=1, ensure_ascii=False) + "\n"
        case _:
            assert_never(form)


def _row(
    tag: str,
    what: tuple[str, str, str],
    ruling: Ruling,
    options: tuple[tuple[Option, str], ...] = (),
) -> PlanRow:
    keyword, name, vr = what
    does = _WORDS[ruling.action]
    if ruling.action in CONDITIONAL:
        does = f"{does}; else {_WORDS[ruling.otherwise]}"
    return PlanRow(
        tag, keyword, name, vr, ruling.action.letter, does, ruling.source, ruling.by,
        ruling.note, options,
    )  # fmt: skip
