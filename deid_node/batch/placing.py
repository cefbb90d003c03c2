"""Where clean files go: ``<Study UID>/<Series UID>/<SOP UID>.dcm`` below the output, new UIDs.

A file is moved there when it is complete; one that is there with other bytes stays.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from deid_node.spool.blobs import reference, sync_folder
from deid_node.values.instance import CleanInstance, Sealed
from deid_node.values.order import WorkOrder


@dataclass(frozen=True, slots=True)
class Move:
    """A clean file: its `name` in the folder of files under way, its `target` below the output."""

    name: str
    target: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Moves:
    """The files of one instance: its own first, and that of its companion."""

    own: tuple[Move, ...]

    @classmethod
    def of(cls, order: WorkOrder, clean: CleanInstance) -> Self:
        """Return where the files of `clean` go, which lie where `order` says."""
        files: list[tuple[Path, Sealed]] = [(order.output, clean)]
        if clean.companion is not None:
            files.append((order.companion_output, clean.companion))
        return cls(tuple(Move(p.name, _target(clean, s), s.blob.sha256) for p, s in files))

    def written(self) -> str:
        """Return them as the work list keeps them."""
        return json.dumps([[move.name, move.target, move.sha256] for move in self.own])

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Return what `written` has written; none for nothing."""
        return cls(tuple(Move(*one) for one in json.loads(text or "[]")))


class Placing(Protocol):
    """Puts the files of an instance where they belong, one instance after the other."""

    def is_there(self, moves: Moves) -> bool:
        """Return whether every file is at hand, placed or not."""
        ...

    def place(self, moves: Moves) -> bool:
        """Put all of them in their place; False, with nothing done, where others are there.

        May be called again where it did not come to its end. Raises `OSError`.
        """
        ...

    def settle(self) -> None:
        """Return when all that was placed is on disk; raises `OSError`."""
        ...


class Folder:
    """Places files below `output`, out of the folder `partial` of the same disk."""

    def __init__(self, output: Path, partial: Path) -> None:
        self._output = output
        self._partial = partial
        self._unsettled: set[Path] = set()

    def is_there(self, moves: Moves) -> bool:
        """Return whether every file lies in either folder, complete."""
        return all(
            (self._partial / move.name).exists() or self._has(move, move.sha256)
            for move in moves.own
        )

    def place(self, moves: Moves) -> bool:
        """Move all of them, unless a file is there that says something else."""
        for move in moves.own:
            if (self._output / move.target).exists() and not self._has(move, move.sha256):
                for own in moves.own:
                    (self._partial / own.name).unlink(missing_ok=True)
                return False
        for move in moves.own:
            self._move(self._partial / move.name, self._output / move.target)
        return True

    def settle(self) -> None:
        """Put the entries of every folder that has got some on disk."""
        for folder in self._unsettled:
            sync_folder(folder)
        self._unsettled.clear()

    def _move(self, file: Path, target: Path) -> None:
        series = target.parent
        if not series.exists():
            series.mkdir(parents=True, exist_ok=True)
            self._unsettled |= {series.parent, self._output}
        self._unsettled.add(series)
        # What was placed before the command died is not under way any more.
        if file.exists():
            file.replace(target)

    def _has(self, move: Move, sha256: str) -> bool:
        target = self._output / move.target
        return target.exists() and reference(target).sha256 == sha256


def made_whole(line: Mapping[str, object], output: Path) -> dict[str, object]:
    """Return a line of the report with the paths of its results below `output`."""
    whole = {name: line[name] for name in ("output", "provenance")}
    return {
        **line,
        **{name: None if one is None else str(output / str(one)) for name, one in whole.items()},
    }


def targets(moves: Moves) -> Sequence[str | None]:
    """Return where the instance goes and where its companion does; None for one there is not."""
    found: list[str | None] = [move.target for move in moves.own]
    return [*found, None, None][:2]


def _target(clean: CleanInstance, content: Sealed) -> str:
    folder = Path(clean.study_instance_uid) / content.series_instance_uid
    return str(folder / f"{content.sop_instance_uid}.dcm")
