"""The demo from its first line to its last."""

import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from pydicom import dcmread
from rich.console import Console

from deid_node.demo.archive import running_archive
from deid_node.demo.checks import checks_of
from deid_node.demo.failure import DemoFailed
from deid_node.demo.pictures import write_before_and_after
from deid_node.demo.samples import Sample, write_samples
from deid_node.demo.scanner import send
from deid_node.demo.server import running_node
from deid_node.demo.table import Row, table_of
from deid_node.demo.waiting import Ended, wait_until_ended
from deid_node.demo.workplace import Workplace, fresh_workplace, write_config
from deid_node.receive.options import ReceiveOptions

PATIENCE_SECONDS: Final = 600.0
"""How long the instances may take together, on whatever machine this is."""

FAILED: Final = 1
_LEAST_COLUMNS: Final = 150


def run_demo(root: Path, console: Console | None = None) -> int:
    """Run the demo in the folder `root` and return the exit status.

    0 when every check holds, 1 when one does not or the node failed. Raises
    `InputError` when `root` is somebody else's.
    """
    console = console or _wide_console()
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(fresh_workplace(root), console)
    except DemoFailed as failure:
        console.print(f"[red]the demo failed:[/red] {failure}")
        return FAILED
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(workplace: Workplace, console: Console) -> int:
    samples = write_samples(workplace.scanner)
    with running_archive(workplace.archive) as archive_port:
        write_config(workplace, archive_port=archive_port)
        console.print(f"archive on port {archive_port}; starting the node")
        with running_node(workplace.config, workplace.log) as node:
            console.print(f"node on port {node.port}; the scanner sends {len(samples)} instances")
            _send(samples, port=node.port)
            console.print("the node cleans, fills and delivers")
            ended = wait_until_ended(
                workplace.config,
                [sample.sop_instance_uid for sample in samples],
                patience_seconds=PATIENCE_SECONDS,
            )
            metrics = node.metrics()
            exit_status = node.stop()
    rows = [
        Row(sample.title, dcmread(sample.path), ended[sample.sop_instance_uid])
        for sample in samples
    ]
    console.print(table_of(rows))
    _draw(workplace, samples, ended)
    console.print(f"before and after: {workplace.pictures}/*.png")
    holds = True
    for check in checks_of(workplace, rows, metrics=metrics, exit_status=exit_status):
        mark = "[red]FAILS[/red]" if check.against else "[green]holds[/green]"
        console.print(f"{mark}  {check.claim}", *check.against)
        holds = holds and not check.against
    return 0 if holds else FAILED


def _send(samples: Sequence[Sample], *, port: int) -> None:
    answers = send([sample.path for sample in samples], port=port, called=ReceiveOptions().ae_title)
    refused = [answer.path.name for answer in answers if answer.status != 0x0000]
    if refused:
        raise DemoFailed(f"the node did not take {', '.join(refused)}")


def _draw(workplace: Workplace, samples: Sequence[Sample], ended: Mapping[str, Ended]) -> None:
    workplace.pictures.mkdir()
    archived = {
        str(dataset.SOPInstanceUID): dataset
        for dataset in map(dcmread, sorted(workplace.archive.iterdir()))
    }
    for sample in samples:
        clean = ended[sample.sop_instance_uid].journey.clean
        if clean is None or not clean.report.frames:
            continue
        name = re.sub(r"[^a-z0-9]+", "-", sample.title.lower()).strip("-")
        write_before_and_after(
            workplace.pictures / f"{name}.png",
            dcmread(sample.path),
            archived[clean.sop_instance_uid],
            clean.report.regions,
            title=sample.title,
        )


def _wide_console() -> Console:
    console = Console()
    if console.is_terminal:
        return console
    return Console(width=max(console.width, _LEAST_COLUMNS))


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # As Ctrl-C does: every ``with`` block is left, so no server stays behind.
    raise KeyboardInterrupt
