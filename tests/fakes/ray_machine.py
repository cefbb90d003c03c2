"""One more machine of a Ray cluster, on this one: ``python -m tests.fakes.ray_machine``.

``ray start`` adds a machine only where it listens on every address; Ray's own tests put several
on the loopback by the class that stands below.
"""

import sys

from ray._private.node import Node
from ray._private.parameter import RayParams


def main(head: str, cpus: str) -> None:
    """Start a machine of the cluster whose head is at `head`; it outlives this program."""
    told = RayParams(
        gcs_address=head,
        node_ip_address=head.partition(":")[0],
        num_cpus=int(cpus),
        num_gpus=0,
        object_store_memory=80_000_000,
        min_worker_port=0,
        max_worker_port=0,
        node_manager_port=0,
        dashboard_agent_listen_port=None,
        include_log_monitor=False,
    )
    Node(told, head=False, shutdown_at_exit=False, spawn_reaper=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
