"""The plan as a table that people can read: what ``deid-node explain`` prints.

The rows are made from the plan itself, so they cannot say what it does not do.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Literal, assert_never

from pydicom.datadict import dictionary_description, dictionary_VR, keyword_for_tag

from deid_node.metadata.action import Action
from deid_node.metadata.attest import ATTESTED
from deid_node.metadata.plan import MISPLACED_GROUPS, Plan
from deid_node.metadata.policy import KNOWN_VRS, default_action

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
    }
)


_ATTESTED_NOTE = "then written anew: what was really done"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of the plan.

    `tag` may be a pattern (x for any digit) or ``other``, for all attributes of
    one VR that no row names. `action` is the letter of PS3.15, `does` says it in
    words, `source` is the action as printed in Table E.1-1 or ``policy``.
    """

    tag: str
    keyword: str
    name: str
    vr: str
    action: str
    does: str
    source: str
    note: str


def plan_rows(plan: Plan) -> Sequence[PlanRow]:
    """Return the plan, attribute by attribute in order of tags, then by pattern, then by VR.

    Source
    ------
    PS3.2 N.11-6 (de-identification tables of a conformance statement).
    """
    named = [
        _row(
            f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
            (keyword_for_tag(tag), dictionary_description(tag), dictionary_VR(tag)),
            ruling.action,
            ruling.source,
            "; ".join(filter(None, (ruling.note, _ATTESTED_NOTE if tag in ATTESTED else ""))),
        )
        for tag, ruling in sorted(plan.named.items())
        if tag >> 16 not in MISPLACED_GROUPS
    ]
    attested = [
        _row(
            f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
            (keyword_for_tag(tag), dictionary_description(tag), dictionary_VR(tag)),
            default_action(dictionary_VR(tag)),
            "policy",
            _ATTESTED_NOTE,
        )
        for tag in sorted(ATTESTED - set(plan.named))
    ]
    groups = [
        _row("(50xx,xxxx)", ("", "Curves", ""), Action.REMOVE, "X", ""),
        _row("(60xx,xxxx)", ("", "Overlay planes, as a whole", ""), Action.REMOVE, "X", ""),
        _row("(odd,xxxx)", ("", "Private attributes", ""), Action.REMOVE, "X", ""),
        _row("(xxxx,0000)", ("", "Group lengths", ""), Action.REMOVE, "policy", "retired"),
        _row("(0000,xxxx)", ("", "Command set", ""), Action.REMOVE, "policy", "misplaced"),
        _row("(0002,xxxx)", ("", "File meta", ""), Action.REMOVE, "U", "written anew"),
        _row("(0004,xxxx)", ("", "Directory", ""), Action.REMOVE, "policy", "misplaced"),
        _row("(FFFC,xxxx)", ("", "Trailing padding", ""), Action.REMOVE, "X", ""),
        _row("unknown", ("", "No attribute of its group", ""), Action.REMOVE, "policy", ""),
    ]
    others = [
        _row("other", ("", f"Any other of VR {vr}", vr), default_action(vr), "policy", "by VR")
        for vr in sorted(KNOWN_VRS)
    ]
    return (*named, *attested, *groups, *others)


def format_rows(rows: Sequence[PlanRow], form: Format) -> str:
    """Return the rows as a Markdown table, as CSV, or as a JSON list; with a final newline."""
    columns = list(PlanRow.__dataclass_fields__)
    match form:
        case "md":
            lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
            lines += [f"| {' | '.join(asdict(row).values())} |" for row in rows]
            return "\n".join(lines) + "\n"
        case "csv":
            text = io.StringIO()
            writer = csv.DictWriter(text, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
            return text.getvalue()
        case "json":
            return json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
        case _:
            assert_never(form)


def _row(tag: str, what: tuple[str, str, str], action: Action, source: str, note: str) -> PlanRow:
    keyword, name, vr = what
    return PlanRow(tag, keyword, name, vr, action.letter, _WORDS[action], source, note)
