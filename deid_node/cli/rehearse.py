"""``deid-node clean --dry-run``: what would become of every file, and nothing is written but that.

The whole corridor is walked in a folder of the system for temporary files, and thrown away.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from deid_node.batch.batch import Batch
from deid_node.batch.rehearsal import Nowhere, RehearsalFactory, taken
from deid_node.batch.sheet import ContactSheet
from deid_node.batch.walk import Walk
from deid_node.batch.work_list import WorkList
from deid_node.cli.offline import configuration, offline_factory, tell_passed_over, terminable
from deid_node.cli.reports import Reasons, Shown, reports_to, summary
from deid_node.cli.status import ExitStatus
from deid_node.config.schema import Config
from deid_node.corridor import keys_of
from deid_node.errors import InputError
from deid_node.metadata.apply.keys import new_key

_TOLD: Final = ("attribute", "tag", "action")
_ONLY_THEN: Final = ("contact_sheet", "show_values")
_NOT_THEN: Final = ("resume", "restart", "despite_changes")

Changes = Counter[tuple[str, str, str]]


def add_rehearsal(parser: argparse.ArgumentParser) -> None:
    """Describe what a dry run takes."""
    group = parser.add_argument_group("dry run")
    group.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing but reports: what would change, by attribute (OUTPUT may be left out)",
    )
    group.add_argument(
        "--contact-sheet",
        type=Path,
        metavar="FILE.png",
        help="draw what would be filled there; it shows the patient's pixels (mode 0600)",
    )
    group.add_argument(
        "--show-values",
        action="store_true",
        help="show values before and after, on a terminal only: they name the patient",
    )


def require_whole(arguments: argparse.Namespace) -> None:
    """Return if what was asked for makes sense without ``--dry-run``; raise `InputError`."""
    if arguments.output is None:
        raise InputError("OUTPUT is missing: only --dry-run does without")
    for name in _ONLY_THEN:
        if getattr(arguments, name):
            raise InputError(f"{_option(name)} is for --dry-run")


def rehearse(arguments: argparse.Namespace) -> int:
    """Walk every file through the corridor and tell; statuses are those of ``clean``."""
    for name in _NOT_THEN:
        if getattr(arguments, name):
            raise InputError(f"{_option(name)} is not for --dry-run: nothing is kept")
    if arguments.show_values and not sys.stdout.isatty():
        raise InputError("--show-values shows values on a terminal, and this is none")
    own = (arguments.output, arguments.report, arguments.csv, arguments.contact_sheet)
    walk = Walk(arguments.input, [one for one in own if one is not None])
    config = _without_traces(configuration(arguments.config))
    if arguments.config is None:
        keys: Sequence[bytes] = (new_key(),) * len(config.treatments)
    else:
        keys = tuple(keys_of(config).values())
    with terminable(), _scratch() as scratch:
        counts, changed = _rehearsed(arguments, walk, config, keys, scratch)
    sys.stdout.write(summary(counts) + changed_lines(changed) + "nothing was written\n")
    is_whole = all(outcome != "withheld" for outcome, _, _ in counts)
    return ExitStatus.DONE if is_whole else ExitStatus.SOME_WITHHELD


def changed_lines(changed: Changes) -> str:
    """Return what became of each attribute, and in how many instances; no value of any."""
    if not changed:
        return ""
    width = max(len(attribute) for attribute, _, _ in changed)
    lines = [
        f"  {attribute:{width}}  ({tag[:4]},{tag[4:]})  {action:8}  {count}"
        for (attribute, tag, action), count in sorted(
            changed.items(), key=lambda one: (one[0][0].partition("/")[0] != one[0][0], one[0][1])
        )
    ]
    return "\n".join(["what would change, and in how many:", *lines, ""])


def _rehearsed(
    arguments: argparse.Namespace,
    walk: Walk,
    config: Config,
    keys: Sequence[bytes],
    scratch: Path,
) -> tuple[Reasons, Changes]:
    output: Path | None = arguments.output
    partial, marks, seen = (_folder(scratch, name) for name in ("partial", "marks", "seen"))
    factory = RehearsalFactory(
        offline_factory(config, keys, gentle=arguments.gentle),
        seen,
        values=arguments.show_values,
        pictures=arguments.contact_sheet is not None,
    )
    sheet = None if arguments.contact_sheet is None else ContactSheet(arguments.contact_sheet)
    counts: Reasons = Counter()
    changed: Changes = Counter()
    with closing(WorkList(scratch / "list")) as work_list:
        work_list.take_in(walk, again_if_changed=False)
        total = sum(work_list.totals().values())
        if not total:
            raise InputError(f"{arguments.input} holds no files")
        tell_passed_over(walk)
        batch = Batch(
            work_list,
            walk,
            output=output or Path("OUTPUT"),
            partial=partial,
            placing=Nowhere(output, partial, marks),
            factory=factory,
            engine=config.work.engine,
            jobs=arguments.jobs,
        )
        shown = Shown(total)
        with batch, reports_to(arguments.report, arguments.csv) as write, shown:
            for number, line in enumerate(batch.lines(), start=1):
                looked = taken(seen, line["input"])
                told = [{name: one[name] for name in _TOLD} for one in looked.changes]
                is_clean = line["outcome"] == "clean"
                write({**line, "dry_run": True, "changes": told if is_clean else []})
                counts[line["outcome"], line["code"], line["reason"]] += 1
                if is_clean:
                    changed.update({(one["attribute"], one["tag"], one["action"]) for one in told})
                if sheet is not None and looked.picture is not None:
                    sheet.add(looked.picture, _caption(number, line))
                if arguments.show_values:
                    sys.stdout.write(_values(number, looked.changes))
                shown.advance(line)
        if sheet is not None:
            sheet.finish()
            _tell_pages(sheet)
    return counts, changed


def _without_traces(config: Config) -> Config:
    """Return `config` without what would write down identifiers of an instance."""
    off = config.metadata.crosswalk.model_copy(update={"enabled": False})
    treatments = {
        name: treatment.model_copy(
            update={"project": treatment.project.model_copy(update={"crosswalk": None})}
        )
        for name, treatment in config.treatments.items()
    }
    metadata = config.metadata.model_copy(update={"crosswalk": off})
    return config.model_copy(update={"metadata": metadata, "treatments": treatments})


def _caption(number: int, line: dict[str, Any]) -> str:
    """Return what a tile is called: by its line in the report, since a path may name somebody."""
    count = len(line["regions"])
    return f"{number}: {line['code'] or ('1 box' if count == 1 else f'{count} boxes')}"


def _values(number: int, changed: Sequence[dict[str, Any]]) -> str:
    lines = [
        f"  {one['attribute']}: {one['before'] or '-'} => {one['after'] or '-'}" for one in changed
    ]
    return "\n".join([f"{number}:", *lines, ""])


def _tell_pages(sheet: ContactSheet) -> None:
    pages = ", ".join(str(page) for page in sheet.pages) or "none: nothing would be filled"
    sys.stderr.write(f"deid-node: contact sheet: {pages}\n")


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="deid-node-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(scratch: Path, name: str) -> Path:
    folder = scratch / name
    folder.mkdir(mode=0o700)
    return folder


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
