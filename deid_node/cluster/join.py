"""Joins a Ray cluster as its driver, once, and says what the cluster lacks."""

import os
import socket
from typing import Any

from deid_node.cluster.protections import open_cluster, open_head, tls_files, unprotected


def join(address: str) -> str | None:
    """Join the cluster whose head is at `address`; return why no node may work with it, or None.

    It is not joined where that shows before. Raises `HeadUnreachable`, and `ConfigurationError`
    where there are no certificates.
    """
    files = tls_files(os.environ)
    lacking = unprotected(os.environ) or open_head(_numeric(address), files)
    if lacking is not None:
        return lacking
    import ray
    from ray._common.usage.usage_lib import get_cluster_metadata
    from ray._private.worker import global_worker

    # `log_to_driver`: what actors print would be printed here.
    context: Any = ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    return open_cluster(
        context.address_info.get("webui_url") or "",
        get_cluster_metadata(global_worker.gcs_client) or {},
    )


def _numeric(address: str) -> str:
    """Return the address with its host as a number: Ray compares certificates with that."""
    host, _, port = address.rpartition(":")
    return f"{socket.gethostbyname(host)}:{port}"
