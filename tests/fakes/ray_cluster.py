"""A real Ray cluster on this machine: a head, further machines, a foreman; each may be killed.

Without further machines the head's own does the work; with them it does none, as in
docker/compose.cluster.yaml. All of it listens on the loopback only.

Every process bears a mark in its environment, so that those of this cluster are found and
ended, and no others.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from deid_node.lines.options import LineTlsOptions
from deid_node.work.workers.options import RayOptions
from tests.fakes.certificates import Authority
from tests.fakes.waiting import eventually, free_port, listens

RAY_OPTIONS: Final = "DEID_NODE_TEST_RAY_OPTIONS"
"""The variable that says, in JSON, how a node works with the cluster of the tests."""

HEAD: Final = "node:__internal_head__"
"""What the command of the head's own machine says of itself."""

_MARK: Final = "DEID_NODE_TEST_CLUSTER"
_RAY: Final = (sys.executable, "-m", "ray.scripts.scripts")
START_SECONDS: Final = 240.0


class RayCluster:
    """Protected as the node wants it; nothing is started yet.

    Each of its machines has `cpus`, the head's own only where there is no other.
    """

    def __init__(self, folder: Path, *, cpus: int = 64, machines: int = 0) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._mark = secrets.token_hex(8)
        # Its sockets have long names, and a socket's name may have 107 letters.
        self._short = tempfile.TemporaryDirectory(prefix="dn", dir="/dev/shm")
        self.temporary = Path(self._short.name)
        self._cpus = cpus
        self._width = machines
        self.address = "127.0.0.1"
        authority = Authority(folder / "authority")
        member = authority.issue("member", also=["localhost"])
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.tls = LineTlsOptions(
            certificate_file=member.certificate, key_file=member.key, ca_file=authority.file
        )
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HOME": str(self.temporary),
            "RAY_USE_TLS": "1",
            "RAY_TLS_SERVER_CERT": str(member.certificate),
            "RAY_TLS_SERVER_KEY": str(member.key),
            "RAY_TLS_CA_CERT": str(authority.file),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            # Else it ends a machine's work when the tests around it fill the memory.
            "RAY_memory_monitor_refresh_ms": "0",
            # Said, and no: then Ray keeps to the loopback, as where it allows one machine only.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            _MARK: self._mark,
        }
        self._head_port = free_port()
        self._foreman: subprocess.Popen[bytes] | None = None
        self.foreman_port = free_port()

    def start_head(self, **environment: str) -> None:
        """Start the head; again on the port that it had.

        `environment` is what it has otherwise than the cluster.
        """
        self._run(
            *_RAY, "start", "--head", f"--port={self._head_port}", "--include-dashboard=false",
            f"--temp-dir={self.temporary}", f"--num-cpus={0 if self._width else self._cpus}",
            "--num-gpus=0", "--object-store-memory=80000000",
            # Any: the range that Ray sets aside else may not hold the head's own port.
            "--min-worker-port=0", "--max-worker-port=0",
            **environment,
        )  # fmt: skip

    def add_machine(self) -> None:
        """Start another machine of the cluster, on this one."""
        head = f"{self.address}:{self._head_port}"
        self._run(sys.executable, "-m", "tests.fakes.ray_machine", head, str(self._cpus))

    def complete(self) -> None:
        """Start what is missing of the head, the foreman and the machines."""
        if not self.processes("gcs_server"):
            self.kill_foreman()
            self.kill_everything()
            self.start_head()
        if self._foreman is None or self._foreman.poll() is not None:
            self.kill_foreman()
            self.start_foreman()
        while len(self.machines()) < self._width:
            self.add_machine()

    def start_foreman(self, **environment: str) -> None:
        """Start the foreman and wait until he listens; again on the port that he had.

        `environment` is what he has otherwise than the cluster.
        """
        with (self.folder / "foreman.log").open("ab") as log:
            process = self._foreman = subprocess.Popen(
                [
                    sys.executable, "-m", "deid_node", "foreman", "--host", "127.0.0.1",
                    "--address", f"{self.address}:{self._head_port}",
                    "--port", str(self.foreman_port),
                ],
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(
            lambda: listens(self.foreman_port) or process.poll() is not None,
            what="the foreman listens",
            patience_seconds=START_SECONDS,
        )

    def drive(self, program: str) -> None:
        """Run a program of Python that joins the cluster: it finds the head's address in argv."""
        self._run(sys.executable, "-c", program, f"{self.address}:{self._head_port}")

    def options(self, **changed: object) -> RayOptions:
        """Return the options of a node that works with the foreman."""
        told = {
            "host": "127.0.0.1",
            "port": self.foreman_port,
            "tls": self.tls,
            "silence_seconds": 10,
            **changed,
        }
        return RayOptions.model_validate(told)

    def processes(self, like: str = "") -> list[int]:
        """Return the cluster's processes with `like` in their command or title."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if (
                    entry.name.isdigit()
                    and f"{_MARK}={self._mark}".encode() in (entry / "environ").read_bytes()
                    and like.encode() in (entry / "cmdline").read_bytes()
                ):
                    found.append(int(entry.name))
        return found

    def actors(self) -> list[int]:
        """Return the processes in which models stand."""
        return self.processes("ray::PlacedActor")

    def machines(self) -> list[int]:
        """Return the process of each machine but the head's own."""
        heads = set(self.processes(HEAD))
        return [one for one in self.processes("raylet/raylet") if one not in heads]

    def kill_machine(self, machine: int, *, whole: bool = True) -> None:
        """End a machine's raylet at once, and first all that it has started if `whole`."""
        ended = [machine]
        if whole:
            ended = [*(one for one in self.processes() if _parent(one) == machine), machine]
        for process in ended:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def kill_foreman(self) -> None:
        """End the foreman at once."""
        if self._foreman is not None:
            self._foreman.kill()
            self._foreman.wait()
            self._foreman = None

    @property
    def foreman(self) -> "subprocess.Popen[bytes]":
        """The foreman's process."""
        assert self._foreman is not None
        return self._foreman

    def close(self) -> None:
        """End every process of the cluster."""
        self.kill_foreman()
        while left := self.processes():
            for process in left:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        self._short.cleanup()

    def kill_everything(self) -> None:
        """End head, machines and actors at once; the foreman loses them."""
        for process in self.processes():
            if self._foreman is None or process != self._foreman.pid:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def _run(self, *command: str, **environment: str) -> None:
        done = subprocess.run(
            command, env={**self._environment, **environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=START_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout.decode(errors="replace")


def _parent(process: int) -> int | None:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return None


@contextmanager
def ray_cluster(folder: Path, *, cpus: int = 64, machines: int = 0) -> Iterator[RayCluster]:
    """Return a cluster with a foreman and so many machines for the length of a ``with`` block."""
    cluster = RayCluster(folder, cpus=cpus, machines=machines)
    try:
        cluster.complete()
        yield cluster
    finally:
        cluster.close()
