"""The face of the doors: from options to them and the reporter behind; opens nothing yet."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deid_node.audit.records import DoorRecord
from deid_node.dicom.tls import expiries, server_tls
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.base import Door
from deid_node.receive.dimse.acceptor import Acceptor
from deid_node.receive.dimse.commitment import CommitmentHandler
from deid_node.receive.dimse.commitment_reporter import Callback, Reporter, build_callbacks
from deid_node.receive.dimse.doorkeeper import Terms
from deid_node.receive.dimse.scp import StorageScp
from deid_node.receive.dimse.store import StoreHandler
from deid_node.receive.intake import Intake
from deid_node.receive.options import ReceiveOptions
from deid_node.receive.peers import Peers
from deid_node.receive.status import status_of
from deid_node.receive.stow import build as stow_build
from deid_node.receive.stow.build import build_stow, check_stow
from deid_node.receive.stow.gatekeeper import StowTerms
from deid_node.receive.users import Users
from deid_node.spool.arrivals import Arrivals
from deid_node.spool.custody import Custody
from deid_node.spool.sender_commitments import Commitments
from deid_node.values.certificate import Certificate
from deid_node.values.commitment import Commitment
from deid_node.values.confirmation import ConfirmationReport
from deid_node.values.identity import InstanceId

if TYPE_CHECKING:
    from deid_node.receive.stow.server import StowServer


@dataclass(frozen=True, slots=True)
class ReceptionTerms:
    """What a reception is to keep to from now on: for each of its doors, and behind them."""

    ports: tuple[Terms, ...]
    stow: StowTerms | None
    asks_for: Mapping[str, Sequence[str]]
    callbacks: Mapping[str, Callback]


@dataclass(frozen=True, slots=True)
class Reception:
    """Every door of the node, and who answers behind them."""

    ports: tuple[StorageScp, ...]
    """Those of associations."""
    stow: "StowServer | None"
    reporter: Reporter
    commitments: Commitments

    @property
    def doors(self) -> tuple[Door, ...]:
        """All of them; that of STOW-RS is the last."""
        return self.ports if self.stow is None else (*self.ports, self.stow)

    def adopt(self, terms: ReceptionTerms, hear: Callable[[ConfirmationReport], bool]) -> None:
        """Keep to `terms` from now on, made for the same ports; nothing open is disturbed."""
        self.commitments.adopt(terms.asks_for)
        self.reporter.adopt(terms.callbacks)
        for port, own in zip(self.ports, terms.ports, strict=True):
            port.adopt(own, hear)
        if self.stow is not None and terms.stow is not None:
            self.stow.adopt(terms.stow)


def build_terms(options: ReceiveOptions, archives: Collection[str]) -> ReceptionTerms:
    """Return the terms that `options` say; raise `ConfigurationError`."""
    return ReceptionTerms(
        tuple(Terms(listening.options, archives) for listening in options.listening),
        None if options.stow is None else StowTerms(options.stow),
        _asks_for(options),
        build_callbacks(options),
    )


def _asks_for(options: ReceiveOptions) -> Mapping[str, Sequence[str]]:
    return {peer.name: peer.asks_for for _, peer in options.each_peer()}


def build_reception(
    options: ReceiveOptions,
    custody: Custody,
    offer: Callable[[InstanceId, str], object],
    *,
    metrics: Metrics,
    log: EventLog,
    record: DoorRecord | None = None,
    hear: Callable[[ConfirmationReport], bool] = lambda _report: False,
    archives: Collection[str] = (),
) -> Reception:
    """Return the doors and the reporter; raise `ConfigurationError`.

    `offer` tells the queue of a new instance and its sender; `record` is for the
    audit trail; `hear` takes the reports of the archives with the AE titles `archives`.
    """
    commitments = Commitments(
        custody, {peer.name: peer.asks_for for _, peer in options.each_peer()}
    )
    news = threading.Event()
    intake = Intake(
        Arrivals(custody), offer, status_of=status_of, metrics=metrics, log=log, record=record
    )
    ports = tuple(
        StorageScp(
            listening,
            StoreHandler(intake, listening.name),
            require_room=custody.require_room,
            commit=CommitmentHandler(commitments, news.set, log=log),
            hear=hear,
            archives=archives,
            metrics=metrics,
            log=log,
            record=record,
        )
        for listening in options.listening
    )

    def quiet_association(commitment: Commitment) -> Acceptor | None:
        found = (door.quiet_association(commitment) for door in ports)
        return next((one for one in found if one is not None), None)

    reporter = Reporter(
        commitments,
        build_callbacks(options),
        quiet_association,
        news=news,
        metrics=metrics,
        log=log,
    )
    stow = None
    if options.stow is not None:
        stow = build_stow(
            options.stow,
            intake,
            require_room=custody.require_room,
            metrics=metrics,
            log=log,
            record=record,
        )
    return Reception(ports, stow, reporter, commitments)


def check_reception(options: ReceiveOptions) -> None:
    """Check the files that `options` name; raise `ConfigurationError` with the YAML path."""
    for listening in options.listening:
        if listening.options.tls is not None:
            server_tls(listening.options.tls, f"{listening.setting}.tls")
        if listening.options.user_identity is not None:
            Users.read(listening.options.user_identity.users_file)
    build_callbacks(options)
    if options.stow is not None:
        check_stow(options.stow)


def certificates_of(options: ReceiveOptions) -> Sequence[Certificate]:
    """Return when the certificates of the doors expire; call it after `check_reception`."""
    return [
        certificate
        for listening in options.listening
        for certificate in expiries(listening.options.tls, listening.part)
    ] + [*stow_build.certificates_of(options.stow)]


def peer_names(options: ReceiveOptions) -> Sequence[str]:
    """Return the names of all who may send, at whichever port."""
    found = (name for one in options.listening for name in Peers(one.options.peers).names)
    return tuple(dict.fromkeys((*found, *stow_build.peer_names(options.stow))))


def ae_titles(options: ReceiveOptions) -> frozenset[str]:
    """Return the AE titles that the doors answer to."""
    return frozenset(one.options.ae_title for one in options.listening)
