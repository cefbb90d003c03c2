"""Who may come in by HTTP, and how many at once; whoever is turned away is told of.

A caller is looked at three times: by its address when it connects, by its certificate
where TLS is spoken, and by what it shows with each request.
"""

import threading
from collections.abc import Callable, Collection
from typing import Final

from deid_node.audit.records import DoorRecord
from deid_node.errors import CustodyError
from deid_node.observe.events import Event
from deid_node.observe.labels import AssociationResult, DoorKind
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.rate_limit import Gate
from deid_node.receive.stow.callers import Callers
from deid_node.receive.stow.refusal import (
    CLOSING,
    NO_ROOM,
    TOO_MANY_OF_ADDRESS,
    TOO_MANY_REQUESTS,
    Refusal,
)
from deid_node.receive.stow_options import StowOptions
from deid_node.values.refusal import RefusalCode, TlsFault

# So many may stand beside those that are served: idle, or to be refused in order.
_MORE_CONNECTIONS: Final = 256
_MORE_OF_ADDRESS: Final = 192


class StowTerms:
    """Under which terms callers are served: who, how many, and how often they may be wrong.

    Raises `ConfigurationError` where a file of tokens cannot be used.
    """

    def __init__(self, options: StowOptions) -> None:
        self.options: Final = options
        self.callers: Final = Callers(options.peers)
        self.gate: Final = Gate(options.max_refusals_per_minute)


class Gatekeeper:
    """Decides about each caller, and counts who is served.

    `require_room` raises `CustodyError` while the spool can take nothing; `record` is for
    the audit trail, None keeps none. Any thread may call.
    """

    def __init__(
        self,
        terms: StowTerms,
        *,
        require_room: Callable[[], None],
        metrics: Metrics,
        log: EventLog,
        record: DoorRecord | None,
    ) -> None:
        self.terms = terms
        self._require_room = require_room
        self._metrics = metrics
        self._log = log
        self._record = record
        self._closing = threading.Event()
        self._served: dict[str, str] = {}
        self._counting = threading.Condition()

    def adopt(self, terms: StowTerms) -> None:
        """Judge callers by `terms` from now on; whoever is served goes on."""
        self.terms = terms

    def close(self) -> None:
        """Let nobody in any more."""
        self._closing.set()

    def refusal(self) -> Refusal | None:
        """Return why the house serves nobody now, whoever it is; None: it does."""
        if self._closing.is_set():
            return CLOSING
        try:
            self._require_room()
        except CustodyError:
            return NO_ROOM
        return None

    def admits(self, address: str, standing: int, own: int) -> bool:
        """Return whether to hear one more from `address`, of which `own` of `standing` are."""
        code, options = None, self.terms.options
        if not self.terms.gate.is_open(address):
            code = RefusalCode.REFUSED_OFTEN
        elif own >= options.quota + _MORE_OF_ADDRESS or (
            standing >= options.max_requests + _MORE_CONNECTIONS
        ):
            code = RefusalCode.TOO_MANY_CONNECTIONS
        if code is None:
            return True
        self._metrics.refusal(code, door=DoorKind.STOW)
        # A flood of callers must not become a flood of lines.
        self._log.debug(Event.CONNECTION_REFUSED, code=code, caller=address)
        return False

    def recognised(
        self, address: str, certificate_names: Collection[str], authorization: str
    ) -> str | Refusal:
        """Return the configured name of a caller, or why it may not store here."""
        return self.terms.callers.recognised(address, certificate_names, authorization)

    def enter(self, label: str, address: str) -> Refusal | None:
        """Give the request `label` a place, or say why there is none."""
        refusal = self.refusal()
        if refusal is not None:
            return refusal
        options = self.terms.options
        with self._counting:
            if len(self._served) >= options.max_requests:
                return TOO_MANY_REQUESTS
            own = sum(one == address for one in self._served.values())
            if own >= options.quota:
                return TOO_MANY_OF_ADDRESS
            self._served[label] = address
        self._metrics.association(AssociationResult.ACCEPTED, door=DoorKind.STOW)
        return None

    def count(self) -> int:
        """Return how many requests are served now."""
        with self._counting:
            return len(self._served)

    def leave(self, label: str) -> None:
        """Give the place of `label` free."""
        with self._counting:
            self._served.pop(label, None)
            self._counting.notify_all()

    def wait_until_empty(self, seconds: float) -> bool:
        """Wait so long at most until nobody is served; return whether that is so."""
        with self._counting:
            return self._counting.wait_for(lambda: not self._served, seconds)

    def turned_away(self, label: str, address: str, peer: str | None, refusal: Refusal) -> None:
        """Tell that a request was refused."""
        self._metrics.association(AssociationResult.REFUSED, door=DoorKind.STOW)
        self._metrics.refusal(refusal.code, door=DoorKind.STOW)
        self._log.warning(
            Event.REQUEST_REFUSED,
            association=label,
            peer=peer,
            code=refusal.code,
            http_status=refusal.status,
            caller=address,
        )
        self._put_on_record(address, peer, refusal.code)
        if refusal.is_callers_own:
            self._blame(label, address)

    def unsecured(self, label: str, address: str, fault: TlsFault) -> None:
        """Tell that hands could not be shaken."""
        self._metrics.refusal(fault, door=DoorKind.STOW)
        self._log.warning(
            Event.CONNECTION_REFUSED,
            association=label,
            code=fault,
            reason=fault.meaning,
            caller=address,
        )
        self._put_on_record(address, None, fault)
        self._blame(label, address)

    def _blame(self, label: str, address: str) -> None:
        """Count a refusal that is the caller's own; say so when it shuts the caller out."""
        if self.terms.gate.refused(address):
            self._log.warning(
                Event.CONNECTION_REFUSED,
                association=label,
                code=RefusalCode.REFUSED_OFTEN,
                caller=address,
            )
            self._put_on_record(address, None, RefusalCode.REFUSED_OFTEN)

    def _put_on_record(self, address: str, peer: str | None, code: RefusalCode | TlsFault) -> None:
        if self._record is not None:
            self._record.refused(address, peer, code)
