"""The corridor of the package with a finder that sees one box, or none: picklable, no models."""

from dataclasses import dataclass

from deid_node.pipeline import Corridor
from deid_node.values.geometry import Box
from tests.unit.pipeline.test_corridor import a_corridor


@dataclass(frozen=True)
class PlainFactory:
    """Builds a corridor that fills `box` in the first instance, and nothing in the others."""

    box: Box | None = None

    def __call__(self) -> Corridor:
        return a_corridor(box=self.box)
