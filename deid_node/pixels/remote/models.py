"""The models of a corridor, loaded here or asked on a line."""

from dataclasses import dataclass

from deid_node.pixels.fill.build import build_painter
from deid_node.pixels.fill.options import InpainterOptions
from deid_node.pixels.fill.tiles import SquarePainter
from deid_node.pixels.remote.finder import RemoteFinder
from deid_node.pixels.remote.painter import RemotePainter
from deid_node.pixels.remote.place import Line
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.build import build_finder, finder_name
from deid_node.pixels.text.find.options import FinderOptions


@dataclass(frozen=True, slots=True)
class Models:
    """What looks and what paints; `painter` is None where no model fills."""

    finder: Finder
    painter: SquarePainter | None


def models_here(finder: FinderOptions, inpainter: InpainterOptions) -> Models:
    """Return the models loaded in this process; raises `ConfigurationError`."""
    return Models(build_finder(finder), build_painter(inpainter))


def models_over(line: Line, finder: FinderOptions, inpainter: InpainterOptions) -> Models:
    """Return the models at the other end of `line`, none loaded here.

    Raises `ConfigurationError` where their weights are not here: by them they are named.
    """
    known = build_painter(inpainter)
    return Models(
        RemoteFinder(finder_name(finder), line),
        None if known is None else RemotePainter(known, line),
    )
