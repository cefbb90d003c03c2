"""From options to destinations; opens nothing yet."""

from typing import assert_never

from deid_node.forward.base import Destination
from deid_node.forward.cstore import CStoreDestination
from deid_node.forward.folder import FolderDestination
from deid_node.forward.options import CStoreOptions, DestinationOptions, FolderOptions, RetryOptions
from deid_node.values.retry import RetryPolicy


def build_destination(name: str, options: DestinationOptions) -> Destination:
    """Return the destination that `options` describe; raise `ConfigurationError`."""
    match options:
        case CStoreOptions():
            return CStoreDestination(name, options)
        case FolderOptions():
            return FolderDestination(name, options.dir)
        case _:
            assert_never(options)


def build_retry(options: RetryOptions) -> RetryPolicy:
    """Return when failed deliveries are tried again; a cap below the first wait is raised to it."""
    return RetryPolicy(
        options.first_seconds,
        options.factor,
        max(options.first_seconds, options.cap_seconds),
    )
