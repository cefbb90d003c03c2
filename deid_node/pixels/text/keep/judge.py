"""Decides for each found line of an instance whether it may stay.

Every doubt fills: a line may stay only when the reader is sure of it, one pattern
of the treatment matches the whole of it, it says nothing of the header, and all
views of the frame agree. What was read stays in the process.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.stopwatch import Stopwatch
from deid_node.pixels.text.keep.patterns import LONGEST_LINE
from deid_node.pixels.text.keep.settle import is_as_long_as, is_line_high, lengthened
from deid_node.pixels.text.keep.sightings import Place
from deid_node.pixels.text.read.base import UNKNOWN, Reader, Reading
from deid_node.values.geometry import Box
from deid_node.values.stage import Stage

NamesPatient: TypeAlias = Callable[[str], bool]
"""Whether a line says anything of the people in the header of the instance."""

# Whatever a site's patterns say: a letter that was not read, a long number, a date.
_NEVER: Final = re.compile(
    re.escape(UNKNOWN)
    + r"|\d{5}|\d{1,4}\s?[-./ ]\s?\d{1,2}\s?[-./ ]\s?\d{1,4}"
    + r"|(?i:\d{1,2}[-. ]{0,2}(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))"
)


@dataclass(frozen=True, slots=True)
class KeepList:
    """What a treatment lets stay: lines that `reader` reads and one of `patterns` matches."""

    reader: Reader
    patterns: tuple[re.Pattern[str], ...]


def names_everybody(_line: str) -> bool:
    """Say of every line that it names the patient: for where the header is not at hand."""
    return True


class Judge:
    """Judges the lines of one instance.

    Parameters
    ----------
    keep
        What may stay.
    names_patient
        Asked of every line that would stay.
    watch
        Reading counts as finding.
    """

    def __init__(self, keep: KeepList, names_patient: NamesPatient, watch: Stopwatch) -> None:
        self._keep = keep
        self._names_patient = names_patient
        self._watch = watch

    def texts(self, views: Sequence[DisplayFrame], places: Sequence[Place]) -> Mapping[Place, str]:
        """Return what stands at those of `places` whose line may stay on the frame of `views`."""
        rows, columns = views[0].shape[:2]
        asked = [
            place
            for place in places
            if place.is_single
            and all(is_line_high(one, rows=rows, columns=columns) for one in place.boxes)
        ]
        read = []
        longer = []
        for number, view in enumerate(views):
            boxes = [place.box_on(number) for place in asked]
            read.append(self._read(view, boxes))
            ends = [lengthened(box, rows=rows, columns=columns) for box in boxes]
            longer.append(self._read(view, ends))
        agreed = (
            self._agreed(place, [one[n] for one in read], [one[n] for one in longer])
            for n, place in enumerate(asked)
        )
        return {place: text for place, text in zip(asked, agreed, strict=True) if text is not None}

    def believed(self, view: DisplayFrame, boxes: Sequence[Box]) -> tuple[str | None, ...]:
        """Return what stands in each of `boxes`, None where that is in doubt."""
        readings = self._read(view, boxes)
        return tuple(map(self._believed, readings, boxes))

    def _agreed(
        self, place: Place, readings: Sequence[Reading], longer: Sequence[Reading]
    ) -> str | None:
        """Return the text that may stay at `place`, given what was read there on each view.

        `longer` is what was read there with both ends drawn out.
        """
        own = {self._believed(readings[view], place.box_on(view)) for view in place.views}
        text = own.pop()
        if own or text is None or not self._may_stay(text):
            return None
        # Other text on another view or beyond the ends was missed by the finder.
        contradicted = any(
            self._is_sure(reading) and _normal(reading.text) != text
            for reading in (*readings, *longer)
        )
        return None if contradicted else text

    def _may_stay(self, text: str) -> bool:
        return (
            _NEVER.search(text) is None
            and any(pattern.fullmatch(text) for pattern in self._keep.patterns)
            and not self._names_patient(text)
        )

    def _believed(self, reading: Reading, box: Box) -> str | None:
        text = _normal(reading.text)
        sound = self._is_sure(reading) and 0 < len(text) <= LONGEST_LINE
        return text if sound and is_as_long_as(box, text) else None

    def _is_sure(self, reading: Reading) -> bool:
        return reading.confidence >= self._keep.reader.min_confidence

    def _read(self, view: DisplayFrame, boxes: Sequence[Box]) -> Sequence[Reading]:
        if not boxes:
            return ()
        with self._watch.running(Stage.FIND):
            readings = self._keep.reader.read(view, boxes)
        if len(readings) != len(boxes):
            raise RuntimeError("the reader answered for another number of boxes")
        return readings


def _normal(text: str) -> str:
    """Return `text` without blanks at its ends, inner ones made one."""
    return " ".join(text.split())
