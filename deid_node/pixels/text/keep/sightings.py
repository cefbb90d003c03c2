"""What was found at one place of a frame, on one view of it or on several."""

from dataclasses import dataclass

from deid_node.pixels.text.masks import hull
from deid_node.pixels.text.search import Look
from deid_node.values.geometry import Box, Found


@dataclass(frozen=True, slots=True)
class Sighting:
    """A box that was found on view number `view`."""

    view: int
    found: Found


@dataclass(frozen=True, slots=True)
class Place:
    """Boxes that overlap, over all views of a frame."""

    sightings: tuple[Sighting, ...]

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All of them."""
        return tuple(sighting.found.box for sighting in self.sightings)

    @property
    def box(self) -> Box:
        """The smallest box that holds them all."""
        return hull(self.boxes)

    @property
    def score(self) -> float:
        """The best of their scores."""
        return max(sighting.found.score for sighting in self.sightings)

    @property
    def views(self) -> frozenset[int]:
        """On which views something was found here."""
        return frozenset(sighting.view for sighting in self.sightings)

    @property
    def is_single(self) -> bool:
        """Whether no view has more than one box here."""
        return len(self.views) == len(self.sightings)

    def box_on(self, view: int) -> Box:
        """Return what was found on `view`, or `box` where that was nothing."""
        own = [sighting.found.box for sighting in self.sightings if sighting.view == view]
        return own[0] if own else self.box


def places(look: Look) -> tuple[Place, ...]:
    """Return what `look` saw, sorted into places."""
    groups: list[list[Sighting]] = []
    for view, on_view in enumerate(look.seen):
        for found in on_view:
            sighting = Sighting(view, found)
            touching = [
                group
                for group in groups
                if any(found.box.intersects(other.found.box) for other in group)
            ]
            groups = [group for group in groups if group not in touching]
            groups.append([sighting, *(other for group in touching for other in group)])
    return tuple(Place(tuple(group)) for group in groups)
