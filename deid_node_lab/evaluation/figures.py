"""From counts of images to the figures that are told: shares with their intervals."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from deid_node_lab.evaluation.hits import KINDS
from deid_node_lab.evaluation.intervals import Sums, at_most, interval

Share = Callable[[Sums], NDArray[np.float64]]


class Figure(TypedDict):
    """A share, its 95 % interval, and what it is a share of; None where nothing was asked."""

    value: float | None
    low: float | None
    high: float | None
    part: int
    whole: int


def _count(sums: Sums, kind: str) -> NDArray[np.float64]:
    return np.asarray(sums[..., KINDS.index(kind)], np.float64)


def _share(part: str, whole: str) -> Share:
    return lambda sums: _count(sums, part) / _count(sums, whole)


def _harmonic(precision: Share, recall: Share) -> Share:
    def both(sums: Sums) -> NDArray[np.float64]:
        first, second = precision(sums), recall(sums)
        return 2 * first * second / (first + second)

    return both


_PARTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "items_found": ("items_covered", "items"),
        "images_whole": ("images_whole", "images_with_text"),
        "unneeded_area": ("pixels_unneeded", "pixels"),
        "images_touched": ("images_touched", "images"),
        "lines_found": ("lines_covered", "lines"),
        "lines_whole": ("images_lines_whole", "images_with_lines"),
        "marks_found": ("marks_covered", "marks"),
        "ink_whole": ("images_ink_whole", "images_with_ink"),
        "items_unseen": ("unseen", "items"),
        "boxes_on_text": ("boxes_on_text", "boxes"),
        "overlap_precision": ("boxes_matched", "boxes"),
        "overlap_recall": ("items_matched", "items"),
        "pixel_precision": ("pixels_hit", "pixels_found"),
        "pixel_recall": ("pixels_hit", "pixels_of_text"),
    }
)
_COUNTED: Final = frozenset(
    {
        "items_found", "images_whole", "images_touched", "lines_found", "lines_whole",
        "marks_found", "ink_whole", "items_unseen",
    }
)  # fmt: skip
"""Shares of things that are counted one by one: none of n says little where n is small."""

_HARMONIC: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "redaction_f1": ("boxes_on_text", "items_found"),
        "overlap_f1": ("overlap_precision", "overlap_recall"),
        "pixel_f1": ("pixel_precision", "pixel_recall"),
    }
)


def figures_of(counts: Sequence[Mapping[str, int]]) -> dict[str, Figure]:
    """Return every figure of a set of images from what `hits.counts_of` counted on each."""
    table = np.array([[one[kind] for kind in KINDS] for one in counts], np.float64)
    table = table.reshape(len(counts), len(KINDS))
    sums = table.sum(0)
    told: dict[str, Figure] = {}
    for name, (part, whole) in _PARTS.items():
        told[name] = _figure(
            table,
            _share(part, whole),
            int(_count(sums, part)),
            int(_count(sums, whole)),
            counted=name in _COUNTED,
        )
    for name, (precision, recall) in _HARMONIC.items():
        both = _harmonic(_share(*_PARTS[precision]), _share(*_PARTS[recall]))
        told[name] = _figure(table, both, 0, int(_count(sums, "items")))
    return told


def share_by_class(
    hits: Sequence[Sequence[tuple[str, bool]]],
) -> dict[str, Figure]:
    """Return the share of items found in each class.

    Parameters
    ----------
    hits
        For each image the class of each of its items, and whether it was found.
    """
    names = sorted({name for image in hits for name, _ in image})
    told = {}
    for name in names:
        pairs = [
            (sum(hit for one, hit in image if one == name), sum(one == name for one, _ in image))
            for image in hits
        ]
        table = np.array(pairs, np.float64).reshape(len(pairs), 2)
        part, whole = (int(n) for n in table.sum(0))
        told[name] = _figure(table, _ratio, part, whole, counted=True)
    return told


def share_of_sources(pairs: Sequence[tuple[int, int]], *, counted: bool = True) -> Figure:
    """Return a share whose interval comes of resampling sources: part and whole of each.

    Slices of one volume stand or fall together, so they are drawn together. `counted`
    says that part and whole are things, not pixels.
    """
    table = np.array(pairs, np.float64).reshape(len(pairs), 2)
    part, whole = (int(n) for n in table.sum(0))
    return _figure(table, _ratio, part, whole, counted=counted)


def _ratio(sums: Sums) -> NDArray[np.float64]:
    return np.asarray(sums[..., 0] / sums[..., 1], np.float64)


def _figure(table: Sums, share: Share, part: int, whole: int, *, counted: bool = False) -> Figure:
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(share(table.sum(0)))
    ends = interval(table, share)
    if not np.isfinite(value) or ends is None:
        return Figure(value=None, low=None, high=None, part=part, whole=whole)
    low, high = ends
    if counted and value in {0.0, 1.0}:
        # All came out alike: the bootstrap knows no doubt, about three in `whole` is what may be.
        low, high = (1 - at_most(whole), 1.0) if value else (0.0, at_most(whole))
    return Figure(
        value=round(value, 5), low=round(low, 5), high=round(high, 5), part=part, whole=whole
    )
