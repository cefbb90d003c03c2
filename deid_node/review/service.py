"""What the desk does, without pages: who waits, how it looks, what was decided.

A thread carries out what is due, so that a decision is not lost with the browser.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic
from types import MappingProxyType
from typing import Final

from deid_node.errors import CustodyError, InputError
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.review.devices import Devices
from deid_node.review.looker import After, Facts, Looker
from deid_node.review.renderer import PictureFailed, Renderer
from deid_node.review.series import Layout, Rest, layout_of, rest_of
from deid_node.review.words import (
    DISCARD_REASONS,
    MISS_ENDINGS,
    NOTED,
    keywords_in,
    words_of,
)
from deid_node.review.worklist import Item
from deid_node.spool.choices import LOOKS, Choice
from deid_node.spool.decisions import Verb
from deid_node.spool.samples import Delivered
from deid_node.spool.staged import Desk
from deid_node.spool.withheld import WithheldEntry
from deid_node.values.device import Device
from deid_node.values.geometry import DoubtedRegion
from deid_node.values.identity import InstanceId
from deid_node.values.markings import Marking, Markings

_PERIOD_SECONDS: Final = 0.5
_LEARN_SECONDS: Final = 600.0
"""How often what was filled is looked at for what keeps standing at one place."""

_AT_ONCE: Final = 20
"""How many headers are read between two looks at what is due."""

_REASONS: Final[Mapping[Verb, Mapping[str, str]]] = MappingProxyType(
    {Verb.DISCARD: DISCARD_REASONS, Verb.MISSED: MISS_ENDINGS}
)

_ALWAYS_TOLD: Final = (
    "PatientName", "PatientID", "AccessionNumber", "StudyDate", "StudyDescription",
    "SeriesDescription", "InstitutionName", "BurnedInAnnotation", "ImageType",
)  # fmt: skip


class Service:
    """The desk behind its pages; any thread may call.

    `offer` lets an instance wait for a worker, with the name of its sender.
    """

    def __init__(
        self,
        desk: Desk,
        renderer: Renderer,
        devices: Devices,
        offer: Callable[[InstanceId, str], object],
        *,
        undo_seconds: float,
        series_sample: int,
        needs_second: Collection[Verb],
        metrics: Metrics,
        log: EventLog,
    ) -> None:
        self._desk = desk
        self._renderer = renderer
        self._devices = devices
        self._offer = offer
        self.undo_seconds: Final = undo_seconds
        self._series_sample = series_sample
        self._needs_second = frozenset(needs_second)
        self._metrics = metrics
        self._log = log
        self._facts: dict[InstanceId, Facts] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)

    def start(self) -> None:
        """Begin to carry out what is due, and to read headers; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is staged waits in the journal for the next start."""
        self._stopping.set()
        self._renderer.stop()
        if self._thread.is_alive():
            self._thread.join()

    def adopt(self, looker: Callable[[], Looker]) -> None:
        """Show from now on what `looker` would make of an instance."""
        self._renderer.adopt(looker)

    def items(self) -> Sequence[Item]:
        """Return what waits for a decision, oldest first; raise `CustodyError`."""
        return [
            *(Item(entry, self._facts.get(entry.id)) for entry in self._desk.entries()),
            *(
                Item(entry, self._facts.get(entry.id), choice)
                for entry, choice in self._desk.agreements.awaiting()
            ),
        ]

    def item(self, instance: str) -> Item:
        """Return one of them, its header read; raise `InputError` or `CustodyError`."""
        entry = self._desk.entry(InstanceId(instance))
        if entry.id not in self._facts:
            self._read(entry.id)
        return Item(entry, self._facts.get(entry.id), self._desk.agreements.choice(entry.id))

    def proposed(self) -> int:
        """Return how many proposals wait for an admin; raise `CustodyError`."""
        return len(self._devices.open())

    def waiting_of(self, device: Device) -> InstanceId | None:
        """Return an instance of `device` that waits and can be shown, if there is one."""
        for entry in self._desk.entries():
            facts = self._facts.get(entry.id)
            if facts is not None and facts.frames and facts.screen == device:
                return entry.id
        return None

    def rest(
        self, item: Item, items: Sequence[Item], shown: Mapping[Layout, Collection[str]]
    ) -> Rest | None:
        """Return what else of `items` is of its series and layout; None where nothing is.

        `shown` are the instances that the person has looked at.
        """
        layout = layout_of(item)
        if layout is None:
            return None
        seen = shown.get(layout, frozenset())
        has_pixels = Verb.FILL in words_of(item.entry.code).choices
        sample = self._series_sample if has_pixels else 1
        return rest_of(items, item, seen, sample=sample)

    def staged(self) -> Sequence[Choice]:
        """Return what is decided and not carried out; raise `CustodyError`."""
        return self._desk.staged()

    def before(self, instance: str, frame: int) -> bytes:
        """Return a frame as it came, or of a sample as it left.

        Raises `InputError`, `PictureFailed` or `CustodyError`.
        """
        entry = self._desk.entry(InstanceId(instance))
        order = self._desk.order(entry.id)
        if entry.is_sample:
            return self._renderer.delivered(order, self._desk.sealed(entry.id), frame)
        return self._renderer.before(order, frame)

    def after(self, instance: str, frame: int, markings: Markings) -> After:
        """Return a frame as it would be delivered, or of a sample as it came; as `before`."""
        entry = self._desk.entry(InstanceId(instance))
        if entry.is_sample:
            return After(self._renderer.before(self._desk.order(entry.id), frame))
        _require_seen(entry, markings)
        order = self._desk.order(entry.id, markings)
        return self._renderer.after(order, frame)

    def went(self, item: Item) -> Delivered | None:
        """Return where a sample was delivered; None for what was not. `CustodyError` may come."""
        return self._desk.samples.delivered(item.entry.id) if item.entry.is_sample else None

    def ahead(self, instance: str) -> None:
        """Make the first picture of what is looked at next; returns at once."""
        try:
            entry = self._desk.entry(InstanceId(instance))
            if not entry.is_sample:
                self._renderer.ahead(self._desk.order(entry.id))
        except InputError:
            return

    def values(self, instance: str, person: str) -> tuple[tuple[str, str], ...]:
        """Return what stands in attributes, for a person who may know; written down first.

        Raises as `before`.
        """
        entry = self._desk.entry(InstanceId(instance))
        keywords = list(dict.fromkeys((*keywords_in(entry.reason), *_ALWAYS_TOLD)))
        self._desk.note_look(entry.id, person, keywords=keywords)
        return self._renderer.values(self._desk.order(entry.id), keywords)

    def decide(
        self,
        instance: str,
        verb: Verb,
        person: str,
        *,
        reason: str | None = None,
        markings: Markings | None = None,
        rest: Rest | None = None,
    ) -> None:
        """Stage a decision, for the `rest` of its series as well.

        What stays there as no text is what was seen in this one, and nothing else. Raises
        `InputError` for one that cannot be made here.
        """
        entry = self._desk.entry(InstanceId(instance))
        if verb not in words_of(entry.code).choices:
            raise InputError("that cannot be decided about it here")
        reasons = _REASONS.get(verb, {})
        if (reason is not None) is not bool(reasons) or (
            reason is not None and reason not in reasons
        ):
            raise InputError("a reason is given for what is discarded or missed, from the list")
        if verb is Verb.NO_TEXT:
            markings = Markings(stays=tuple(map(_marking, entry.regions)))
        elif verb in {Verb.FILL, Verb.MISSED}:
            markings = markings or Markings()
            _require_seen(entry, markings)
            if not markings.fill and reason != NOTED:
                raise InputError("there is no box to fill")
        else:
            markings = None
        needs_second = verb in self._needs_second
        choice = Choice(entry.id, verb, person, reason, markings, needs_second=needs_second)
        if rest is None:
            self._desk.stage(choice, wait_seconds=self.undo_seconds)
            return
        if rest.needed:
            raise InputError("more of the series must be looked at first")
        self._desk.stage_alike(choice, rest.others, wait_seconds=self.undo_seconds)

    def answer(self, item: Item, verb: Verb, person: str, *, rest: Rest | None) -> None:
        """Agree, or object, to what another decided; raise `InputError`."""
        if rest is not None and rest.needed:
            raise InputError("more of the series must be looked at first")
        others = () if rest is None else rest.others
        if verb is Verb.AGREE:
            self._desk.agreements.agree(
                item.entry.id, others, person, wait_seconds=self.undo_seconds
            )
        elif verb is Verb.OBJECT:
            self._desk.agreements.object(item.entry.id, others, person)
        else:
            raise InputError("it has been decided on already")

    def undo(self, person: str) -> InstanceId | None:
        """Take back the person's newest decision; raise `CustodyError`."""
        return self._desk.undo(person)

    def carry_out(self) -> None:
        """Carry out what is due, and let go what walks; raise `CustodyError`."""
        for done in self._desk.carry_out():
            if done.verb in LOOKS:
                self._metrics.desk.looked(missed=done.verb is Verb.MISSED)
            else:
                self._metrics.desk.reviewed(done.verb)
            self._renderer.forget(done.instance)
            if done.walks:
                self._offer(done.instance, done.sender)

    def _run(self) -> None:
        learn_at = 0.0
        while not self._stopping.wait(_PERIOD_SECONDS):
            try:
                self.carry_out()
                self._read_headers()
                if monotonic() >= learn_at:
                    learn_at = monotonic() + _LEARN_SECONDS
                    self._devices.learn(lambda: not self._stopping.is_set())
            except InputError as error:
                self._log.error(Event.DESK_FAILED, code=error.code, reason=str(error))
            except CustodyError as error:
                self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))
            # A fault of ours must not end the thread: decisions would wait for ever.
            except Exception as error:  # noqa: BLE001
                self._log.error(Event.DESK_FAILED, error=type(error).__name__)

    def _read_headers(self) -> None:
        awaiting = (entry for entry, _ in self._desk.agreements.awaiting())
        waiting = [entry.id for entry in (*self._desk.entries(), *awaiting)]
        for known in set(self._facts).difference(waiting):
            del self._facts[known]
        for instance in [one for one in waiting if one not in self._facts][:_AT_ONCE]:
            if self._stopping.is_set():
                return
            self._read(instance)

    def _read(self, instance: InstanceId) -> None:
        try:
            self._facts[instance] = self._renderer.facts(self._desk.order(instance))
        except PictureFailed:
            # What cannot be read is not asked for again and again.
            self._facts[instance] = Facts()
        except InputError:
            return


def _marking(region: DoubtedRegion) -> Marking:
    return Marking(region.frame, region.box)


def _require_seen(entry: WithheldEntry, markings: Markings) -> None:
    """Raise `InputError` where something is to stay that nobody was shown."""
    if not set(markings.stays).issubset(map(_marking, entry.regions)):
        raise InputError("only boxes that were seen can be said to be no text")
