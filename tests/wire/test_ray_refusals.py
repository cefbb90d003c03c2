"""Real heads that lack a protection: nodes are told which, and no model is placed.

That a head asks for no certificate cannot be had of Ray: without an authority it does not start.
Machines that lack one while their head has it are in `test_cluster_hosts`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import pytest
import yaml
from pydicom.data import get_testdata_file

from deid_node.metadata.apply.keys import new_key_file
from tests.fakes.ray_cluster import RayCluster
from tests.fakes.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray"), pytest.mark.timeout(600)]

REPORTS_NOWHERE = {"RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9"}
# As Ray notes it where its own dashboard comes with ray[default] (`ray._private.node`).
NOTE_A_DASHBOARD = """
import sys, ray
from ray._private import ray_constants
from ray.experimental.internal_kv import _internal_kv_put
ray.init(address=sys.argv[1], log_to_driver=False)
_internal_kv_put("webui:url", "127.0.0.1:8265", namespace=ray_constants.KV_NAMESPACE_DASHBOARD)
"""


@contextmanager
def head(folder: Path, **environment: str) -> Iterator[RayCluster]:
    """Return a cluster whose head has `environment` otherwise; no foreman has looked at it yet."""
    cluster = RayCluster(folder, cpus=2)
    try:
        cluster.start_head(**environment)
        yield cluster
    finally:
        cluster.close()


def is_refused(cluster: RayCluster, folder: Path, reason: str, **foremans: str) -> None:
    """Let a foreman look at the cluster, and a node ask him."""
    cluster.start_foreman(**foremans)
    log = cluster.folder / "foreman.log"
    told = f"no node may work with this cluster: {reason}\n"
    eventually(lambda: told in log.read_text(), what="the foreman says why")

    folder.mkdir()
    new_key_file(folder / "key")
    config = folder / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "metadata": {"pseudonym_key_file": str(folder / "key")},
                "work": {"engine": cluster.options().model_dump(mode="json")},
            }
        )
    )
    source, out = str(get_testdata_file("CT_small.dcm")), folder / "out"
    done = subprocess.run(
        [sys.executable, "-m", "deid_node", "clean", source, out, "--config", config],
        capture_output=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 2
    assert reason in done.stderr.decode()
    assert not list(out.rglob("*.dcm"))
    assert cluster.actors() == []
    cluster.kill_foreman()


def ends_as_one_who_is_not_let_in(cluster: RayCluster) -> None:
    """Start a foreman who has another token than his cluster."""
    other = cluster.folder / "other"
    other.write_text(token_hex(32))

    cluster.start_foreman(RAY_AUTH_TOKEN_PATH=str(other))

    assert cluster.foreman.wait(timeout=60) == 2
    said = (cluster.folder / "foreman.log").read_text()
    assert "does not let this machine in: it has another token" in said
    assert "Traceback" not in said
    cluster.kill_foreman()


def test_a_head_that_speaks_in_the_clear(tmp_path: Path) -> None:
    with head(tmp_path, RAY_USE_TLS="0") as cluster:
        is_refused(
            cluster, tmp_path / "node", "the cluster does not encrypt: its head speaks no TLS"
        )


def test_a_head_that_asks_for_no_token(tmp_path: Path) -> None:
    with head(tmp_path, RAY_AUTH_MODE="disabled") as cluster:
        is_refused(
            cluster, tmp_path / "node", "the cluster lets anybody in: its head asks for no token"
        )


def test_a_head_that_reports_its_use_and_one_that_has_a_dashboard(tmp_path: Path) -> None:
    """One head: the dashboard comes later, and is the first thing said then."""
    with head(tmp_path, RAY_USAGE_STATS_ENABLED="1", **REPORTS_NOWHERE) as cluster:
        ends_as_one_who_is_not_let_in(cluster)
        is_refused(
            cluster,
            tmp_path / "first",
            "the cluster may report its use to others: RAY_USAGE_STATS_ENABLED is not 0",
        )

        cluster.drive(NOTE_A_DASHBOARD)

        is_refused(
            cluster,
            tmp_path / "second",
            "the cluster serves a dashboard: start its head with --include-dashboard=false",
        )


def test_a_foreman_who_lacks_what_his_cluster_has(tmp_path: Path) -> None:
    """His own environment is looked at before any head is."""
    cluster = RayCluster(tmp_path, cpus=2)
    try:
        is_refused(
            cluster,
            tmp_path / "node",
            "the cluster asks for no token: RAY_AUTH_MODE is not token",
            RAY_AUTH_MODE="disabled",
        )
    finally:
        cluster.close()
