"""How the node is and where a study is: the same answers for a command and for the desk.

All of it is read from the journal, the configuration and the disk, so that it can be asked
beside a running node, of one that has stopped, or of one that does not start.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from deid_node import __version__
from deid_node.checks import certificates_of
from deid_node.config.fingerprint import fingerprint_of
from deid_node.config.schema import Config
from deid_node.corridor import keys_of
from deid_node.errors import ConfigurationError, DestinationUnavailable, InputError, SpoolInUse
from deid_node.forward.build import probe
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.build import require_key_file
from deid_node.spool.custody import LOCK_NAME, Custody
from deid_node.spool.flow import Flow
from deid_node.spool.inventory import Inventory, StudyStatus
from deid_node.spool.lock import holder_of
from deid_node.spool.open_series import OpenSeriesList
from deid_node.spool.reload_note import ReloadNotes
from deid_node.values.status import (
    CertificateStatus,
    ConfigurationStatus,
    NodeStatus,
    PortStatus,
    SeriesStatus,
    WaitingStatus,
)

_DAY_SECONDS = 86_400.0
_MOST_SERIES = 50


@dataclass(frozen=True, slots=True)
class StatusReader:
    """Answers from an open spool and a configuration; every method may raise `CustodyError`.

    `settings` gives the configuration: that of a running node may be another by and by.
    """

    settings: Callable[[], Config]
    custody: Custody

    @property
    def config(self) -> Config:
        """The configuration of this moment."""
        return self.settings()

    def node(self) -> NodeStatus:
        """Return how the node is."""
        config, inventory, flow = self.config, Inventory(self.custody), Flow(self.custody)
        hour, day, counted = flow.received()
        note = ReloadNotes(self.custody).last()
        return NodeStatus(
            version=__version__,
            process=self._process(),
            configuration=(
                None
                if note is None
                else ConfigurationStatus(
                    note.configuration,
                    note.configuration == fingerprint_of(config),
                    note.since,
                    note.result,
                    note.at,
                    note.reason,
                )
            ),
            ports=tuple(ports_of(config)),
            waiting=tuple(
                WaitingStatus(state, count, oldest)
                for state, (count, oldest) in inventory.waiting().items()
            ),
            series=tuple(self._series()),
            received_last_hour=hour,
            received_last_day=day,
            counted=counted,
            peers=tuple(flow.peers()),
            destinations=tuple(flow.destinations(tuple(config.forward.destinations))),
            certificates=tuple(self._certificates()),
            free_bytes=inventory.free_bytes(),
            reserve_bytes=config.spool.reserve_bytes,
        )

    def release_series(self, number: int, person: str) -> int:
        """Let a series go on that is waited for; return how many instances do. 0: none is."""
        return OpenSeriesList(self.custody).release([number], person=person)

    def study(self, uid: str) -> StudyStatus | None:
        """Return where a study is, by its UID as it was sent or as it left; None: nothing came."""
        keys = set(keys_of(self.config).values())
        return Inventory(self.custody).study(uid, *(Pseudonyms(key).uid(uid) for key in keys))

    def left_study(self, uid: str) -> StudyStatus | None:
        """Return where a study is, by its new UID alone."""
        return Inventory(self.custody).left_study(uid)

    def accession(self, number: str) -> StudyStatus | None:
        """Return where the studies of an Accession Number are; None: nothing came."""
        key = require_key_file(self.config.metadata)
        mark = Pseudonyms(key).accession_mark(number.strip())
        return Inventory(self.custody).study(accession_mark=mark)

    def echo(self, destination: str) -> str | None:
        """Ask a destination whether it is there; return None, or why it is not.

        Raises `InputError` for one that the configuration does not name.
        """
        options = self.config.forward.destinations.get(destination)
        if options is None:
            raise InputError("the configuration has no destination of that name")
        try:
            probe(destination, options)
        except (ConfigurationError, DestinationUnavailable) as error:
            return str(error)
        return None

    def _series(self) -> list[SeriesStatus]:
        return [
            SeriesStatus(
                *(one.number, one.treatment, one.instances, one.expected),
                *(one.opened_at, one.closes_at),
            )
            for one in OpenSeriesList(self.custody).waiting()[:_MOST_SERIES]
        ]

    def _process(self) -> int | None:
        with suppress(SpoolInUse):
            holder = holder_of(self.custody.blobs.root / LOCK_NAME)
            return None if holder is None else holder.process
        # It holds the spool, and is of a version that does not say who it is.
        return 0

    def _certificates(self) -> list[CertificateStatus]:
        now = datetime.now(UTC)
        with suppress(OSError, ValueError, ConfigurationError):
            return [
                CertificateStatus(
                    one.part,
                    one.setting,
                    int((one.expires_at - now).total_seconds() // _DAY_SECONDS),
                )
                for one in certificates_of(self.config)
            ]
        return []


def ports_of(config: Config) -> list[PortStatus]:
    """Return every port that the configuration has the node listen on."""
    ports = [
        PortStatus(
            one.name, "dicom", one.options.host, one.options.port, one.options.tls is not None
        )
        for one in config.receive.listening
    ]
    http, review, stow = config.observe.http, config.review, config.receive.stow
    if stow is not None:
        ports.append(PortStatus("", "stow", stow.host, stow.port, stow.tls is not None))
    ports.append(PortStatus("", "metrics", http.host, http.port, tls=False))
    if review is not None:
        ports.append(PortStatus("", "desk", review.host, review.port, review.tls is not None))
    return ports
