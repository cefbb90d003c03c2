"""Models behind a line, in this process: what stands on another machine in a hospital."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deid_node.lines.channel import called_context
from deid_node.lines.options import LineTlsOptions
from deid_node.pixels.fill.tiles import SquarePainter
from deid_node.pixels.remote.hall import ModelHall
from deid_node.pixels.remote.place import Line, Place
from deid_node.pixels.text.find.base import Finder
from tests.fakes.certificates import Authority


def line_tls(folder: Path, name: str = "member") -> LineTlsOptions:
    """Return certificates of a new authority in `folder`."""
    authority = Authority(folder)
    identity = authority.issue(name)
    return LineTlsOptions(
        certificate_file=identity.certificate, key_file=identity.key, ca_file=authority.file
    )


class Hall:
    """A hall, and how to get lines to it; `faults` and `losses` say what was told of."""

    def __init__(
        self,
        tls: LineTlsOptions,
        finder: Finder,
        painter: SquarePainter | None,
        window_seconds: float,
    ) -> None:
        self.tls = tls
        self._lines: list[Line] = []
        self.fault = threading.Event()
        self.lost = threading.Event()
        self.hall = ModelHall(
            finder,
            painter,
            context=called_context(self.tls, "tls"),
            host="127.0.0.1",
            window_seconds=window_seconds,
            fault=self.fault.set,
        )

    def place(self, *, port: int | None = None, seconds: float = 60) -> Place:
        """Return where it is, with fresh tickets."""
        return Place(
            "127.0.0.1", port or self.hall.port, self.hall.admit(), self.tls, seconds, seconds
        )

    def line(self, place: Place | None = None) -> Line:
        """Return a line to it."""
        line = Line(place or self.place(), self.lost.set)
        self._lines.append(line)
        return line

    def close(self) -> None:
        """End the lines, then the hall."""
        for line in self._lines:
            line.close()
        self.hall.close()


@contextmanager
def hall(
    folder: Path,
    finder: Finder,
    painter: SquarePainter | None = None,
    *,
    window_seconds: float = 0.0,
    tls: LineTlsOptions | None = None,
) -> Iterator[Hall]:
    """Return a hall with these models for the length of a ``with`` block.

    Its certificates are made in `folder`, where `tls` names none.
    """
    built = Hall(tls or line_tls(folder), finder, painter, window_seconds)
    try:
        yield built
    finally:
        built.close()
