"""What a back-file tells: the report, a table for a spreadsheet, how far it is, a summary."""

import csv
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from deid_node.errors import InputError

CSV_COLUMNS: Final = ("input", "outcome", "code", "reason", "rule", "output")
Line = Mapping[str, Any]

_EVERY_SECONDS: Final = 30.0
Reasons = Counter[tuple[str, str | None, str | None]]


@contextmanager
def reports_to(report: Path | None, table: Path | None) -> Iterator[Callable[[Line], None]]:
    """Give what writes a line to the report (JSON Lines) and to the table (CSV), if asked for.

    Raises `InputError` where a file cannot be made.
    """
    with ExitStack() as files:
        lines = None if report is None else files.enter_context(_opened(report))
        rows = None if table is None else csv.writer(files.enter_context(_opened(table)))
        if rows is not None:
            rows.writerow(CSV_COLUMNS)

        def write(line: Line) -> None:
            if lines is not None:
                lines.write(json.dumps(line) + "\n")
                # Whoever follows the report sees each instance at once.
                lines.flush()
            if rows is not None:
                rows.writerow([line[name] for name in CSV_COLUMNS])

        yield write


def _opened(path: Path) -> TextIO:
    try:
        # A name of a file need not be UTF-8: its bytes are written as they are.
        return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


class Shown:
    """Shows how far a back-file is: a bar on a terminal, else a line every half a minute.

    A context manager. `before` inputs of `total` have ended in earlier runs.
    """

    def __init__(
        self,
        total: int,
        *,
        before: int = 0,
        stream: TextIO = sys.stderr,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._total = total
        self._before = before
        self._stream = stream
        self._now = now
        self._began = now()
        self._done = 0
        self._withheld = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="progress", daemon=True)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        terminal = Console(file=stream)
        if terminal.is_terminal:
            self._bar = Progress(
                TextColumn("clean"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=terminal,
            )
            self._task = self._bar.add_task("clean", total=total)

    def __enter__(self) -> Self:
        """Begin."""
        if self._bar is not None:
            self._bar.start()
        else:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End."""
        self._over.set()
        if self._bar is not None:
            self._bar.stop()
        else:
            self._thread.join()

    @property
    def done(self) -> int:
        """How many inputs have ended, earlier runs counted."""
        return self._done

    def advance(self, line: Line) -> None:
        """Count one more that has ended."""
        self._done += 1
        self._withheld += line["outcome"] == "withheld"
        if self._bar is not None:
            self._bar.advance(self._task)

    def line(self) -> str:
        """Return how far it is, in one line."""
        told = f"{self._done} of {self._total} done, {self._withheld} withheld"
        seconds = self._now() - self._began
        own = self._done - self._before
        if own <= 0 or seconds <= 0:
            return told
        rate = own / seconds
        left = (self._total - self._done) / rate
        return f"{told}, {rate:.1f} a second, {_spoken(left)} left"

    def _tell(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            print(f"deid-node: {self.line()}", file=self._stream, flush=True)


def _spoken(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def summary(counts: Reasons) -> str:
    """Return how many inputs ended how, and for each code of those withheld the reasons.

    `counts` has outcome, code and reason of each input. A reason names an attribute and a
    fact, never a value.
    """
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for (outcome, code, _), count in counts.items():
        outcomes[outcome] += count
        codes[code or ""] += count if outcome == "withheld" else 0
    lines = [", ".join(f"{outcomes[one]} {one}" for one in ("clean", "discarded", "withheld"))]
    for code, total in sorted((+codes).items()):
        lines.append(f"  withheld as {code}: {total}")
        reasons = [(reason, count) for (_, of, reason), count in counts.items() if of == code]
        lines += [f"    {reason}: {count}" for reason, count in sorted(reasons, key=_most_first)]
    return "\n".join(lines) + "\n"


def _most_first(reason: tuple[str | None, int]) -> tuple[int, str]:
    return -reason[1], reason[0] or ""
