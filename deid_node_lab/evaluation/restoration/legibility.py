"""Tries to read from a fill what stood there before.

Two texts are drawn in turn under one and the same mask. What is read on the fill of the
first is compared with the first and with the second, and the other way about: a fill
that knows nothing of its text is as near to the one as to the other. What a reader makes
of the same place before filling does not matter, nor how good it is at guessing.
"""

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import DisplayFrame, StoredFrame
from deid_node.pixels.text.masks import hull
from deid_node.pixels.text.read.base import Reader
from deid_node.values.geometry import Box
from deid_node_lab.evaluation.restoration.arms import Arm, Attempt
from deid_node_lab.evaluation.restoration.distortion import grey_of
from deid_node_lab.evaluation.restoration.figures import mean_told
from deid_node_lab.evaluation.restoration.holes import (
    Hole,
    Stamped,
    boxes_of,
    capital_pixels,
    latin_hand,
    written_on,
)
from deid_node_lab.evaluation.restoration.pictures import Picture
from deid_node_lab.peers.base import Peer
from deid_node_lab.training.faces import Face
from deid_node_lab.training.stamps import Scribe

CONTROL: Final = "control: 15 % of the ink left"

_LETTERS: Final = string.ascii_uppercase + string.digits
_SHORTEST, _LONGEST = 6, 12
_TRIES: Final = 20
_NOISE_LEVELS: Final = 2.0
_SMOOTH_SIGMA: Final = 6.0
_LOCAL_PIXELS: Final = 5
_CONTROL_STRENGTH: Final = 0.15
_EDGE_PIXELS: Final = 2
_GAP_PIXELS: Final = 16
_ENLARGED: Final = 2
_GREY: Final = 128


class LineReader(Protocol):
    """Whoever tries to read: gives everything that it sees on the pictures of one fill."""

    name: str

    def texts(self, pictures: Sequence[DisplayFrame]) -> Sequence[str]:
        """Return what may stand on `pictures`, each of which would show one line."""
        ...


class OwnReader:
    """The reader that ships, shown each picture as one line."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.name = reader.name

    def texts(self, pictures: Sequence[DisplayFrame]) -> Sequence[str]:
        """Return a line a picture."""
        return tuple(
            self._reader.read(one, [Box(0, 0, one.shape[1], one.shape[0])])[0].text
            for one in pictures
        )


class PeerReader:
    """Another program, shown all pictures below each other, enlarged."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.name = peer.name

    def texts(self, pictures: Sequence[DisplayFrame]) -> Sequence[str]:
        """Return each word, and each pair of words that follow each other."""
        words = list(self._peer.texts(_below_each_other(pictures)))
        pairs = [first + second for first, second in pairwise(words)]
        return (*words, *pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One place with one text and with another; two frames of each that differ by noise only."""

    texts: tuple[str, str]
    holes: tuple[tuple[Hole, Hole], tuple[Hole, Hole]]

    @property
    def source(self) -> str:
        """Patient or folder of the picture."""
        return self.holes[0][0].picture.source


def pairs_on(
    pictures: Sequence[Picture], faces: Sequence[Face], *, seed: int, limit: int
) -> Iterator[Pair]:
    """Yield up to `limit` pairs, one a picture, over anatomy where it is met."""
    scribe = Scribe(faces)
    made = 0
    for number, picture in enumerate(pictures):
        if made == limit:
            return
        chance = np.random.default_rng([seed, number, 1])
        tried = (_pair(picture, scribe, chance) for _ in range(_TRIES))
        found = [pair for pair in tried if pair is not None]
        over_anatomy = (pair for pair in found if pair.holes[0][0].background == "anatomy")
        chosen = next(over_anatomy, found[0] if found else None)
        if chosen is not None:
            made += 1
            yield chosen


def attacked(arm: Arm, pairs: Sequence[Pair], readers: Sequence[LineReader]) -> dict[str, Any]:
    """Return how much more of its own text is read from a fill than of another's.

    Returns
    -------
    For each reader `own`, the mean similarity of what is read to the text that stood
    there, `chance`, that to the text that did not, and `excess` with its interval;
    `same_bytes`, the share of pairs whose two fills are the same to the bit.
    """
    fills = [_filled(arm, pair) for pair in pairs]
    return _scored(fills, pairs, readers)


def control(arm: Arm, pairs: Sequence[Pair], readers: Sequence[LineReader]) -> dict[str, Any]:
    """Return the same for fills of `arm` in which some of the ink was left on purpose."""
    fills = [_with_ink(pair, _filled(arm, pair)) for pair in pairs]
    return _scored(fills, pairs, readers)


def pictures_of(hole: Hole, first: Attempt, second: Attempt) -> tuple[DisplayFrame, ...]:
    """Return what an attacker would look at: five pictures of the filled line.

    The fill; the fill without its shades; its local variance; its fine noise; and the
    difference to the fill of a second frame.
    """
    view = hole.view
    place = hull(hole.boxes).within(view)
    layout_rows, layout_columns = first.values.shape[:2]
    wide = place.grown(_EDGE_PIXELS, rows=layout_rows, columns=layout_columns).slices
    fill = grey_of(hole.picture.shown(first.values))
    other = grey_of(hole.picture.shown(second.values))
    shades = cv2.GaussianBlur(fill, (0, 0), _SMOOTH_SIGMA)
    size = (_LOCAL_PIXELS, _LOCAL_PIXELS)
    mean = cv2.blur(fill, size)
    variance = np.maximum(cv2.blur(fill * fill, size) - mean * mean, 0)
    noise = cv2.blur(np.abs(cv2.Laplacian(fill, cv2.CV_32F)), (3, 3))
    seen: tuple[Any, ...] = (fill, fill - shades, np.sqrt(variance), noise, fill - other)
    return tuple(_stretched(np.asarray(one, np.float32)[wide]) for one in seen)


def similarity(said: str, truth: str) -> float:
    """Return how alike two texts are, from 0 to 1: their edit distance by the longer's length.

    Source: Levenshtein (1966), Binary codes capable of correcting deletions, insertions
    and reversals.
    """
    one, two = _plain(said), _plain(truth)
    if not one or not two:
        return 0.0
    row = list(range(len(two) + 1))
    for down, letter in enumerate(one, 1):
        before, row[0] = row[0], down
        for across, other in enumerate(two, 1):
            cost = before + (letter != other)
            before = row[across]
            row[across] = min(cost, row[across] + 1, row[across - 1] + 1)
    return 1 - row[-1] / max(len(one), len(two))


def _plain(text: str) -> str:
    return "".join(letter for letter in text.upper() if letter.isalnum())


def _scored(
    fills: Sequence[Sequence[tuple[Attempt, Attempt]]],
    pairs: Sequence[Pair],
    readers: Sequence[LineReader],
) -> dict[str, Any]:
    sources = [pair.source for pair in pairs]
    shown = [
        [pictures_of(pair.holes[n][0], *fill[n]) for n in range(2)]
        for pair, fill in zip(pairs, fills, strict=True)
    ]
    told: dict[str, Any] = {"pairs": len(pairs), "readers": {}}
    for reader in readers:
        scores = np.array(
            [
                [[_best(said, text) for text in pair.texts] for said in _said(reader, pictures)]
                for pair, pictures in zip(pairs, shown, strict=True)
            ]
        ).reshape(len(pairs), 2, 2)
        own = (scores[:, 0, 0] + scores[:, 1, 1]) / 2
        other = (scores[:, 0, 1] + scores[:, 1, 0]) / 2
        told["readers"][reader.name] = {
            "own": mean_told(own, sources),
            "chance": mean_told(other, sources),
            "excess": mean_told(own - other, sources),
        }
    same = [
        np.array_equal(fill[0][0].values[_inside(pair, 0)], fill[1][0].values[_inside(pair, 1)])
        for pair, fill in zip(pairs, fills, strict=True)
    ]
    told["same_bytes"] = float(np.mean(same)) if same else None
    return told


def _said(reader: LineReader, fills: Sequence[Sequence[DisplayFrame]]) -> Iterator[Sequence[str]]:
    """Yield what is read on each fill; what looks the same is read once."""
    known: dict[bytes, Sequence[str]] = {}
    for pictures in fills:
        seen = b"".join(one.tobytes() for one in pictures)
        if seen not in known:
            known[seen] = reader.texts(pictures)
        yield known[seen]


def _best(said: Sequence[str], text: str) -> float:
    return max((similarity(one, text) for one in said), default=0.0)


def _inside(pair: Pair, number: int) -> NDArray[np.bool_]:
    hole = pair.holes[number][0]
    return hole.mask[hole.view.slices]


def _filled(arm: Arm, pair: Pair) -> list[tuple[Attempt, Attempt]]:
    made = arm.fill([hole for holes in pair.holes for hole in holes])
    return [(made[0], made[1]), (made[2], made[3])]


def _with_ink(pair: Pair, fill: Sequence[tuple[Attempt, Attempt]]) -> list[tuple[Attempt, Attempt]]:
    inked = []
    for holes, attempts in zip(pair.holes, fill, strict=True):
        left = []
        for hole, attempt in zip(holes, attempts, strict=True):
            faint = written_on(hole.picture, hole.lines, strength=_CONTROL_STRENGTH)
            ink = (faint.astype(np.float64) - hole.picture.values)[hole.view.slices]
            values = _in_range(attempt.values + ink, attempt.values.dtype)
            left.append(Attempt(values))
        inked.append((left[0], left[1]))
    return inked


def _pair(picture: Picture, scribe: Scribe, chance: np.random.Generator) -> Pair | None:
    hand = latin_hand(scribe, chance, capital_pixels(chance))
    length = int(chance.integers(_SHORTEST, _LONGEST + 1))
    texts = [
        "".join(_LETTERS[n] for n in chance.integers(len(_LETTERS), size=length)) for _ in range(2)
    ]
    stamps = [hand.stamp(text) for text in texts]
    if stamps[0] is None or stamps[1] is None:
        return None
    height = max(alpha.shape[0] for alpha in stamps if alpha is not None)
    width = max(alpha.shape[1] for alpha in stamps if alpha is not None)
    rows, columns = picture.layout.rows, picture.layout.columns
    if height >= rows or 2 * width >= columns:
        return None
    left, top = int(chance.integers(columns - width)), int(chance.integers(rows - height))
    room = Stamped("", np.zeros((height, width), np.uint8), left, top)
    boxes = boxes_of(picture, [room])
    again = _second_frame(picture, chance)
    holes = [
        tuple(Hole(frame, (Stamped(text, alpha, left, top),), boxes) for frame in (picture, again))
        for text, alpha in zip(texts, stamps, strict=True)
        if alpha is not None
    ]
    return Pair((texts[0], texts[1]), (holes[0][:2], holes[1][:2]))  # type: ignore[arg-type]


def _second_frame(picture: Picture, chance: np.random.Generator) -> Picture:
    noise = chance.normal(0, _NOISE_LEVELS * picture.step, picture.values.shape)
    values = _in_range(picture.values + noise, picture.values.dtype)
    return Picture(
        picture.source, picture.modality, values, picture.layout, picture.low, picture.step
    )


def _in_range(values: NDArray[np.float64], dtype: np.dtype[Any]) -> StoredFrame:
    """Return `values` in a stored type, cut at its ends."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    ends = np.iinfo(dtype.name)
    return np.asarray(np.clip(np.rint(values), ends.min, ends.max).astype(dtype))


def _stretched(values: NDArray[np.float32]) -> DisplayFrame:
    low, high = np.percentile(values, (1, 99))
    scaled = (values - low) * np.float32(255 / max(float(high - low), 1e-3))
    return np.asarray(np.clip(np.rint(scaled), 0, 255), np.uint8)


def _below_each_other(pictures: Sequence[DisplayFrame]) -> DisplayFrame:
    large = [
        cv2.resize(one, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
        for one in pictures
    ]
    width = max(one.shape[1] for one in large) + 2 * _GAP_PIXELS
    height = sum(one.shape[0] + _GAP_PIXELS for one in large) + _GAP_PIXELS
    sheet = np.full((height, width), _GREY, np.uint8)
    top = _GAP_PIXELS
    for one in large:
        sheet[top : top + one.shape[0], _GAP_PIXELS : _GAP_PIXELS + one.shape[1]] = one
        top += one.shape[0] + _GAP_PIXELS
    return sheet
