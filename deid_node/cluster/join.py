"""Joins a Ray cluster as its driver, once, says what the cluster lacks, and when it is lost."""

import os
import socket
import threading
from contextlib import suppress
from time import monotonic, sleep
from typing import Any, Final

from deid_node.cluster.protections import open_cluster, open_head, tls_files, unprotected

LOST_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 2.0


def join(address: str) -> str | None:
    """Join the cluster whose head is at `address`; return why no node may work with it, or None.

    It is not joined where that shows before. Raises `HeadUnreachable` and `HeadDenies`, and
    `ConfigurationError` where there are no certificates.
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


class Membership:
    """Whether the head still knows this machine as one of its own.

    A driver whose machine, or whose head, has gone may live on for long, and place nobody.
    """

    def __init__(self) -> None:
        import ray

        self._ray = ray
        self._machine = ray.get_runtime_context().get_node_id()
        self._seen = monotonic()
        threading.Thread(target=self._look, name="membership", daemon=True).start()

    @property
    def is_lost(self) -> bool:
        """Whether nobody has confirmed it for a while."""
        return monotonic() - self._seen > LOST_SECONDS

    def _look(self) -> None:
        while True:
            # Where the head is gone, this waits for it: that is seen by what it does not say.
            with suppress(Exception):
                known = {one["NodeID"] for one in self._ray.nodes() if one["Alive"]}
                if self._machine in known:
                    self._seen = monotonic()
            sleep(_LOOK_SECONDS)


def _numeric(address: str) -> str:
    """Return the address with its host as a number: Ray compares certificates with that."""
    host, _, port = address.rpartition(":")
    return f"{socket.gethostbyname(host)}:{port}"
