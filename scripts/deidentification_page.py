# ruff: noqa: INP001  # for a script, not a package
"""The page of every attribute, and the tables of the conformance statement, from the plan.

Columns after PS3.2 N.8-7 (profiles and options) and N.11-6 (attributes and
actions). The plan of the basic profile is told attribute by attribute; beside
it stands what each option makes of the attribute.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from deid_node.metadata.explain import TABLE_OPTIONS, PlanRow, plan_rows
from deid_node.metadata.plan.attest import BASIC_PROFILE_CODE
from deid_node.metadata.plan.options import OFFERED, Option
from deid_node.metadata.plan.plan import build_plan

_INTRODUCTION: Final = """\
<!-- Written by `make docs` from the plan. Do not edit. -->

# What happens to each attribute

After PS3.15 Annex E, edition {edition}, in the columns of PS3.2 Table N.11-6.
The page tells the Basic Profile and, beside it, the letter that the table gives each option.
`deid-node explain --config FILE` tells what your configuration makes of it.

Letters of PS3.15: X remove, Z empty, D dummy, U new UID, K keep, C clean.

- *Table* is the action as printed in Table E.1-1; where it is silent, [our policy](metadata.md).
- *Options* has the end of an option's code and its letter: `06K` is K under 113106.
- Where several options speak, C goes before K.
- An attribute that no row names is judged by its VR: the last rows.

"""

_ACTIONS: Final = "## Attributes and actions\n\n"


def deidentification() -> str:
    """Return the whole page."""
    plan = build_plan()
    return (
        _INTRODUCTION.format(edition=plan.edition)
        + "## Options\n\n"
        + _options_with_counts()
        + "\n"
        + _ACTIONS
        + "".join(_attribute_lines(plan_rows(plan)))
    )


def profile_table() -> str:
    """Return what is claimed of the profile and its options, for the conformance statement.

    Source
    ------
    PS3.2 Table N.8-7.
    """
    head = (
        "| Profile or option | Code | De-identifier | Configurable |\n| --- | --- | --- | --- |\n"
    )
    basic = f"| {BASIC_PROFILE_CODE} | yes | additions of the site |\n"
    lines = [f"| Basic Application Level Confidentiality Profile {basic}"]
    lines += [
        f"| {option.meaning.removesuffix(' Option')} | {option.code} | {_claim(option)} "
        f"| {'always on' if option is Option.CLEAN_PIXEL_DATA else 'per treatment'} |\n"
        for option in Option
    ]
    return head + "".join(lines)


def _claim(option: Option) -> str:
    if option not in OFFERED:
        return "no; a configuration that names it is refused"
    if option is Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES:
        return "withholds what may show a face; never claimed"
    return "yes"


def _options_with_counts() -> str:
    counts: dict[Option, Counter[str]] = {option: Counter() for option in TABLE_OPTIONS}
    for row in build_plan().table.rows:
        for option, letter in row.options:
            counts[option][letter] += 1
    lines = [
        f"| {option.code} | `{option.value}` | {_claim(option)} "
        f"| {counts[option]['K']} | {counts[option]['C']} |\n"
        for option in TABLE_OPTIONS
    ]
    head = "| Code | Option | Offered | Rows kept (K) | Rows cleaned (C) |\n"
    return head + "| --- | --- | --- | --- | --- |\n" + "".join(lines)


def _attribute_lines(rows: Sequence[PlanRow]) -> Iterator[str]:
    yield "| Attribute | Tag | VR | Table | Action | Done | Options | Comment |\n"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
    for row in rows:
        letters = " ".join(f"{option.code[-2:]}{letter}" for option, letter in row.options)
        yield (
            f"| {row.name} | {row.tag} | {row.vr} | {row.source} | {row.action} | {row.does} "
            f"| {letters} | {row.note} |\n"
        )
