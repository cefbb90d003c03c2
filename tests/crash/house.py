"""A node that may be killed, the archive behind it, and what must hold afterwards."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deid_node.demo.server import events_in
from deid_node.metadata.keys import new_key_file
from tests.crash.archive import Archive, digest_of
from tests.crash.fuse import Fuse, Victim
from tests.crash.launcher import NO_POINT
from tests.crash.parcels import NEEDLES
from tests.fakes.waiting import eventually

ENDED = frozenset({"delivered", "withheld"})


@dataclass(frozen=True)
class Row:
    """What the journal says of one instance."""

    id: str
    sop_instance_uid: str
    state: str
    code: str | None
    clean_uid: str | None
    blob_kept: bool


class House:
    """The folder, the configuration, the archive, and one node at a time."""

    def __init__(self, folder: Path, *, workers: int = 1) -> None:
        self._folder = folder
        self._runs = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.archive = Archive(folder / "archive")
        self.archive.start()
        new_key_file(folder / "pseudonym.key")
        self._config = folder / "config.yaml"
        self._config.write_text(yaml.safe_dump(_configuration(self.archive.port, workers)))

    # The node.

    def start(self, point: str = NO_POINT, passes: int = 1, victim: Victim = Victim.SELF) -> Fuse:
        """Start the node with a fuse in it and wait until it is ready, or dead already."""
        self._runs += 1
        fuse = Fuse(point, passes, victim, self._folder / f"blown-{self._runs}")
        command = [
            sys.executable, "-m", "tests.crash.launcher", *fuse.arguments,
            "serve", "--config", str(self._config),
        ]  # fmt: skip
        with self.log.open("wb") as out, self.log.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self._process = process
        ready = eventually(
            lambda: (
                next((e for e in events_in(self.log) if e["event"] == "node_ready"), None)
                or process.poll() is not None
            ),
            what="the node is ready",
        )
        if isinstance(ready, dict):
            self.port = int(ready["port"])
        return fuse

    @property
    def log(self) -> Path:
        """The log of the run."""
        return self._folder / f"node-{self._runs}.log"

    @property
    def node(self) -> "subprocess.Popen[bytes]":
        """The node's process."""
        assert self._process is not None
        return self._process

    def kill(self) -> None:
        """End the node at once."""
        self.node.kill()
        self.node.wait()

    def wait_for_death(self) -> None:
        """Wait until the fuse has ended the node."""
        eventually(lambda: self.node.poll() is not None, what="the node dies at its point")
        assert self.node.returncode == -signal.SIGKILL, self.complaints()

    def stop(self) -> None:
        """Ask the node to end; it must do so in order and say nothing on standard error."""
        self.node.terminate()
        assert self.node.wait(120) == 0, self.complaints()
        assert not self.complaints()

    def complaints(self) -> str:
        """Return what the run said on standard error."""
        return self.log.with_suffix(".err").read_text()

    def close(self) -> None:
        """End what still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self.archive.kill()

    def events(self, name: str) -> int:
        """Return how many events of a name the run has logged."""
        return sum(event["event"] == name for event in events_in(self.log))

    # What is known of the instances.

    def journal(self) -> Sequence[Row]:
        """Return what the journal says; read beside the node, with no code of the spool."""
        path = self._folder / "spool" / "journal.sqlite"
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            rows = connection.execute(
                "SELECT id, sop_instance_uid, state, code, clean_sop_instance_uid, blob_kept"
                " FROM instances ORDER BY sequence"
            ).fetchall()
        return [Row(*row) for row in rows]

    def wait_until_quiet(self) -> None:
        """Wait until every instance in the journal has ended and its bytes are tidied up."""

        def is_quiet() -> bool:
            assert self.node.poll() is None, self.complaints()
            return all(
                row.state in ENDED and (row.state == "withheld" or not row.blob_kept)
                for row in self.journal()
            )

        eventually(is_quiet, what="the node is quiet")

    # What must hold.

    def check_nothing_lost(self, acknowledged: Collection[str]) -> None:
        """Every acknowledged instance has ended in the archive, or waits for a person."""
        states = {row.sop_instance_uid: row for row in self.journal()}
        arrived = self.archive.arrivals()
        for uid in acknowledged:
            assert uid in states, "acknowledged and unknown to the journal"
            row = states[uid]
            assert row.state in ENDED
            if row.state == "delivered":
                assert row.clean_uid in arrived, "delivered and never arrived"

    def check_nothing_doubled(self) -> None:
        """One row an instance; one set of bytes under each UID in the archive; no strangers."""
        rows = self.journal()
        originals = [row.sop_instance_uid for row in rows]
        assert len(originals) == len(set(originals))
        clean = [row.clean_uid for row in rows if row.clean_uid is not None]
        assert len(clean) == len(set(clean))
        arrivals = self.archive.arrivals()
        assert set(arrivals) <= set(clean)
        for paths in arrivals.values():
            assert len({digest_of(path) for path in paths}) == 1, "other bytes under one UID"

    def check_nothing_dirty(self) -> None:
        """No needle in what arrived, and none in what was logged."""
        arrived = [path for paths in self.archive.arrivals().values() for path in paths]
        logs = [*self._folder.glob("node-*.log"), *self._folder.glob("node-*.err")]
        for path in (*arrived, *logs):
            content = path.read_bytes()
            assert not any(needle in content for needle in NEEDLES), path.name

    def check_no_orphans(self) -> None:
        """No file in the spool that the journal does not name."""
        spool = self._folder / "spool"
        kept = {f"{row.id}.dcm" for row in self.journal() if row.blob_kept}
        assert list((spool / "partial").iterdir()) == []
        for name in ("received", "clean"):
            assert {path.name for path in (spool / name).iterdir()} <= kept

    def check_all(self, acknowledged: Collection[str]) -> None:
        """All of it."""
        self.check_nothing_lost(acknowledged)
        self.check_nothing_doubled()
        self.check_nothing_dirty()
        self.check_no_orphans()


@contextmanager
def house(folder: Path, *, workers: int = 1) -> Iterator[House]:
    """Return a house for the length of a ``with`` block."""
    built = House(folder, workers=workers)
    try:
        yield built
    finally:
        built.close()


def _configuration(archive_port: int, workers: int) -> dict[str, Any]:
    return {
        "receive": {"host": "127.0.0.1", "port": 0},
        "spool": {"dir": "./spool", "reserve_bytes": 0},
        "route": {
            "rules": [
                {
                    "name": "everything",
                    "when": {"kind": "always"},
                    "then": {
                        "kind": "forward",
                        "treatment": "research",
                        "destinations": ["archive"],
                    },
                }
            ]
        },
        "metadata": {"pseudonym_key_file": "./pseudonym.key"},
        "work": {"engine": {"kind": "local", "processes": workers}},
        "forward": {
            "destinations": {
                "archive": {
                    "kind": "cstore",
                    "ae_title": "RESEARCH",
                    "host": "127.0.0.1",
                    "port": archive_port,
                }
            },
            "retry": {"first_seconds": 0.1, "factor": 2, "cap_seconds": 2},
        },
        "observe": {"http": {"port": 0}, "log_level": "debug"},
    }
