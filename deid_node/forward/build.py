"""The face of the family: from options to destinations, and what else differs by their kind.

Opens nothing yet. Whatever is asked of a kind is asked here, so that mypy names each
question that a new kind has not answered.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, assert_never
from urllib.parse import urlsplit

from deid_node.dicom.report import ReportHandler
from deid_node.dicom.tls import expiries
from deid_node.errors import ConfigurationError, DestinationUnavailable
from deid_node.forward.base import Destination
from deid_node.forward.dimse.call import call as call_archive
from deid_node.forward.dimse.commitment_request import CommitmentAsker
from deid_node.forward.dimse.cstore import CStoreDestination, archive_of
from deid_node.forward.dimse.echo import echo
from deid_node.forward.dimse.link import open_link
from deid_node.forward.folder import FolderDestination
from deid_node.forward.hearing import Hearing
from deid_node.forward.inquirer import Asker, Inquirer
from deid_node.forward.options import CStoreOptions, DestinationOptions, FolderOptions, RetryOptions
from deid_node.forward.stow.call import call as call_web_archive
from deid_node.forward.stow.confirmation import StoreAsker
from deid_node.forward.stow.destination import StowDestination, authorizer_of, site_of
from deid_node.forward.stow.link import require_library
from deid_node.forward.stow.options import StowOptions
from deid_node.machine import require_resolvable, require_writable
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.archive_commitments import Confirmations
from deid_node.spool.custody import Custody
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.values.certificate import Certificate
from deid_node.values.retry import RetryPolicy

_PROBE_SECONDS: Final = 10.0


def build_destination(
    name: str, options: DestinationOptions, files: BlobFiles = PLAIN
) -> Destination:
    """Return the destination that `options` describe; raise `ConfigurationError`.

    `files` opens the blobs that it delivers.
    """
    match options:
        case CStoreOptions():
            return CStoreDestination(name, options, files)
        case StowOptions():
            return StowDestination(name, options, files)
        case FolderOptions():
            return FolderDestination(name, options.dir, files)
        case _:
            assert_never(options)


def check_destination(
    name: str, options: DestinationOptions, *, ae_titles: Collection[str]
) -> None:
    """Check what `options` point to, of a node that answers to `ae_titles`.

    Raises `ConfigurationError` with the YAML path of the first fault.
    """
    path = f"forward.destinations.{name}"
    check_tls(name, options)
    match options:
        case CStoreOptions():
            require_own_title(options, ae_titles, path=path)
            require_resolvable(options.host, path=f"{path}.host")
        case StowOptions():
            require_library(f"{path}.kind")
            authorizer_of(name, options)
            require_resolvable(urlsplit(options.url).hostname or "", path=f"{path}.url")
        case FolderOptions():
            require_writable(options.dir, path=f"{path}.dir")
        case _:
            assert_never(options)


def check_tls(name: str, options: DestinationOptions) -> None:
    """Check the files of TLS that `options` name; raise `ConfigurationError`."""
    match options:
        case CStoreOptions():
            archive_of(name, options)
        case StowOptions():
            site_of(name, options)
        case FolderOptions():
            pass
        case _:
            assert_never(options)


def call_destination(name: str, options: DestinationOptions) -> None:
    """Ask a destination whether it answers, and send it nothing; call it after `check_tls`.

    Raises `DestinationUnavailable`; `ConfigurationError` where a secret cannot be read.
    """
    match options:
        case CStoreOptions():
            call_archive(archive_of(name, options))
        case StowOptions():
            call_web_archive(site_of(name, options), authorizer_of(name, options))
        case FolderOptions():
            # That it can be written to was seen.
            pass
        case _:
            assert_never(options)


def certificates_of(name: str, options: DestinationOptions) -> Sequence[Certificate]:
    """Return when the certificates for a destination expire; call it after `check_tls`."""
    match options:
        case CStoreOptions():
            return expiries(options.tls, f"forward_{name}")
        case StowOptions():
            return expiries(options.tls, f"forward_{name}")
        case FolderOptions():
            return ()
        case _:
            assert_never(options)


def probe(name: str, options: DestinationOptions) -> None:
    """Return if a destination is there, asked in its own way at this moment.

    An archive is sent a C-ECHO; one of the web is connected to, in TLS where it speaks that;
    a folder must be one that can be written to. Raises `DestinationUnavailable`, or
    `ConfigurationError` where the settings cannot be used.
    """
    match options:
        case CStoreOptions():
            echo(archive_of(name, options))
        case StowOptions():
            site = site_of(name, options)
            there = urlsplit(site.url)
            port = there.port or (443 if there.scheme == "https" else 80)
            tls = site.tls if there.scheme == "https" else None
            seconds = min(_PROBE_SECONDS, site.timeout_seconds)
            open_link(there.hostname or "", port, timeout_seconds=seconds, tls=tls).close()
        case FolderOptions():
            try:
                require_writable(options.dir, path=f"forward.destinations.{name}.dir")
            except ConfigurationError as error:
                raise DestinationUnavailable(error.reason) from None
        case _:
            assert_never(options)


def is_export(options: DestinationOptions) -> bool:
    """Return whether instances leave for media, and not for another node."""
    match options:
        case CStoreOptions() | StowOptions():
            return False
        case FolderOptions():
            return True
        case _:
            assert_never(options)


def reports_as(options: DestinationOptions) -> str | None:
    """Return the AE title by which a destination calls back with what it commits to, if it may."""
    match options:
        case CStoreOptions():
            return None if options.commitment == "off" else options.ae_title
        case StowOptions() | FolderOptions():
            return None
        case _:
            assert_never(options)


def build_inquirers(
    destinations: Mapping[str, DestinationOptions],
    custody: Custody,
    retry: RetryPolicy,
    *,
    metrics: Metrics,
    log: EventLog,
) -> tuple[Hearing, Mapping[str, Inquirer]]:
    """Return who hears what archives commit to, and who asks each of them, by name.

    Raises `ConfigurationError`.
    """
    asked = {
        name: terms
        for name, options in destinations.items()
        if (terms := _terms_of(options)) is not None
    }
    confirmations = Confirmations(
        custody, {name: terms.sendings for name, terms in asked.items()}, retry
    )
    hearing = Hearing(
        confirmations,
        {name: terms.demand == "required" for name, terms in asked.items()},
        metrics=metrics,
        log=log,
    )
    inquirers = {}
    for name, terms in asked.items():
        asker = _asker_of(name, destinations[name], hearing)
        if asker is not None:
            inquirers[name] = Inquirer(
                name,
                asker,
                confirmations,
                hearing,
                demand=terms.demand,
                limit_seconds=terms.limit_seconds,
                retry=retry,
                log=log,
            )
    return hearing, inquirers


@dataclass(frozen=True, slots=True)
class _Terms:
    """On what terms a destination is asked whether it keeps what it took."""

    demand: Literal["required", "wanted", "off"]
    limit_seconds: float
    sendings: int


def _terms_of(options: DestinationOptions) -> _Terms | None:
    """Return the terms of a destination that may be asked, asked or not."""
    match options:
        case CStoreOptions():
            return _Terms(
                options.commitment, options.commitment_seconds, options.commitment_sendings
            )
        case StowOptions():
            demand: Literal["required", "off"] = "off" if options.confirm == "off" else "required"
            return _Terms(demand, options.confirm_seconds, options.confirm_sendings)
        case FolderOptions():
            return None
        case _:
            assert_never(options)


def _asker_of(name: str, options: DestinationOptions, hearing: Hearing) -> Asker | None:
    match options:
        case CStoreOptions():
            return CommitmentAsker(archive_of(name, options), ReportHandler(hearing.hear))
        case StowOptions():
            return StoreAsker(
                site_of(name, options),
                authorizer_of(name, options),
                hearing.hear,
                by=options.confirm,
                limit_seconds=options.confirm_seconds,
            )
        case FolderOptions():
            return None
        case _:
            assert_never(options)


def reporting_titles(destinations: Mapping[str, DestinationOptions]) -> frozenset[str]:
    """Return the AE titles of the archives that are asked for their commitment."""
    titles = map(reports_as, destinations.values())
    return frozenset(title for title in titles if title is not None)


def require_own_title(options: CStoreOptions, ae_titles: Collection[str], *, path: str) -> None:
    """Raise `ConfigurationError` when an archive's reports would not be for us.

    It calls back the title that asked it, and the doors answer to `ae_titles`.
    """
    if options.commitment != "off" and options.calling_ae_title not in ae_titles:
        raise ConfigurationError(
            f"{path}.commitment",
            "calling_ae_title must be receive.ae_title, or that of a listener:"
            " the archive reports to the title it knows",
        )


def build_retry(options: RetryOptions) -> RetryPolicy:
    """Return when failed deliveries are tried again; a cap below the first wait is raised to it."""
    return RetryPolicy(
        options.first_seconds,
        options.factor,
        max(options.first_seconds, options.cap_seconds),
    )
