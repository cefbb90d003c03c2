"""From options to destinations; opens nothing yet."""

from collections.abc import Mapping
from typing import assert_never

from deid_node.dicom.report import ReportHandler
from deid_node.errors import ConfigurationError
from deid_node.forward.base import Destination
from deid_node.forward.dimse.commitment_requester import Inquirer
from deid_node.forward.dimse.commitment_results import Hearing
from deid_node.forward.dimse.cstore import CStoreDestination, archive_of
from deid_node.forward.folder import FolderDestination
from deid_node.forward.options import CStoreOptions, DestinationOptions, FolderOptions, RetryOptions
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.spool.archive_commitments import Confirmations
from deid_node.spool.custody import Custody
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.values.retry import RetryPolicy


def build_destination(
    name: str, options: DestinationOptions, files: BlobFiles = PLAIN
) -> Destination:
    """Return the destination that `options` describe; raise `ConfigurationError`.

    `files` opens the blobs that it delivers.
    """
    match options:
        case CStoreOptions():
            return CStoreDestination(name, options, files)
        case FolderOptions():
            return FolderDestination(name, options.dir, files)
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
    archives = {
        name: options
        for name, options in destinations.items()
        if isinstance(options, CStoreOptions)
    }
    confirmations = Confirmations(
        custody, {name: one.commitment_sendings for name, one in archives.items()}, retry
    )
    hearing = Hearing(
        confirmations,
        {name: one.commitment == "required" for name, one in archives.items()},
        metrics=metrics,
        log=log,
    )
    return hearing, {
        name: Inquirer(
            name,
            archive_of(name, options),
            confirmations,
            hearing,
            ReportHandler(hearing.hear),
            demand=options.commitment,
            limit_seconds=options.commitment_seconds,
            retry=retry,
            log=log,
        )
        for name, options in archives.items()
    }


def reporting_titles(destinations: Mapping[str, DestinationOptions]) -> frozenset[str]:
    """Return the AE titles of the archives that are asked for their commitment."""
    return frozenset(
        options.ae_title
        for options in destinations.values()
        if isinstance(options, CStoreOptions) and options.commitment != "off"
    )


def require_own_title(options: CStoreOptions, ae_title: str, *, path: str) -> None:
    """Raise `ConfigurationError` when an archive's reports would not be for us.

    It calls back the title that asked it, and the door answers to one title, `ae_title`.
    """
    if options.commitment != "off" and options.calling_ae_title != ae_title:
        raise ConfigurationError(
            f"{path}.commitment",
            "calling_ae_title must be receive.ae_title: the archive reports to the title it knows",
        )


def build_retry(options: RetryOptions) -> RetryPolicy:
    """Return when failed deliveries are tried again; a cap below the first wait is raised to it."""
    return RetryPolicy(
        options.first_seconds,
        options.factor,
        max(options.first_seconds, options.cap_seconds),
    )
