"""What keeps standing at one place of a device's screen, learned from what was filled there.

Nothing is looked at anew: the journal says of every sealed instance which boxes were
filled. A box is proposed only where nearly every instance of the device has one there,
and of several studies: what one examination shows may be anatomy that looks like text.
Before a site accepts, a person looks.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from deid_node.pixels.text.device_regions import BoxOptions, DeviceRegionsOptions
from deid_node.spool.proposals import MOST_FILLED, Draft, Place, Sealed
from deid_node.values.device import Device
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId

LEAST_INSTANCES: Final = 20
LEAST_STUDIES: Final = 5
LEAST_SHARE: Final = 0.9
"""Of the instances of a device that have something there."""

TOLERANCE_PIXELS: Final = 8
"""How far a box may reach beyond one that is known already and count as the same."""

_MOST_PLACES: Final = 200
_MOST_BOXES: Final = 60
"""Boxes of one instance that are looked at: a page of text has no place that stands."""

_SAME_LINE: Final = 0.6
_SAME_SPAN: Final = 0.5


@dataclass(slots=True)
class _Place:
    """Boxes that lie at one place, in as many instances."""

    first: Box
    around: Box
    least: Box
    instances: int = 0
    studies: set[str] = field(default_factory=set)

    def takes(self, box: Box) -> bool:
        """Return whether `box` is the same line: as high, and beginning or ending alike."""
        first = self.first
        high = min(first.bottom, box.bottom) - max(first.top, box.top)
        wide = min(first.right, box.right) - max(first.left, box.left)
        return high >= _SAME_LINE * max(
            first.bottom - first.top, box.bottom - box.top
        ) and wide >= _SAME_SPAN * min(first.right - first.left, box.right - box.left)

    def add(self, boxes: Sequence[Box], study: str) -> None:
        """Count one instance that has `boxes` here."""
        self.instances += 1
        self.studies.add(study)
        for box in boxes:
            self.around, self.least = _union(self.around, box), _meet(self.least, box)

    @property
    def spread_pixels(self) -> int:
        """How far apart the edges of the boxes lie, at most."""
        return max(
            self.least.left - self.around.left,
            self.least.top - self.around.top,
            self.around.right - self.least.right,
            self.around.bottom - self.least.bottom,
        )


@dataclass(slots=True)
class _Screen:
    sample: InstanceId
    instances: int = 0
    studies: set[str] = field(default_factory=set)
    places: list[_Place] = field(default_factory=list)
    filled: Counter[Box] = field(default_factory=Counter)

    def add(self, sealed: Sealed) -> None:
        self.instances += 1
        self.studies.add(sealed.study)
        boxes = sealed.boxes[:_MOST_BOXES]
        self.filled.update(boxes)
        found: dict[int, list[Box]] = {}
        for box in boxes:
            number = next(
                (number for number, place in enumerate(self.places) if place.takes(box)), None
            )
            if number is None:
                if len(self.places) >= _MOST_PLACES:
                    continue
                self.places.append(_Place(box, box, box))
                number = len(self.places) - 1
            found.setdefault(number, []).append(box)
        for number, here in found.items():
            self.places[number].add(here, sealed.study)

    def standing(self) -> tuple[Place, ...]:
        """Return the places at which nearly every instance has something."""
        return tuple(
            Place(place.around, place.instances, len(place.studies), place.spread_pixels)
            for place in self.places
            if place.instances >= max(LEAST_INSTANCES, LEAST_SHARE * self.instances)
            and len(place.studies) >= LEAST_STUDIES
        )


class Screens:
    """What was filled on the screens of all devices that came of late."""

    def __init__(self) -> None:
        self._screens: dict[Device, _Screen] = {}

    def add(self, sealed: Iterable[Sealed]) -> None:
        """Count what was sealed; what comes of no known device counts for none."""
        for one in sealed:
            if one.device.is_known:
                self._screens.setdefault(one.device, _Screen(one.id)).add(one)

    def drafts(self) -> Sequence[Draft]:
        """Return what could be proposed, one for each device where something stands."""
        return [
            Draft(
                device=device,
                places=places,
                filled=tuple(screen.filled.most_common(MOST_FILLED)),
                instances=screen.instances,
                studies=len(screen.studies),
                sample=screen.sample,
            )
            for device, screen in sorted(self._screens.items())
            if (places := screen.standing())
        ]


def rule_of(draft: Draft) -> DeviceRegionsOptions:
    """Return the rule that `draft` proposes: for instances of this device and size alone."""
    device = draft.device
    return DeviceRegionsOptions(
        manufacturer=device.maker,
        model=device.model,
        modality=device.modality or None,
        rows=device.rows,
        columns=device.columns,
        boxes=tuple(
            BoxOptions(
                left=place.box.left,
                top=place.box.top,
                right=place.box.right,
                bottom=place.box.bottom,
            )
            for place in draft.places
        ),
    )


def boxes_for(rules: Iterable[DeviceRegionsOptions], device: Device) -> Sequence[Box]:
    """Return the boxes that `rules` fill on every instance of `device`, whatever else it says."""
    return [
        Box(box.left, box.top, box.right, box.bottom)
        for rule in rules
        if _is_for(rule, device)
        for box in rule.boxes
    ]


def is_known(box: Box, known: Iterable[Box], device: Device) -> bool:
    """Return whether one of `known` covers `box`, but for a few pixels."""
    return any(
        one.grown(TOLERANCE_PIXELS, rows=device.rows, columns=device.columns).contains(box)
        for one in known
    )


def _is_for(rule: DeviceRegionsOptions, device: Device) -> bool:
    names = (
        (rule.manufacturer, device.maker),
        (rule.model, device.model),
        (rule.modality, device.modality),
    )
    return (
        rule.sop_class is None
        and not rule.where
        and rule.rows in {None, device.rows}
        and rule.columns in {None, device.columns}
        and all(
            wanted is None or wanted.strip().casefold() == own.casefold() for wanted, own in names
        )
    )


def _union(one: Box, other: Box) -> Box:
    return Box(
        min(one.left, other.left),
        min(one.top, other.top),
        max(one.right, other.right),
        max(one.bottom, other.bottom),
    )


def _meet(one: Box, other: Box) -> Box:
    """Return what both cover; where they share nothing, the smaller edges between them."""
    left, top = max(one.left, other.left), max(one.top, other.top)
    return Box(
        left,
        top,
        max(left + 1, min(one.right, other.right)),
        max(top + 1, min(one.bottom, other.bottom)),
    )
