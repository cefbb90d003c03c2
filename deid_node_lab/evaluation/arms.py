"""Who is measured: our finder with our cleaner, and other programs with a black mask."""

from collections.abc import Sequence
from typing import Protocol

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.picture import shown_frame
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.masks import Marked, mask_of, merged
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.cases import Case
from deid_node_lab.evaluation.hits import masked_boxes
from deid_node_lab.peers.base import Peer

_FILL_SEED = 1


class Arm(Protocol):
    """One column of the table."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def find(self, case: Case) -> Sequence[Box]:
        """Return where it sees text, without a margin."""
        ...

    def clean(self, case: Case, boxes: Sequence[Box]) -> DisplayFrame:
        """Return the picture as it would leave; raise `CleaningError` where it would not."""
        ...


class OwnArm:
    """The finder on every view that the cleaner shows it; cleaned by the real cleaner."""

    def __init__(self, finder: Finder, cleaner: PixelCleaner) -> None:
        self._finder = finder
        self._cleaner = cleaner

    @property
    def name(self) -> str:
        """``deid-node`` and the finder's name."""
        return f"deid-node ({self._finder.name})"

    def find(self, case: Case) -> Sequence[Box]:
        """Return the boxes of all views, those that cover much the same made one."""
        found = [one for seen in self._finder.find(case.views) for one in seen]
        return tuple(mark.box for mark in merged(Marked(f.box, f.score, "") for f in found))

    def clean(self, case: Case, boxes: Sequence[Box]) -> DisplayFrame:
        """Return the frame out of the cleaned instance, in the window of the original."""
        del boxes  # the cleaner looks for itself
        cleaned = self._cleaner.clean(case.dataset, seed=_FILL_SEED)
        return shown_frame(cleaned.dataset, case.frame, window_of=case.dataset)


class PeerArm:
    """Another program on the picture that a person would be shown; its boxes painted black."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    @property
    def name(self) -> str:
        """The program's name and version."""
        return self._peer.name

    def find(self, case: Case) -> Sequence[Box]:
        """Return the program's boxes."""
        return self._peer.boxes(case.picture)

    def clean(self, case: Case, boxes: Sequence[Box]) -> DisplayFrame:
        """Return the picture with the boxes black, with the margin that ours get."""
        rows, columns = case.picture.shape[:2]
        cleaned = case.picture.copy()
        masked = masked_boxes(boxes, rows=rows, columns=columns)
        cleaned[mask_of(masked, rows=rows, columns=columns)] = 0
        return cleaned
