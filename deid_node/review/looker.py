"""The inside of a process that makes pictures for the desk.

It opens blobs of the spool, and nothing that it makes is written anywhere. What it
tells of a header is a fixed list, in which the study goes by its new UID; values are
told where a person asks for attributes by name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from deid_node.dicom import part10
from deid_node.dicom.silence import silence_libraries
from deid_node.errors import CleaningError
from deid_node.pixeldata.attributes import text
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.pixeldata.picture import png_of, shown_frame
from deid_node.pixels.cleaner import PixelsCleaned
from deid_node.spool.files import BlobFiles
from deid_node.values.device import Device
from deid_node.values.geometry import DoubtedRegion, Region
from deid_node.values.identity import InstanceId
from deid_node.values.markings import Markings
from deid_node.values.order import WorkOrder

_LONGEST_VALUE: Final = 200
MOST_KEYWORDS: Final = 40


@dataclass(frozen=True, slots=True)
class Facts:
    """What the desk says of an instance beside what the journal knows.

    `study` is the new Study Instance UID; empty where a header does not say. `frames` is 0
    where there are no pixels that can be counted.
    """

    modality: str = ""
    maker: str = ""
    model: str = ""
    study: str = ""
    rows: int = 0
    columns: int = 0
    frames: int = 0

    @property
    def screen(self) -> Device:
        """The device, as a rule of fixed regions asks for it."""
        return Device(self.maker, self.model, self.modality, self.rows, self.columns)

    @property
    def device(self) -> str:
        """Maker and model in one."""
        return " ".join(part for part in (self.maker, self.model) if part)


@dataclass(frozen=True, slots=True)
class After:
    """A frame as it would be delivered, and all that would be filled; or why it would not be.

    `png` is None where it would be withheld again: then `code`, `reason` and `doubts` say why.
    """

    png: bytes | None
    filled: tuple[Region, ...] = ()
    code: str | None = None
    reason: str | None = None
    doubts: tuple[DoubtedRegion, ...] = ()


class Previews(Protocol):
    """What is asked of the corridor."""

    def preview(self, order: WorkOrder) -> tuple[Dataset, PixelsCleaned]:
        """Return what came, and its pixels as they would be delivered."""
        ...


@dataclass(frozen=True, slots=True)
class LookerFactory:
    """Builds a looker inside its process: picklable, and it holds the site's keys."""

    corridor: Callable[[], Previews] = field(repr=False)
    files: BlobFiles
    new_uid: Callable[[str], str] = field(repr=False)

    def __call__(self) -> "Looker":
        """Return it; models are loaded when the first picture needs them."""
        silence_libraries()
        return Looker(self.corridor, self.files, self.new_uid)


class Looker:
    """Looks at one instance after the other; keeps the last one, and its last preview."""

    def __init__(
        self, corridor: Callable[[], Previews], files: BlobFiles, new_uid: Callable[[str], str]
    ) -> None:
        self._build = corridor
        self._files = files
        self._new_uid = new_uid
        self._corridor: Previews | None = None
        self._last: tuple[Path, Dataset] | None = None
        self._preview: tuple[tuple[InstanceId, Markings | None], Dataset, PixelsCleaned] | None = (
            None
        )

    def facts(self, blob: Path) -> Facts:
        """Return what the header says; raise `CleaningError` or `OSError`."""
        dataset = self._dataset(blob)
        keyword = pixel_keyword(dataset)
        layout, count = None, 0
        if keyword is not None:
            try:
                frames = Frames(dataset, keyword)
                layout, count = frames.layout, len(frames)
            except CleaningError:
                # It can be told of, if not be shown.
                pass
        original = _said(dataset, "StudyInstanceUID")
        return Facts(
            modality=_said(dataset, "Modality"),
            maker=_said(dataset, "Manufacturer"),
            model=_said(dataset, "ManufacturerModelName"),
            study=self._new_uid(original) if original else "",
            rows=layout.rows if layout else 0,
            columns=layout.columns if layout else 0,
            frames=count,
        )

    def before(self, blob: Path, frame: int) -> bytes:
        """Return frame number `frame` as PNG; raise `CleaningError` or `OSError`."""
        return png_of(shown_frame(self._dataset(blob), frame))

    def delivered(self, sealed: Path, blob: Path, frame: int) -> bytes:
        """Return a frame as it was delivered, in the window of what came; raise as `before`."""
        original = self._dataset(blob)
        clean = part10.read(self._files.open(sealed))
        return png_of(shown_frame(clean, frame, window_of=original))

    def after(self, order: WorkOrder, frame: int) -> After:
        """Return frame number `frame` as it would be delivered under `order`; raise `OSError`."""
        key = (order.id, order.markings)
        try:
            if self._preview is None or self._preview[0] != key:
                self._preview = None
                self._corridor = self._corridor or self._build()
                self._preview = (key, *self._corridor.preview(order))
            _, original, pixels = self._preview
            shown = shown_frame(pixels.dataset, frame, window_of=original)
        except CleaningError as error:
            return After(None, code=error.code, reason=str(error), doubts=error.regions)
        return After(png_of(shown), pixels.regions)

    def values(self, blob: Path, keywords: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return what stands in the attributes named, at the top of the dataset, cut to a line."""
        dataset = self._dataset(blob)
        said = []
        for keyword in keywords[:MOST_KEYWORDS]:
            tag = tag_for_keyword(keyword)
            if tag is not None and tag in dataset:
                said.append((keyword, _line(dataset, keyword)))
        return tuple(said)

    def _dataset(self, blob: Path) -> Dataset:
        if self._last is None or self._last[0] != blob:
            self._last = None
            self._last = (blob, part10.read(self._files.open(blob)))
        return self._last[1]


def _said(dataset: Dataset, keyword: str) -> str:
    try:
        said = text(dataset, keyword)
    except CleaningError:
        return ""
    return said if said.isprintable() else ""


def _line(dataset: Dataset, keyword: str) -> str:
    try:
        element = dataset[keyword]
        value = "(a sequence)" if element.VR == "SQ" else str(element.value)
    # Whatever a library makes of a broken value: it is not shown.
    except Exception:  # noqa: BLE001
        value = "(cannot be read)"
    return " ".join(value.split())[:_LONGEST_VALUE]
