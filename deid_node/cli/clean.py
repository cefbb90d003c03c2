"""``deid-node clean``: the same corridor, offline, from files to files."""

import argparse
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deid_node.batch.batch import Batch
from deid_node.batch.place import list_of
from deid_node.batch.placing import Folder
from deid_node.batch.terms import Terms
from deid_node.batch.walk import Walk
from deid_node.batch.work_list import State, WorkList
from deid_node.cli.arguments import Commands, add_config, add_report
from deid_node.cli.offline import configuration, offline_factory, tell_passed_over, terminable
from deid_node.cli.rehearse import add_rehearsal, rehearse, require_whole
from deid_node.cli.reports import Reasons, Shown, reports_to, summary
from deid_node.cli.status import ExitStatus
from deid_node.cli.terms import terms_of
from deid_node.config.schema import Config
from deid_node.corridor import keys_of
from deid_node.errors import InputError
from deid_node.metadata.apply.keys import new_key

_KEY: Final = "one_time_key"
_TERMS: Final = "terms"
_PARTIAL: Final = "partial"


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("clean", help="clean files, without a network")
    parser.add_argument("input", type=Path, metavar="INPUT", help="a file or a folder")
    parser.add_argument(
        "output",
        type=Path,
        nargs="?",
        metavar="OUTPUT",
        help="folder for <Study>/<Series>/<SOP UID>.dcm",
    )
    add_config(parser, required=False)
    add_report(parser)
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write one row an instance there: path, outcome, code, reason",
    )
    parser.add_argument(
        "--jobs",
        type=_at_least_one,
        metavar="N",
        help="at most so many worker processes (default: as the configuration says, one a core)",
    )
    parser.add_argument(
        "--gentle",
        action="store_true",
        help="leave processor and disk to whatever else wants them",
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true", help="go on where an earlier run was cut short"
    )
    again.add_argument(
        "--restart", action="store_true", help="forget what an earlier run has done; begin anew"
    )
    parser.add_argument(
        "--despite-changes",
        action="store_true",
        help="go on although configuration, key, version or inputs are others than before",
    )
    add_rehearsal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Clean every file; status 3 when one was withheld."""
    if arguments.dry_run:
        return rehearse(arguments)
    require_whole(arguments)
    output: Path = arguments.output
    where = list_of(output)
    reports = [one for one in (arguments.report, arguments.csv) if one is not None]
    walk = Walk(arguments.input, [output, where, *_beside(where), *reports])
    config = configuration(arguments.config)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}") from None
    _require_intent(arguments, where)
    with terminable(), _opened(where, output) as work_list:
        keys = _keys(config, work_list, once=arguments.config is None)
        _require_same_terms(arguments, work_list, config, keys)
        counts = _cleaned(arguments, walk, work_list, config, keys)
        _forget(work_list, output)
    sys.stdout.write(summary(counts))
    is_whole = all(outcome != "withheld" for outcome, _, _ in counts)
    return ExitStatus.DONE if is_whole else ExitStatus.SOME_WITHHELD


def _cleaned(
    arguments: argparse.Namespace,
    walk: Walk,
    work_list: WorkList,
    config: Config,
    keys: Sequence[bytes],
) -> Reasons:
    """Clean what is not clean yet; return how many ended how and why."""
    output: Path = arguments.output
    changed = work_list.take_in(walk, again_if_changed=arguments.despite_changes)
    if changed:
        raise InputError(
            f"of the inputs that were cleaned before, {changed} are other files now: "
            "--despite-changes cleans them again, --restart begins anew"
        )
    totals = work_list.totals()
    total = sum(totals.values())
    if not total:
        raise InputError(f"{arguments.input} holds no files")
    tell_passed_over(walk)
    partial = _partial(work_list, output)
    batch = Batch(
        work_list,
        walk,
        output=output,
        partial=partial,
        placing=Folder(output, partial),
        factory=offline_factory(config, keys, gentle=arguments.gentle),
        engine=config.work.engine,
        jobs=arguments.jobs,
    )
    counts: Reasons = Counter()
    shown = Shown(total, before=totals[State.ENDED])
    try:
        with batch, reports_to(arguments.report, arguments.csv) as write, shown:
            for line in batch.lines():
                write(line)
                counts[line["outcome"], line["code"], line["reason"]] += 1
                shown.advance(line)
    except (InputError, KeyboardInterrupt):
        if _has_begun(work_list):
            sys.stderr.write(
                f"deid-node: {work_list.totals()[State.ENDED]} of {total} are done; "
                "the same command with --resume goes on\n"
            )
        raise
    return counts


def _require_intent(arguments: argparse.Namespace, where: Path) -> None:
    """Return if it is clear what is to become of an earlier run; raise `InputError` otherwise."""
    if not where.exists() or arguments.resume:
        return
    with _opened(where, arguments.output) as work_list:
        if _has_begun(work_list) and not arguments.restart:
            raise InputError(
                f"an earlier run was cut short, and its work list is {where}: "
                "--resume goes on, --restart begins anew"
            )
        _forget(work_list, arguments.output)


def _require_same_terms(
    arguments: argparse.Namespace, work_list: WorkList, config: Config, keys: Sequence[bytes]
) -> None:
    """Return if what has ended was cleaned as what follows would be, or a person has said so."""
    try:
        terms = terms_of(config, keys=keys, input_path=arguments.input)
    except OSError as error:
        raise InputError(f"the subject table cannot be read: {error.strerror}") from None
    before = work_list.fact(_TERMS)
    if before is not None and not arguments.despite_changes:
        changed = terms.changed_from(Terms.read(str(before)))
        if changed:
            raise InputError(
                f"since the earlier run was begun, this has changed: {', '.join(changed)}; "
                "put it back, or go on with --despite-changes, or begin anew with --restart"
            )
    work_list.remember(_TERMS, terms.written())


def _keys(config: Config, work_list: WorkList, *, once: bool) -> Sequence[bytes]:
    """Return the keys of the treatments: those of the site, or one that the list alone keeps."""
    if not once:
        return tuple(keys_of(config).values())
    key = work_list.fact(_KEY)
    if not isinstance(key, bytes):
        key = new_key()
        work_list.remember(_KEY, key)
    return (key,) * len(config.treatments)


def _has_begun(work_list: WorkList) -> bool:
    """Return whether anything would be lost with the list."""
    totals = work_list.totals()
    return totals[State.CLEANED] + totals[State.ENDED] > 0


def _forget(work_list: WorkList, output: Path) -> None:
    """Delete the list, and what is left of files under way."""
    shutil.rmtree(_partial(work_list, output), ignore_errors=True)
    work_list.remove()


def _partial(work_list: WorkList, output: Path) -> Path:
    """Return the folder of files under way, on the disk of the output."""
    name = work_list.fact(_PARTIAL)
    if name is None:
        name = f".partial-{secrets.token_hex(4)}"
        work_list.remember(_PARTIAL, name)
    partial = output / str(name)
    partial.mkdir(mode=0o700, exist_ok=True)
    return partial


@contextmanager
def _opened(where: Path, output: Path) -> Iterator[WorkList]:
    """Give the list at `where`; one of which nothing was done yet does not stay after a fault."""
    work_list = WorkList(where)
    try:
        yield work_list
    except BaseException:
        if where.exists() and not _has_begun(work_list):
            _forget(work_list, output)
        raise
    finally:
        work_list.close()


def _beside(where: Path) -> list[Path]:
    return [where.with_name(where.name + suffix) for suffix in ("-wal", "-journal")]


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
