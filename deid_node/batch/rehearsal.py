"""A dry run: the whole corridor is walked, and what comes out of it is looked at and thrown away.

The worker that has cleaned an instance compares it with what came, and draws what would be
filled: so nothing but names, boxes and, where they were asked for, values and a small picture
leaves it. They lie in a folder of the run that nobody else can read.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset

from deid_node.batch.changes import changes
from deid_node.batch.placing import Moves
from deid_node.batch.sheet import tile_of
from deid_node.dicom import part10
from deid_node.dicom.bare import whole
from deid_node.dicom.bulk import file_at
from deid_node.errors import CleaningError
from deid_node.spool.blobs import reference
from deid_node.values.geometry import DoubtedRegion, Region
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Outcome, Withheld
from deid_node.work.contracts import Corridor, CorridorFactory

_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class RehearsalFactory:
    """Builds the corridor of `factory`, and what looks at its results.

    `seen` is the folder for what was seen; `values` and `pictures` ask for those.
    """

    factory: CorridorFactory
    seen: Path
    values: bool = False
    pictures: bool = False

    def __call__(self) -> Corridor:
        """Return the corridor; raises what the other raises."""
        return Rehearsal(self.factory(), self)


class Rehearsal:
    """Cleans as the other does, and leaves beside it what was seen."""

    def __init__(self, corridor: Corridor, wanted: RehearsalFactory) -> None:
        self._corridor = corridor
        self._wanted = wanted

    def clean(self, order: WorkOrder) -> Outcome:
        """Return how it ended; what was seen lies in the folder then."""
        outcome = self._corridor.clean(order)
        # What cannot be shown is not shown: it is cleaned or withheld all the same.
        with suppress(CleaningError, OSError):
            self._look(order, outcome)
        return outcome

    def _look(self, order: WorkOrder, outcome: Outcome) -> None:
        place = _place(self._wanted.seen, str(order.blob))
        regions: Sequence[Region | DoubtedRegion] = ()
        original: Dataset | None = None
        if isinstance(outcome, Cleaned):
            original = part10.read(whole(file_at(order.blob)), scratch_dir=order.output.parent)
            result = part10.read(order.output, scratch_dir=order.output.parent)
            found = changes(original, result, values=self._wanted.values)
            _write(place.with_suffix(".json"), json.dumps([asdict(one) for one in found]).encode())
            regions = outcome.instance.report.regions
        elif isinstance(outcome, Withheld):
            regions = outcome.seen
        if self._wanted.pictures and regions:
            original = original or part10.read(
                whole(file_at(order.blob)), scratch_dir=order.output.parent
            )
            _write(place.with_suffix(".png"), tile_of(original, regions))


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one input; `picture` is a tile for the sheet, as PNG."""

    changes: Sequence[dict[str, Any]]
    picture: bytes | None


def taken(seen: Path, path: str) -> Seen:
    """Return what was seen of the input at `path`, and remove it from the folder."""
    place = _place(seen, path)
    changed, picture = place.with_suffix(".json"), place.with_suffix(".png")
    result = Seen(
        json.loads(changed.read_bytes()) if changed.exists() else (),
        picture.read_bytes() if picture.exists() else None,
    )
    changed.unlink(missing_ok=True)
    picture.unlink(missing_ok=True)
    return result


class Nowhere:
    """Places nothing: it says where files would go, and what would be in their way.

    `output` is the folder that they would go to, if one was named; `marks` a folder of the run,
    in which an empty hand leaves the checksum of what it would have placed.
    """

    def __init__(self, output: Path | None, partial: Path, marks: Path) -> None:
        self._output = output
        self._partial = partial
        self._marks = marks

    def is_there(self, moves: Moves) -> bool:
        """Return False: of an earlier rehearsal nothing is left."""
        return not moves.own

    def place(self, moves: Moves) -> bool:
        """Remove the files, and return whether each could have been placed."""
        for move in moves.own:
            (self._partial / move.name).unlink(missing_ok=True)
        is_free = all(self._would_hold(move.target) in {None, move.sha256} for move in moves.own)
        if is_free:
            for move in moves.own:
                self._mark(move.target).write_text(move.sha256, encoding="ascii")
        return is_free

    def settle(self) -> None:
        """Do nothing: nothing was placed."""

    def _would_hold(self, target: str) -> str | None:
        mark = self._mark(target)
        if mark.exists():
            return mark.read_text(encoding="ascii")
        there = None if self._output is None else self._output / target
        return reference(there).sha256 if there is not None and there.exists() else None

    def _mark(self, target: str) -> Path:
        return self._marks / hashlib.sha256(target.encode()).hexdigest()


def _place(seen: Path, path: str) -> Path:
    # Paths may name patients, also here.
    name = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
    return seen / name


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=_PRIVATE)
    path.write_bytes(content)
