"""The work-list as a page shows it: what is asked for, oldest first, fifty at a time."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from deid_node.review.looker import Facts
from deid_node.spool.choices import Choice
from deid_node.spool.withheld import WithheldEntry
from deid_node.values.markings import Marking

PAGE: Final = 50


class Queue(StrEnum):
    """The lists of the desk."""

    WAITING = ""
    HELD = "held"
    SECOND = "second"
    SAMPLES = "samples"


QUEUES: Final[Mapping[Queue, str]] = MappingProxyType(
    {
        Queue.WAITING: "waiting",
        Queue.HELD: "put aside",
        Queue.SECOND: "to be agreed to",
        Queue.SAMPLES: "delivered, to be looked at",
    }
)


@dataclass(frozen=True, slots=True)
class Item:
    """One line: what the journal knows, and what the header says where it was read already."""

    entry: WithheldEntry
    facts: Facts | None
    choice: Choice | None = None
    """What was decided about it, where another person is still to agree."""

    @property
    def queue(self) -> Queue:
        """Where it waits."""
        if self.choice is not None:
            return Queue.SECOND
        if self.entry.is_sample:
            return Queue.SAMPLES
        return Queue.HELD if self.entry.held else Queue.WAITING

    @property
    def doubt(self) -> float:
        """The highest score of the boxes that were seen; 0 where there are none."""
        return max((region.score for region in self.entry.regions), default=0.0)


_FIELDS: Final[Mapping[str, Callable[[Item], str]]] = MappingProxyType(
    {
        "code": lambda item: item.entry.code,
        "rule": lambda item: item.entry.rule or "",
        "peer": lambda item: item.entry.peer,
        "modality": lambda item: item.facts.modality if item.facts else "",
        "device": lambda item: item.facts.device if item.facts else "",
        "study": lambda item: item.facts.study if item.facts else "",
    }
)
FIELDS: Final = tuple(_FIELDS)
SORTS: Final = ("oldest", "doubt")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants to see; what is not asked for matches everything."""

    fields: Mapping[str, str]
    queue: Queue = Queue.WAITING
    sort: str = "oldest"
    page: int = 1
    is_grouped: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        """Return what a query string asks for; what makes no sense is left out."""
        number = query.get("page", "1")
        return cls(
            fields={name: query[name] for name in FIELDS if query.get(name)},
            queue=Queue(queue)
            if (queue := query.get("queue", "")) in set(Queue)
            else Queue.WAITING,
            is_grouped=query.get("grouped") == "1",
            sort="doubt" if query.get("sort") == "doubt" else "oldest",
            page=int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1,
        )

    def query(self, **changes: str) -> str:
        """Return the query string that asks for the same, with `changes`; empty ones leave."""
        said = dict(self.fields)
        if self.queue:
            said["queue"] = self.queue
        if self.sort != "oldest":
            said["sort"] = self.sort
        if self.is_grouped:
            said["grouped"] = "1"
        said |= changes
        text = urlencode({name: value for name, value in said.items() if value})
        return f"?{text}" if text else ""

    def chosen(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return those of `items` that are asked for, in the order that is asked for."""
        left = [
            item
            for item in items
            if item.queue is self.queue
            and all(_FIELDS[name](item) == value for name, value in self.fields.items())
        ]
        return sorted(left, key=lambda item: -item.doubt) if self.sort == "doubt" else left


def boxes_of(item: Item) -> Sequence[Mapping[str, object]]:
    """Return the boxes of a page: those that were seen, and what was decided about them, if it was.

    `stays` says that one is no text; one without a score was drawn.
    """
    markings = item.choice.markings if item.choice else None
    staying = frozenset(markings.stays) if markings else frozenset()
    filled = list(markings.fill) if markings else []
    boxes = []
    for region in item.entry.regions:
        seen = Marking(region.frame, region.box)
        boxes.append({**_edges(seen), "score": region.score, "stays": seen in staying})
        filled = [one for one in filled if one != seen]
    return [*boxes, *({**_edges(one), "stays": False} for one in filled)]


def _edges(marking: Marking) -> Mapping[str, object]:
    box = marking.box
    return {
        "frame": marking.frame,
        "left": box.left,
        "top": box.top,
        "right": box.right,
        "bottom": box.bottom,
    }


@dataclass(frozen=True, slots=True)
class Group:
    """What waits of one device for one reason."""

    device: str
    code: str
    count: int
    studies: int
    oldest: datetime
    doubt: float


def groups_of(items: Sequence[Item], sort: str) -> Sequence[Group]:
    """Return `items` by device and reason: the largest group first, or the surest text."""
    found: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        device = item.facts.device if item.facts else ""
        found.setdefault((device, item.entry.code), []).append(item)
    groups = [
        Group(
            device=device,
            code=code,
            count=len(those),
            studies=len({one.facts.study for one in those if one.facts and one.facts.study}),
            oldest=min(one.entry.received_at for one in those),
            doubt=max(one.doubt for one in those),
        )
        for (device, code), those in found.items()
    ]
    by_count = sorted(groups, key=lambda group: (-group.count, group.device, group.code))
    return sorted(by_count, key=lambda group: -group.doubt) if sort == "doubt" else by_count


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the work-list."""

    asked: Asked
    items: Sequence[Item]
    total: int
    pages: int
    codes: Sequence[tuple[str, int]]
    values: Mapping[str, Sequence[tuple[str, int]]]
    queues: Mapping[Queue, int]
    groups: Sequence[Group]
    unread: int


def listing(items: Sequence[Item], asked: Asked) -> Listing:
    """Return the page that is asked for, with what there is to choose from, and how many."""
    chosen = asked.chosen(items)
    pages = max(1, -(-len(chosen) // PAGE))
    page = min(max(1, asked.page), pages)
    among = [item for item in items if item.queue is asked.queue]
    return Listing(
        asked=replace(asked, page=page),
        items=chosen[(page - 1) * PAGE : page * PAGE],
        total=len(chosen),
        pages=pages,
        codes=Counter(item.entry.code for item in among).most_common(),
        values={
            name: sorted(Counter(value for item in among if (value := read(item))).items())
            for name, read in _FIELDS.items()
            if name != "code"
        },
        queues=Counter(item.queue for item in items),
        groups=groups_of(chosen, asked.sort) if asked.is_grouped else (),
        unread=sum(item.facts is None for item in among),
    )


def neighbours(chosen: Sequence[Item], instance: str) -> tuple[int, str | None, str | None]:
    """Return the place of an instance among `chosen`, from 1 (0: not there), and who is beside.

    From the last one it goes on with the first that is left.
    """
    ids: list[str] = [item.entry.id for item in chosen]
    if instance not in ids:
        return 0, None, ids[0] if ids else None
    place = ids.index(instance)
    before = ids[place - 1] if place else None
    after = ids[place + 1] if place + 1 < len(ids) else None
    return place + 1, before, after
