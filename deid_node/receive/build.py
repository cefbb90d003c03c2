"""The face of the doors: from options to them and the reporter behind; opens nothing yet."""

import threading
from collections.abc import Callable, Collection, Sequence

from deid_node.audit.records import DoorRecord
from deid_node.dicom.tls import expiries, server_tls
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.commitment import CommitmentHandler
from deid_node.receive.dimse.commitment_reporter import Reporter, build_callbacks
from deid_node.receive.dimse.scp import StorageScp
from deid_node.receive.dimse.status import status_of
from deid_node.receive.dimse.store import StoreHandler
from deid_node.receive.intake import Intake
from deid_node.receive.options import TLS_PATH, ReceiveOptions
from deid_node.receive.users import Users
from deid_node.spool.arrivals import Arrivals
from deid_node.spool.custody import Custody
from deid_node.spool.sender_commitments import Commitments
from deid_node.values.certificate import Certificate
from deid_node.values.confirmation import ConfirmationReport
from deid_node.values.identity import InstanceId


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
) -> tuple[StorageScp, Reporter]:
    """Return the door and the reporter; raise `ConfigurationError`.

    `offer` tells the queue of a new instance and its sender; `record` is for the
    audit trail; `hear` takes the reports of the archives with the AE titles `archives`.
    """
    listed = () if options.peers == "any" else options.peers
    commitments = Commitments(custody, {peer.name: peer.asks_for for peer in listed})
    news = threading.Event()
    intake = Intake(
        Arrivals(custody), offer, status_of=status_of, metrics=metrics, log=log, record=record
    )
    door = StorageScp(
        options,
        StoreHandler(intake),
        require_room=custody.require_room,
        commit=CommitmentHandler(commitments, news.set, log=log),
        hear=hear,
        archives=archives,
        metrics=metrics,
        log=log,
        record=record,
    )
    reporter = Reporter(
        commitments,
        build_callbacks(options.peers),
        door.quiet_association,
        news=news,
        ae_title=options.ae_title,
        metrics=metrics,
        log=log,
    )
    return door, reporter


def check_reception(options: ReceiveOptions) -> None:
    """Check the files that `options` name; raise `ConfigurationError` with the YAML path."""
    if options.tls is not None:
        server_tls(options.tls, TLS_PATH)
    build_callbacks(options.peers)
    if options.user_identity is not None:
        Users.read(options.user_identity.users_file)


def certificates_of(options: ReceiveOptions) -> Sequence[Certificate]:
    """Return when the certificates of the doors expire; call it after `check_reception`."""
    return expiries(options.tls, "receive")
