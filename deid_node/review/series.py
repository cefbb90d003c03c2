"""What waits of one series with the same layout: one decision may count for all of it.

Only after a sample was looked at, spread over the series: what a scanner burns in at one
place may move within a series, and nobody knows that who has seen one slice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from deid_node.review.worklist import Item
from deid_node.values.identity import InstanceId

MOST_AT_ONCE: Final = 2000
"""Others that one decision counts for; what is left is decided about by another."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What instances have in common that one decision may count for.

    `series` is the Series Instance UID as sent.
    """

    series: str = field(repr=False)
    code: str
    sop_class_uid: str
    rows: int
    columns: int
    frames: int


@dataclass(frozen=True, slots=True)
class Rest:
    """What else waits of a series, as somebody sees it who looks at one instance.

    `others` wait beside it. `needed` more of the series are to be looked at first, and
    `following` is the one to go on with.
    """

    others: tuple[InstanceId, ...]
    needed: int
    following: InstanceId | None


def layout_of(item: Item) -> Layout | None:
    """Return the layout of `item`; None where its series or its header is not known."""
    entry, facts = item.entry, item.facts
    # Of what was delivered each is drawn to be looked at by itself.
    if not entry.series or facts is None or entry.is_sample:
        return None
    return Layout(
        entry.series, entry.code, entry.sop_class_uid, facts.rows, facts.columns, facts.frames
    )


def alike(items: Sequence[Item], item: Item) -> Sequence[Item]:
    """Return those of `items` that wait as `item` does and have its layout; it is one of them.

    Of what awaits agreement, those that were decided about together.
    """
    layout, choice = layout_of(item), item.choice
    if choice is not None:
        # What one decision is about is agreed to by one, too.
        return [
            one
            for one in items
            if one.choice is not None
            and choice.sample is not None
            and (one.choice.sample, one.choice.person) == (choice.sample, choice.person)
        ]
    return [
        one
        for one in items
        if layout is not None and one.queue is item.queue and layout_of(one) == layout
    ]


def rest_of(
    items: Sequence[Item], item: Item, seen: Collection[str], *, sample: int
) -> Rest | None:
    """Return what else waits of the series of `item`; None where nothing does.

    `seen` are the instances of this layout that the person has looked at; some of them may
    wait no more. `sample` says how many there must be, where there are as many.
    """
    group = alike(items, item)
    others = tuple(one.entry.id for one in group if one.entry.id != item.entry.id)
    if not others:
        return None
    needed = max(0, min(sample, len(group)) - len({*seen, item.entry.id}))
    return Rest(
        others[:MOST_AT_ONCE],
        needed,
        _farthest([one.entry.id for one in group], {*seen, item.entry.id}) if needed else None,
    )


def _farthest(ids: Sequence[InstanceId], seen: Collection[str]) -> InstanceId | None:
    """Return the one that lies farthest, in the order of `ids`, from all that were seen."""
    places = [number for number, one in enumerate(ids) if one in seen]
    unseen = [number for number, one in enumerate(ids) if one not in seen]
    if not unseen:
        return None
    return ids[
        max(unseen, key=lambda number: min((abs(number - place) for place in places), default=0))
    ]
