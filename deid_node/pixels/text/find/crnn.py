"""The finder that ships: a CRNN in an ONNX file.

The file carries its own thresholds, so that another model brings its own. Frames
are looked at in native resolution: shrinking a radiograph to fit is how other
finders lose the text that is seven pixels high. Where anything is seen, black and
white change places and it is looked at again: text stays text, anatomy turns into
something else (docs/decisions/pixels-finding.md). Large frames are seen from further away as well,
for letters that are too large to be known from close by.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from deid_node.errors import ConfigurationError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.text.find.distance import DISTANCES, brought_near, is_large, shrunk
from deid_node.pixels.text.find.join import joined
from deid_node.pixels.text.find.maps import boxes_of_maps
from deid_node.pixels.text.find.network import open_network
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.find.tiles import Tile, sew, tiles
from deid_node.pixels.text.weights import FINDER, crnn_name
from deid_node.values.geometry import Box, Found

MAKE = "deid_node finder 2"
"""Written into the file by the export: what it takes and gives is part of the name."""

_WHITE = 255
_STRIDE = 16
_MAP_SCALE = 2
_LEAST_SIDE = 64
_TILE_SIDE = 1024
_OVERLAP = 128
_REACH = 2.0  # heights of a line; wider gaps part the columns of a table


class CrnnFinder:
    """Draws a map of text for each frame, tile by tile, and makes boxes of it."""

    def __init__(self, options: CrnnOptions, *, threads: int = 1) -> None:
        model = FINDER.read(options.model_file)
        self._name = crnn_name(model)
        self._network = open_network(model, options, threads=threads)
        self._batch_pixels = self._network.batch_pixels
        own = self._network.notes
        if own.get("make") != MAKE:
            raise ConfigurationError(FINDER.setting, "is no finder of this make")
        self._edge_score = float(own["edge_score"])
        self._min_score = options.min_score or float(own["min_score"])

    @property
    def name(self) -> str:
        """``crnn-`` and the first 8 digits of the file's sha256."""
        return self._name

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        """Return what was found on each frame, at a second glance as well, and from further away.

        The score that counts is the root of both glances' scores multiplied: nothing can
        make up for a first one below the square of `min_score`.
        """
        seen = self._seen(frames)
        large = [n for n, frame in enumerate(frames) if is_large(frame)]
        for times in DISTANCES:
            further = self._seen([shrunk(frames[n], times) for n in large])
            for n, found in zip(large, further, strict=True):
                rows, columns = frames[n].shape[:2]
                near = brought_near(found, times, rows=rows, columns=columns, known=seen[n])
                seen[n] = tuple(sorted((*seen[n], *near), key=_place))
        return tuple(seen)

    def _seen(self, frames: Sequence[DisplayFrame]) -> list[tuple[Found, ...]]:
        """Return what is seen on each frame from where it stands, at two glances."""
        seen = [
            self.boxes(maps, rows=frame.shape[0], columns=frame.shape[1])
            for frame, maps in zip(frames, self.maps(frames), strict=True)
        ]
        doubted = [n for n, found in enumerate(seen) if found]
        again = self.maps([_WHITE - frames[n] for n in doubted])
        for n, (_, region) in zip(doubted, again, strict=True):
            seen[n] = tuple(_confirmed(seen[n], region, self._min_score))
        return seen

    def maps(self, frames: Sequence[DisplayFrame]) -> tuple[NDArray[np.float32], ...]:
        """Return core and region map of each frame, ``(2, rows / 2, columns / 2)``, rounded up.

        Tiles of one size run together, as many as `_batch_pixels` allow, so memory
        stays bounded whatever the frames' sizes.
        """
        edges = [_drawn_on(frame) for frame in frames]
        padded = [_padded(frame[box.slices]) for frame, box in zip(frames, edges, strict=True)]
        plans = [
            tiles(*one.shape[:2], side=_TILE_SIDE, overlap=_OVERLAP, stride=_STRIDE)
            for one in padded
        ]
        pieces: list[list[tuple[Tile, NDArray[np.float32]]]] = [[] for _ in frames]
        for owners in self._batches(plans):
            seen = np.stack([_coloured(padded[n][tile.seen]) for n, tile in owners])
            for (n, tile), maps in zip(owners, self._network.maps(seen), strict=True):
                pieces[n].append((tile, maps))
        return tuple(
            _placed(sew(own, *whole.shape[:2], scale=_MAP_SCALE), frame, box)
            for own, whole, frame, box in zip(pieces, padded, frames, edges, strict=True)
        )

    def boxes(
        self,
        maps: NDArray[np.float32],
        *,
        rows: int,
        columns: int,
        min_score: float | None = None,
    ) -> tuple[Found, ...]:
        """Return the boxes of a frame of that size from its maps, at another score if given."""
        parts = boxes_of_maps(
            *maps,
            # Below the edge a box would swell to all that is faintly likely.
            min_score=max(min_score or self._min_score**2, self._edge_score),
            edge_score=self._edge_score,
            scale=_MAP_SCALE,
            rows=rows,
            columns=columns,
        )
        lines = (*joined(parts.lines, reach=_REACH), *parts.steps)
        return tuple(sorted(lines, key=_place))

    def _batches(self, plans: Sequence[Sequence[Tile]]) -> Iterator[list[tuple[int, Tile]]]:
        """Yield tiles of one size that run together, each with the number of its frame."""
        by_size: dict[tuple[int, int], list[tuple[int, Tile]]] = {}
        for number, plan in enumerate(plans):
            for tile in plan:
                by_size.setdefault(tile.size, []).append((number, tile))
        for (rows, columns), owners in by_size.items():
            count = max(1, self._batch_pixels // (rows * columns))
            for start in range(0, len(owners), count):
                yield owners[start : start + count]


def _place(found: Found) -> tuple[int, int]:
    return found.box.top, found.box.left


def _confirmed(
    found: Sequence[Found], region: NDArray[np.float32], min_score: float
) -> Iterator[Found]:
    """Yield what a second glance, whose map is `region`, leaves at `min_score` and above."""
    for one in found:
        box = one.box
        again = region[
            box.top // _MAP_SCALE : -(-box.bottom // _MAP_SCALE),
            box.left // _MAP_SCALE : -(-box.right // _MAP_SCALE),
        ]
        score = float(np.sqrt(one.score * again.max()))
        if score >= min_score:
            yield Found(box, score)


def _coloured(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels if pixels.ndim == 3 else np.broadcast_to(pixels[..., None], (*pixels.shape, 3))


def _drawn_on(frame: DisplayFrame) -> Box:
    """Return the part of a frame that is not its even border, and some of the border.

    Nothing can be read where every pixel is as its neighbours: black beside a scan costs
    nothing. Edges fall on the network's stride.
    """
    rows, columns = frame.shape[:2]
    # Row by row, all samples in one: a comparison pixel by pixel takes ten times as long.
    other = frame.reshape(rows, -1) != np.tile(frame[0, 0], columns)
    down = np.flatnonzero(other.any(axis=1))
    across = np.flatnonzero(other.any(axis=0).reshape(columns, -1).any(axis=1))
    if not len(down):
        return Box(0, 0, min(columns, _STRIDE), min(rows, _STRIDE))
    reach = 2 * _STRIDE
    left, top = (max(0, int(n[0]) - reach) // _STRIDE * _STRIDE for n in (across, down))
    return Box(left, top, min(columns, int(across[-1]) + reach), min(rows, int(down[-1]) + reach))


def _placed(maps: NDArray[np.float32], frame: DisplayFrame, box: Box) -> NDArray[np.float32]:
    """Return the maps of the part `box` as those of the whole frame."""
    whole = np.zeros((2, *(-(-length // _MAP_SCALE) for length in frame.shape[:2])), np.float32)
    place = whole[:, box.top // _MAP_SCALE :, box.left // _MAP_SCALE :]
    rows, columns = (-(-n // _MAP_SCALE) for n in (box.bottom - box.top, box.right - box.left))
    place = place[:, :rows, :columns]
    place[:] = maps[:, : place.shape[1], : place.shape[2]]
    return whole


def _padded(frame: DisplayFrame) -> NDArray[np.uint8]:
    if frame.dtype != np.uint8 or not (
        frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)
    ):
        raise ValueError(f"not a display frame: {frame.shape} {frame.dtype}")
    more = [max(_LEAST_SIDE, -(-n // _STRIDE) * _STRIDE) - n for n in frame.shape[:2]]
    edges = [(0, more[0]), (0, more[1]), (0, 0)][: frame.ndim]
    # Mirrored, not drawn out: rows of noise drawn out look like strokes of letters.
    return np.pad(frame, edges, mode="symmetric")
