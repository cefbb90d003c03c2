"""Who may come in: every caller is admitted, or turned away in the words of the Standard.

A caller is looked at three times: by its address when it connects, by its certificate
where TLS is spoken, and by what it says of itself when it asks for an association.
"""

import threading
from collections.abc import Callable, Collection
from typing import Final

from pynetdicom.events import Event as Message
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from deid_node.audit.records import DoorRecord
from deid_node.errors import CustodyError
from deid_node.observe.events import Event
from deid_node.observe.labels import AssociationResult
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.acceptor import Acceptor, acceptor_of
from deid_node.receive.dimse.contexts import accepted_contexts, only_reports
from deid_node.receive.dimse.listener import door_of
from deid_node.receive.dimse.refusal import (
    CALLED_AE_UNKNOWN,
    CALLING_AE_UNKNOWN,
    CLOSING,
    NO_ROOM,
    NOT_IDENTIFIED,
    TOO_MANY_ASSOCIATIONS,
    TOO_MANY_OF_ADDRESS,
    WRONG_CERTIFICATE,
    Refusal,
)
from deid_node.receive.options import ReceiveOptions
from deid_node.receive.peers import Peers, names_in
from deid_node.receive.rate_limit import Gate
from deid_node.receive.users import Users
from deid_node.values.refusal import RefusalCode, TlsFault

# So many may knock beside those that are served, to be refused in order.
_MORE_CONNECTIONS: Final = 256
_MORE_OF_ADDRESS: Final = 192


class Terms:
    """Under which terms callers are admitted: who, how many, and how often they may be wrong.

    `archives` are the AE titles that may call with reports, whoever else may. Raises
    `ConfigurationError` where the file of the users cannot be used.
    """

    def __init__(self, options: ReceiveOptions, archives: Collection[str]) -> None:
        self.options: Final = options
        self.peers: Final = Peers(options.peers)
        self.archives: Final = frozenset(archives)
        self.gate: Final = Gate(options.max_refusals_per_minute)
        named = options.user_identity
        self.users: Final = None if named is None else Users.read(named.users_file)


class Doorkeeper:
    """Decides about each caller, gives the admitted ones their place, and tells of the others.

    `require_room` raises `CustodyError` while the spool can take nothing. `record` is for
    the audit trail; None keeps none. Any thread may call. Nobody is admitted before there
    are terms (`adopt`).
    """

    def __init__(
        self,
        *,
        require_room: Callable[[], None],
        metrics: Metrics,
        log: EventLog,
        record: DoorRecord | None,
    ) -> None:
        self._terms: Terms | None = None
        self._require_room = require_room
        self._metrics = metrics
        self._log = log
        self._record = record
        self._closing = threading.Event()
        self._served: set[Acceptor] = set()
        self._counting = threading.Lock()

    def adopt(self, terms: Terms) -> None:
        """Judge callers by `terms` from now on; whoever was admitted goes on."""
        self._terms = terms

    def close(self) -> None:
        """Admit nobody any more."""
        self._closing.set()

    @property
    def served(self) -> list[Acceptor]:
        """The associations that have a place now."""
        with self._counting:
            return list(self._served)

    def refusal(self) -> Refusal | None:
        """Return why the house admits nobody now, whoever it is; None: it does."""
        if self._closing.is_set() or self._terms is None:
            return CLOSING
        try:
            self._require_room()
        except CustodyError:
            return NO_ROOM
        return None

    def requested(self, message: Message) -> None:
        """Admit the association that is asked for, or turn it away; a handler of pynetdicom."""
        association, terms = acceptor_of(message), self._terms
        request = association.requestor.primitive
        if request is None or terms is None:
            raise TypeError("an association without its request, or without terms")
        calling, called = str(request.calling_ae_title), str(request.called_ae_title)
        # Where some character stands for others, the title is that of no peer on the list.
        known = calling if association.has_plain_title else ""
        address = str(association.requestor.address)
        peer = terms.peers.name_of(known, address, names_in(door_of(association).certificate()))
        proposed = request.presentation_context_definition_list
        reports = known.strip() in terms.archives and only_reports(proposed)
        refusal = self.refusal()
        if reports and refusal is NO_ROOM:
            # What an archive confirms makes room.
            refusal = None
        if called.strip() != terms.options.ae_title:
            refusal = CALLED_AE_UNKNOWN
        elif peer is None and not reports:
            bound = terms.peers.lacks_certificate(known, address)
            refusal = WRONG_CERTIFICATE if bound else CALLING_AE_UNKNOWN
        elif not reports and not _identified(association, terms):
            refusal = NOT_IDENTIFIED
        elif refusal is None:
            refusal = self._entered(association, address, terms.options)
        if refusal is not None:
            self._turn_away(association, refusal, peer, terms)
            return
        association.peer = peer
        association.acceptor.supported_contexts = accepted_contexts(proposed)
        self._metrics.association(AssociationResult.ACCEPTED)
        self._log.info(Event.ASSOCIATION_ACCEPTED, association=association.label, peer=peer)

    def admits(self, address: str, standing: int, own: int) -> bool:
        """Return whether to hear one more from `address`, of which `own` of `standing` are."""
        code, terms = None, self._terms
        if terms is None:
            return False
        options = terms.options
        if not terms.gate.is_open(address):
            code = RefusalCode.REFUSED_OFTEN
        elif own >= options.quota + _MORE_OF_ADDRESS or (
            standing >= options.max_associations + _MORE_CONNECTIONS
        ):
            code = RefusalCode.TOO_MANY_CONNECTIONS
        if code is None:
            return True
        self._metrics.refusal(code)
        # A flood of callers must not become a flood of lines.
        self._log.debug(Event.CONNECTION_REFUSED, code=code, caller=address)
        return False

    def unsecured(self, association: Acceptor, fault: TlsFault) -> None:
        """Tell that hands could not be shaken."""
        self._metrics.refusal(fault)
        self._log.warning(
            Event.CONNECTION_REFUSED,
            association=association.label,
            code=fault,
            reason=fault.meaning,
            caller=str(association.requestor.address),
        )
        self._put_on_record(association, None, fault)
        self._blame(association)

    def ended(self, association: Acceptor) -> None:
        """Give the place of an association that is over free, if it had one."""
        with self._counting:
            self._served.discard(association)
        if not association.is_understood:
            self._broken_off(association)

    def _blame(self, association: Acceptor) -> None:
        """Count a refusal that is the caller's own; say so when it shuts the caller out."""
        terms = self._terms
        if terms is not None and terms.gate.refused(str(association.requestor.address)):
            self._log.warning(
                Event.CONNECTION_REFUSED,
                association=association.label,
                code=RefusalCode.REFUSED_OFTEN,
                caller=str(association.requestor.address),
            )
            self._put_on_record(association, None, RefusalCode.REFUSED_OFTEN)

    def _put_on_record(
        self, association: Acceptor, peer: str | None, code: RefusalCode | TlsFault
    ) -> None:
        if self._record is not None:
            self._record.refused(str(association.requestor.address), peer, code)

    def _entered(
        self, association: Acceptor, address: str, options: ReceiveOptions
    ) -> Refusal | None:
        """Give the association a place, or say which there is none of."""
        with self._counting:
            if len(self._served) >= options.max_associations:
                return TOO_MANY_ASSOCIATIONS
            own = sum(str(one.requestor.address) == address for one in self._served)
            if own >= options.quota:
                return TOO_MANY_OF_ADDRESS
            self._served.add(association)
            return None

    def _turn_away(
        self, association: Acceptor, refusal: Refusal, peer: str | None, terms: Terms
    ) -> None:
        # Before the caller hears it: it may come again at once.
        self._metrics.association(AssociationResult.REFUSED)
        self._metrics.refusal(refusal.code)
        calling, called = _titles(association, terms.options)
        self._log.warning(
            Event.ASSOCIATION_REFUSED,
            association=association.label,
            peer=peer,
            code=refusal.code,
            caller=str(association.requestor.address),
            calling_ae=calling,
            called_ae=called,
        )
        self._put_on_record(association, peer, refusal.code)
        if refusal.is_callers_own:
            self._blame(association)
        association.acse.send_reject(refusal.result, refusal.source, refusal.diagnostic)
        association.kill()

    def _broken_off(self, association: Acceptor) -> None:
        """Say that a request could not be read: its caller hears nothing but an abort."""
        code = RefusalCode.NOT_UNDERSTOOD
        self._metrics.refusal(code)
        self._log.warning(
            Event.CONNECTION_REFUSED,
            association=association.label,
            code=code,
            caller=str(association.requestor.address),
        )
        self._blame(association)


def _identified(association: Acceptor, terms: Terms) -> bool:
    """Return whether the caller is a user, and see to it that it hears so if it asked."""
    options, shown = terms.options.user_identity, association.requestor.user_identity
    if options is None or terms.users is None:
        return True
    if shown is None:
        return not options.required
    kind = shown.user_identity_type
    if not terms.users.knows(kind or 0, shown.primary_field or b"", shown.secondary_field or b""):
        return False
    if shown.positive_response_requested:
        answer = UserIdentityNegotiation()
        answer.server_response = b""
        association.acceptor.add_negotiation_item(answer)
    return True


def _titles(association: Acceptor, options: ReceiveOptions) -> tuple[str | None, str | None]:
    """Return what a caller calls itself and us, where the site wants to read it."""
    request = association.requestor.primitive
    if request is None or not options.log_ae_titles:
        return None, None
    return str(request.calling_ae_title).strip(), str(request.called_ae_title).strip()
