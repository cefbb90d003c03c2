"""Proposals of fixed regions, behind their page: who proposed what, and what is in force.

What an admin accepts is written to the file that the corridor reads for each instance
(`pixels.regions_file`); without one it is shown, to be copied into the configuration.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml

from deid_node.errors import InputError, RegionsUnreadable
from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.pixels.text.regions_file import RegionsFile, covered, plain
from deid_node.review.learning import Screens, boxes_for, is_known, rule_of
from deid_node.spool.proposals import (
    Draft,
    Place,
    Proposal,
    Proposals,
    ProposalState,
    ProposedBy,
)
from deid_node.values.device import Device
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId

_LOOKED_AT: Final = 20_000
"""Sealed instances, the newest, that are looked at: a device that comes no more is forgotten."""

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal as its page shows it; `yaml` is the rule as the configuration says it."""

    proposal: Proposal
    yaml: str


class Devices:
    """Proposes, learns, accepts and refuses; any thread may call.

    `configured` and `path` are asked each time: another configuration may take over.
    """

    def __init__(
        self,
        proposals: Proposals,
        configured: Callable[[], Sequence[DeviceRegionsOptions]],
        path: Callable[[], Path | None],
    ) -> None:
        self._proposals = proposals
        self._configured = configured
        self._path = path
        self._opened: RegionsFile | None = None
        self._deciding = threading.Lock()

    @property
    def has_file(self) -> bool:
        """Whether what is accepted is in force at once."""
        return self._path() is not None

    def open(self) -> Sequence[Shown]:
        """Return what waits for an admin, the newest first; raise `CustodyError`."""
        return [
            Shown(one, yaml.safe_dump([plain(rule_of(one.draft))], sort_keys=False))
            for one in self._proposals.all()
            if one.state is ProposalState.OPEN
        ]

    def in_force(self) -> Mapping[str, Sequence[str]]:
        """Return a line for each rule, by where it stands; raise `InputError`."""
        return {
            "configuration": covered(self._configured()),
            "file": covered(self._accepted()),
        }

    def propose(self, device: Device, boxes: Sequence[Box], sample: InstanceId, who: str) -> None:
        """Write down that a person wants `boxes` filled on all that comes of `device`.

        Raises `InputError` where the header does not say which device it is, where there are
        no boxes, or where all of them are filled already.
        """
        if not device.is_known:
            raise InputError("its header does not say of which device it is")
        if not boxes:
            raise InputError("there is no box: draw what is to be filled")
        known = boxes_for(self._rules(), device)
        new = [box for box in dict.fromkeys(boxes) if not is_known(box, known, device)]
        if not new:
            raise InputError("a rule fills all of that already")
        places = tuple(Place(box, instances=1, studies=1, spread_pixels=0) for box in sorted(new))
        filled = tuple((place.box, 1) for place in places)
        draft = Draft(device, places, filled, instances=1, studies=1, sample=sample)
        self._proposals.propose(draft, who)

    def learn(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Look at what was filled of late, and propose what keeps standing; `CustodyError`.

        `goes_on` is asked between two portions.
        """
        screens, before, left = Screens(), None, _LOOKED_AT
        while left > 0 and goes_on():
            portion = self._proposals.sealed(before=before, limit=_AT_ONCE)
            if not portion:
                break
            screens.add(portion)
            before = portion[-1].sequence
            left -= len(portion)
        if goes_on():
            drafts = (self._new(draft) for draft in screens.drafts())
            self._proposals.learn([draft for draft in drafts if draft is not None])

    def accept(self, number: int, who: str) -> None:
        """Put what is proposed in force, from the next instance on.

        Raises `InputError` where it is decided on already, or the file cannot be written.
        """
        file = self._file()
        if file is None:
            raise InputError("no pixels.regions_file is configured: copy it into pixels.regions")
        with self._deciding:
            draft = self._proposals.get(number).draft
            rule = rule_of(draft)
            # The file first: a node that ends in between has the rule, and may be asked again.
            if rule not in self._accepted():
                remark = f"accepted by {who}: {draft.instances} instances, {draft.studies} studies"
                try:
                    file.add(rule, remark=remark)
                except RegionsUnreadable as error:
                    raise InputError(str(error)) from None
            self._proposals.settle(number, who, accepted=True)

    def refuse(self, number: int, who: str) -> None:
        """Let it be, for good; raise `InputError` where it is decided on already."""
        with self._deciding:
            self._proposals.settle(number, who, accepted=False)

    def _new(self, draft: Draft) -> Draft | None:
        """Return `draft` without what is filled, proposed or refused already."""
        device = draft.device
        known = list(boxes_for(self._rules(), device))
        for one in self._proposals.all():
            is_its_own = one.state is ProposalState.OPEN and one.proposed_by is ProposedBy.FILLS
            if one.draft.device == device and not is_its_own:
                known += [place.box for place in one.draft.places]
        places = tuple(one for one in draft.places if not is_known(one.box, known, device))
        return replace(draft, places=places) if places else None

    def _rules(self) -> Sequence[DeviceRegionsOptions]:
        return (*self._configured(), *self._accepted())

    def _file(self) -> RegionsFile | None:
        path = self._path()
        if path is None:
            return None
        if self._opened is None or self._opened.path != path:
            self._opened = RegionsFile(path)
        return self._opened

    def _accepted(self) -> Sequence[DeviceRegionsOptions]:
        file = self._file()
        if file is None:
            return ()
        try:
            return file.current()
        except RegionsUnreadable as error:
            raise InputError(str(error)) from None
