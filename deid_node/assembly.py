"""From a configuration to a node: the only place that knows every class.

All or nothing: nothing is caught here. A part that cannot be built stops the
start, because a node without its leak check is worse than no node.
"""

from collections.abc import Callable
from functools import partial
from typing import TextIO

from prometheus_client import CollectorRegistry

from deid_node import __version__
from deid_node.audit import build as audit_build
from deid_node.checks import (
    blob_files,
    certificates_of,
    check_all,
    configured_names,
    usable_certificates,
)
from deid_node.config.schema import Config
from deid_node.corridor import corridor_factory, keys_of
from deid_node.forward.build import reporting_titles
from deid_node.forward.outgoing import Outgoing
from deid_node.forward.sender import Sender
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.build import require_key_file
from deid_node.node import Node, Parts
from deid_node.notify.build import build_notifier
from deid_node.observe.collectors import aside_trouble, certificate_trouble, stranded_trouble
from deid_node.observe.exporter import Exporter
from deid_node.observe.health import Check, Health, PartCheck
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.pipeline import Corridor
from deid_node.receive.build import build_reception
from deid_node.reload.builder import PartsBuilder
from deid_node.reload.reloader import Reloader
from deid_node.reload.renewal import InForce, Living, Renewal
from deid_node.review.build import build_review, drawing_of
from deid_node.review.looker import LookerFactory
from deid_node.spool.claims import Claims
from deid_node.spool.clock import Clock
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions
from deid_node.spool.foundlings import Foundlings
from deid_node.spool.inventory import Inventory
from deid_node.spool.leftovers import Leftovers
from deid_node.spool.reload_note import ReloadNotes
from deid_node.spool.retention import Retention
from deid_node.status import StatusReader
from deid_node.values.state import InstanceState
from deid_node.work.admission import Admission
from deid_node.work.closing import Closing
from deid_node.work.janitor import Janitor
from deid_node.work.queue import WorkQueue
from deid_node.work.shifts import Shifts


def build_node(
    config: Config,
    *,
    stream: TextIO,
    new_journal: bool = False,
    takes_new_key: bool = False,
    read: Callable[[], Config] | None = None,
) -> Node:
    """Return the node that `config` describes; its log goes to `stream`.

    `new_journal` and `takes_new_key`: a person has said that the journal is lost, or that
    another pseudonym key is meant. `read` reads the configuration anew where the node is
    asked to; without it, it cannot be.

    Raises `ConfigurationError` for whatever `check_all` would name.
    """
    check_all(config)
    in_force = InForce(config)
    key = require_key_file(config.metadata)
    log = EventLog(stream, config.observe.log_level, form=config.observe.log_form)
    metrics = Metrics(CollectorRegistry(), configured_names(config))
    files = blob_files(config)
    pseudonyms = Pseudonyms(key)
    custody = Custody(
        config.spool,
        exclusive=True,
        files=files,
        new_journal=new_journal,
        mark=pseudonyms.accession_mark,
    )
    retention, queue, outgoing = Retention(custody), WorkQueue(), Outgoing()
    audit = audit_build.build_audit(
        config.audit,
        config.spool.dir,
        ae_title=config.receive.ae_title,
        new_uid=pseudonyms.uid,
        metrics=metrics,
        log=log,
    )
    build = PartsBuilder(
        lambda one: corridor_factory(one, keys=tuple(keys_of(one).values()), files=blob_files(one)),
        custody,
        files,
        queue,
        outgoing,
        audit,
        metrics,
        log,
        drawing_of(config.review, key),
    )
    built = build(config)
    outgoing.appoint(built.senders)
    shifts = Shifts(built.engine)
    reception = build_reception(
        config.receive,
        custody,
        queue.offer,
        metrics=metrics,
        log=log,
        record=audit.door,
        hear=built.hear,
        archives=reporting_titles(config.forward.destinations),
    )

    review = build_review(
        config.review,
        custody,
        LookerFactory(built.factory, files, pseudonyms.uid),
        queue.offer,
        regions=lambda: in_force.config.pixels.regions,
        regions_file=lambda: in_force.config.pixels.regions_file,
        metrics=metrics,
        log=log,
        status=StatusReader(lambda: in_force.config, custody),
        reload=lambda: node.reload(),  # noqa: PLW0108 - the node is made below
    )

    def show(factory: Callable[[], Corridor]) -> None:
        if review is not None:
            review.adopt(LookerFactory(factory, files, pseudonyms.uid))

    inventory = Inventory(custody)
    metrics.watch_custody(inventory)
    metrics.watch_unconfirmed(inventory)
    leftovers = Leftovers(custody, tuple(config.forward.destinations))
    metrics.watch_leftovers(leftovers)
    metrics.watch_certificates(lambda: certificates_of(in_force.config))
    metrics.build_info(version=__version__, **built.build_info)

    def advice() -> list[Check]:
        # The node takes instances also while an archive is away: the spool is there for that.
        return [
            *(
                PartCheck(f"forward_{name}", _reachability(one))
                for name, one in outgoing.senders.items()
            ),
            PartCheck("forward", partial(stranded_trouble, leftovers)),
            PartCheck("files", partial(aside_trouble, leftovers)),
            PartCheck(
                "certificates",
                lambda: certificate_trouble(lambda: usable_certificates(in_force.config)),
            ),
            PartCheck("audit", audit.trouble),
        ]

    health = Health(
        [
            *(PartCheck(door.name, door.trouble) for door in reception.doors),
            PartCheck("work", lambda: None if shifts.ready_workers else "no_workers"),
            # Its error's code is the trouble.
            PartCheck("spool", custody.require_room),
        ],
        advisory=advice(),
    )
    clock = Clock(custody, built.longest_wait_seconds)
    living = Living(
        custody=custody,
        reception=reception,
        outgoing=outgoing,
        shifts=shifts,
        leftovers=leftovers,
        clock=clock,
        health=health,
        metrics=metrics,
        log=log,
        advice=advice,
        show=show,
    )
    renewal = Renewal(in_force, living, build)
    node = Node(
        Parts(
            custody=custody,
            retention=retention,
            engine=shifts,
            outgoing=outgoing,
            janitor=Janitor(
                retention=retention,
                waiting=Claims(custody),
                decisions=Decisions(custody),
                queue=queue,
                log=log,
                reserve_bytes=config.spool.reserve_bytes,
                clock=clock,
                leftovers=leftovers,
                closing=Closing.over(custody, queue, metrics=metrics, log=log),
                record=audit.decided,
            ),
            reporter=reception.reporter,
            doors=reception.doors,
            exporter=Exporter(
                config.observe.http.host, config.observe.http.port, metrics, health, log=log
            ),
            health=health,
            log=log,
            audit=audit.part,
            notifier=build_notifier(
                config.notify,
                node=config.receive.ae_title,
                health=health.ready,
                withheld=lambda: inventory.waiting()[InstanceState.WITHHELD][0],
                log=log,
            ),
            admission=Admission(
                built.key_marks,
                Foundlings(custody),
                metrics=metrics,
                log=log,
                takes_new_key=takes_new_key,
            ),
            review=review,
            reloader=(
                None
                if read is None
                else Reloader(renewal, read, ReloadNotes(custody), metrics=metrics, log=log)
            ),
        )
    )
    return node


def _reachability(sender: Sender) -> Callable[[], str | None]:
    return lambda: None if sender.reachable else "destination_unreachable"
