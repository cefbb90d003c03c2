"""False alarms: what becomes of text-free instances on their way through the real cleaner.

An instance is unharmed when it leaves with the pixels that it came with. It is *touched*
when anything was filled, *withheld* when it stays behind because of what was taken for
text. One that cannot be cleaned for another reason is no question about text.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from deid_node.errors import CleaningError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.attributes import integer
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.text.masks import mask_of
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.cases import Case, case_of
from deid_node_lab.evaluation.figures import Figure, share_of_sources
from deid_node_lab.evaluation.text_free import Specimen

FOR_TEXT: Final = frozenset(
    {"residual_text", "mostly_text", "anatomy_covered", "text_uncertain", "burned_in_unconfirmed"}
)
"""Codes under which an instance waits for a person because text is suspected."""

_FILL_SEED: Final = 1
_MOST_FRAMES_SHOWN: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Alarm:
    """A text-free instance that did not leave unharmed.

    `outcome` is ``touched`` or the code under which it is withheld; `frames` are what a
    person would be shown of the frames with boxes, the first few, with those boxes.
    """

    specimen: Specimen
    outcome: str
    frames: tuple[tuple[int, DisplayFrame, tuple[Box, ...]], ...] = field(repr=False)


class Shows(Protocol):
    """Takes each alarm as it sounds: a folder of sheets, or nothing."""

    def add(self, alarm: Alarm) -> None:
        """Keep what is to be seen of `alarm`."""
        ...


@dataclass(slots=True)
class _Group:
    """What was counted of one modality, anatomy and kind; sources one by one."""

    sources: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, source: str, counted: Counter[str]) -> None:
        self.sources.setdefault(source, Counter()).update(counted)


def sounded(
    specimens: Iterable[Specimen],
    cleaner: PixelCleaner,
    look: Callable[[Case], Sequence[Box]],
    *,
    shows: Shows | None = None,
    tell: Callable[[int], None] = lambda _done: None,
) -> dict[str, Any]:
    """Return the report: counts by modality, anatomy and kind, by part, and of all.

    Parameters
    ----------
    specimens
        Text-free instances; taken one by one, none is kept.
    cleaner
        What the corridor runs.
    look
        Returns the boxes of the finder on one frame; asked where an instance is withheld.
    shows
        Is given each alarm.
    tell
        Called with the number of instances done, after each.
    """
    groups: dict[tuple[str, str, str], _Group] = {}
    parts: dict[str, _Group] = {}
    every = _Group()
    unasked: Counter[str] = Counter()
    for done, specimen in enumerate(specimens, 1):
        key = specimen.modality, specimen.anatomy, specimen.kind
        try:
            counted, alarm = _judged(specimen, cleaner, look)
        except CleaningError as error:
            unasked[error.code] += 1
        else:
            own = groups.setdefault(key, _Group()), parts.setdefault(specimen.part, _Group())
            for group in (*own, every):
                group.count(specimen.source, counted)
            if alarm is not None and shows is not None:
                shows.add(alarm)
        tell(done)
    return {
        "groups": [
            {"modality": key[0], "anatomy": key[1], "kind": key[2], **_told(groups[key])}
            for key in sorted(groups)
        ],
        "parts": {name: _told(part) for name, part in parts.items()},
        "all": _told(every),
        "not_asked": dict(sorted(unasked.items())),
    }


def _judged(
    specimen: Specimen, cleaner: PixelCleaner, look: Callable[[Case], Sequence[Box]]
) -> tuple[Counter[str], Alarm | None]:
    try:
        cleaned = cleaner.clean(specimen.dataset, seed=_FILL_SEED)
    except CleaningError as error:
        if error.code not in FOR_TEXT:
            raise
        frames = _frames_of(specimen, lambda case: tuple(look(case)))
        counted = Counter({"instances": 1, "harmed": 1, f"withheld:{error.code}": 1})
        return counted, Alarm(specimen, error.code, frames)
    rows, columns = (integer(specimen.dataset, key) for key in ("Rows", "Columns"))
    boxes: dict[int, list[Box]] = {}
    for region in cleaned.regions:
        boxes.setdefault(region.frame, []).append(region.box)
    masks = (mask_of(own, rows=rows, columns=columns) for own in boxes.values())
    masked = sum(int(np.count_nonzero(mask)) for mask in masks)
    counted = Counter(
        {"instances": 1, "pixels": rows * columns * cleaned.frames, "pixels_filled": masked}
    )
    if not boxes:
        return counted, None
    counted.update({"harmed": 1, "touched": 1})
    frames = _frames_of(specimen, lambda case: tuple(boxes.get(case.frame, ())))
    return counted, Alarm(specimen, "touched", frames)


def _frames_of(
    specimen: Specimen, boxes_of: Callable[[Case], tuple[Box, ...]]
) -> tuple[tuple[int, DisplayFrame, tuple[Box, ...]], ...]:
    """Return the first few frames that have boxes; the first of all where none has."""
    shown: list[tuple[int, DisplayFrame, tuple[Box, ...]]] = []
    first = case_of(specimen.dataset, ())
    for index in range(integer(specimen.dataset, "NumberOfFrames", 1)):
        case = first if index == 0 else case_of(specimen.dataset, (), frame=index)
        boxes = boxes_of(case)
        if boxes:
            shown.append((index, case.picture, boxes))
        if len(shown) == _MOST_FRAMES_SHOWN:
            break
    return tuple(shown) or ((0, first.picture, ()),)


def _told(group: _Group) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for counted in group.sources.values():
        total.update(counted)
    rows = list(group.sources.values())
    harmed: Figure = share_of_sources([(one["harmed"], one["instances"]) for one in rows])
    filled: Figure = share_of_sources(
        [(one["pixels_filled"], one["pixels"]) for one in rows], counted=False
    )
    return {
        "instances": total["instances"],
        "sources": len(rows),
        "touched": total["touched"],
        "withheld": {
            kind.partition(":")[2]: count
            for kind, count in sorted(total.items())
            if kind.startswith("withheld:")
        },
        "harmed": harmed,
        "filled_area": filled,
    }
