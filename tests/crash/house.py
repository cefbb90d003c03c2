"""A node that may be killed, the archive behind it, and what must hold afterwards."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deid_node.demo.server import events_in
from deid_node.metadata.apply.keys import new_key_file
from tests.crash.archive import Archive, Kind, digest_of
from tests.crash.fuse import Fuse, Victim
from tests.crash.launcher import HURRIED, NO_POINT, POISONED, SOUND
from tests.crash.parcels import NEEDLES
from tests.crash.points import MEMORY_LIMIT_BYTES
from tests.fakes.waiting import eventually

ENDED = frozenset({"delivered", "withheld"})
START_SECONDS = 900.0
"""Two workers load their models first, and a siege may be the least of a busy machine's work."""


_CORNER = {"left": 0, "top": 0, "right": 16, "bottom": 16}
_MARKED: dict[str, Any] = {
    "treatments": {"research": {"provenance": "seg"}},
    "pixels": {
        "regions": [
            {"where": [{"attribute": "Modality", "value": modality}], "boxes": [_CORNER]}
            for modality in ("CT", "MR")
        ]
    },
}

_WAITS: dict[str, Any] = {
    "treatments": {"research": {"wait_for_series": {"quiet_seconds": 6}}},
}


_ENCRYPTED = {"encryption": "aes_gcm", "encryption_key_file": "./spool.key"}


@dataclass(frozen=True)
class Row:
    """What the journal says of one instance."""

    id: str
    sop_instance_uid: str
    state: str
    code: str | None
    clean_uid: str | None
    blob_kept: bool
    companion: str | None

    @property
    def companion_uid(self) -> str | None:
        """The UID of what goes beside it, if anything does."""
        return None if self.companion is None else json.loads(self.companion)["sop_instance_uid"]

    @property
    def uids(self) -> list[str]:
        """The UIDs that an archive is to have."""
        return [uid for uid in (self.clean_uid, self.companion_uid) if uid is not None]


class House:
    """The folder, the configuration, the archive, and one node at a time."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        time_limit_seconds: float = 600,
        marked: bool = False,
        encrypted: bool = False,
        waits: bool = False,
        archive: Kind = "cstore",
        engine: Mapping[str, Any] | None = None,
    ) -> None:
        self._folder = folder
        self._runs = self._fuses = 0
        self._seen: set[Path] = set()
        self._fuse = folder / "fuse"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self.web_port = 0
        self.archive = Archive(folder / "archive", archive)
        self.archive.start()
        new_key_file(folder / "pseudonym.key")
        self._config = folder / "config.yaml"
        configuration = _configuration(self.archive.destination, workers, time_limit_seconds)
        if engine is not None:
            configuration["work"]["engine"] = dict(engine)
        if marked:
            configuration |= _MARKED
        if waits:
            configuration |= _WAITS
        if encrypted:
            new_key_file(folder / "spool.key")
            configuration["spool"] |= _ENCRYPTED
        self._config.write_text(yaml.safe_dump(configuration))

    # The node.

    def arm(self, point: str = NO_POINT, passes: int = 1, victim: Victim = Victim.SELF) -> Fuse:
        """Put a fuse into the node that runs, or into the next."""
        self._fuses += 1
        fuse = Fuse(point, passes, victim, self._folder / f"blown-{self._fuses}")
        fuse.write(self._fuse)
        return fuse

    def start(
        self,
        point: str = NO_POINT,
        passes: int = 1,
        victim: Victim = Victim.SELF,
        *,
        poisoned: bool = False,
        hurried: bool = False,
    ) -> Fuse:
        """Start the node with a fuse in it and wait until it is ready, or dead already.

        In one that is `hurried`, what is `poisoned` has its other starts soon.
        """
        self._runs += 1
        fuse = self.arm(point, passes, victim)
        command = [
            sys.executable, "-m", "tests.crash.launcher",
            str(self._fuse), HURRIED if hurried else POISONED if poisoned else SOUND,
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
            patience_seconds=START_SECONDS,
        )
        if isinstance(ready, dict):
            self.port = int(ready["port"])
            self.web_port = next(
                int(e["port"]) for e in events_in(self.log) if e["event"] == "listener_ready"
            )
        return fuse

    @property
    def log(self) -> Path:
        """The log of the run."""
        return self._folder / f"node-{self._runs}.log"

    @property
    def spool(self) -> Path:
        """Where the node keeps what it has in custody."""
        return self._folder / "spool"

    @property
    def node(self) -> "subprocess.Popen[bytes]":
        """The node's process."""
        assert self._process is not None
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether the node has been started and lives."""
        return self._process is not None and self._process.poll() is None

    def reload(self, **engine: Any) -> None:
        """Ask the node to take over other settings of its engine; nobody waits for it."""
        content = yaml.safe_load(self._config.read_text())
        content["work"]["engine"].update(engine)
        self._config.write_text(yaml.safe_dump(content))
        self.node.send_signal(signal.SIGHUP)

    def wait_until_reloaded(self, times: int) -> None:
        """Wait until so many configurations have taken over in this run, or the node is dead."""
        eventually(
            lambda: self.events("configuration_reloaded") >= times or not self.is_running,
            what="another configuration takes over",
            patience_seconds=START_SECONDS,
        )
        assert not self.events("configuration_refused")

    def workers(self) -> list[int]:
        """Return the process ids of the node's worker processes."""
        children = Path(f"/proc/{self.node.pid}/task/{self.node.pid}/children")
        found = []
        for child in children.read_text().split() if children.exists() else ():
            # Anything else that the node starts is no worker (the tracker of its resources).
            with suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
        return found

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
        path = self.spool / "journal.sqlite"
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            rows = connection.execute(
                "SELECT id, sop_instance_uid, state, code, clean_sop_instance_uid, blob_kept,"
                " companion FROM instances ORDER BY sequence"
            ).fetchall()
        return [Row(*row) for row in rows]

    def waiting(self) -> int:
        """Return how many instances have not ended, or have and their bytes still lie there."""
        path = self.spool / "journal.sqlite"
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM instances WHERE state <> 'withheld'"
                " AND (state <> 'delivered' OR blob_kept)"
            ).fetchone()
        return int(count)

    def wait_until_quiet(self) -> None:
        """Wait until every instance in the journal has ended and its bytes are tidied up."""

        def is_quiet() -> bool:
            assert self.node.poll() is None, self.complaints()
            return not self.waiting()

        eventually(is_quiet, what="the node is quiet")

    # What must hold.

    def lost(self, acknowledged: Collection[str]) -> list[str]:
        """Return what was acknowledged and neither arrived nor waits for a person."""
        rows = {row.sop_instance_uid: row for row in self.journal()}
        arrived = self.archive.arrivals()
        return [
            uid
            for uid in sorted(acknowledged)
            if (row := rows.get(uid)) is None
            or row.state not in ENDED
            or (row.state == "delivered" and not arrived.keys() >= set(row.uids))
        ]

    def doubled(self) -> list[str]:
        """Return what stands twice in the journal, or came under one UID with other bytes.

        And what arrived without standing in the journal at all.
        """
        rows = self.journal()
        originals = Counter(row.sop_instance_uid for row in rows)
        clean = Counter(uid for row in rows for uid in row.uids)
        arrivals = self.archive.arrivals()
        return [
            *(uid for uid, count in (originals + clean).items() if count > 1),
            *(uid for uid in arrivals if uid not in clean),
            *(uid for uid, paths in arrivals.items() if len(set(map(digest_of, paths))) > 1),
        ]

    def dirty(self) -> list[str]:
        """Return the names of arrivals and logs with a needle in them."""
        arrived = [path for paths in self.archive.arrivals().values() for path in paths]
        logs = [*self._folder.glob("node-*.log"), *self._folder.glob("node-*.err")]
        # What has arrived is written once; a log goes on.
        found = [path for path in (*arrived, *logs) if path not in self._seen and _is_dirty(path)]
        self._seen.update(path for path in arrived if path not in found)
        return [path.name for path in found]

    def check_no_orphans(self) -> None:
        """No file in the spool that the journal does not name.

        A node lets go of a file in the journal first: the file itself may go a moment later.
        """
        eventually(lambda: not self.orphans(), what="no file lies in the spool without a row")

    def orphans(self) -> list[str]:
        """Return the names of files in the spool that the journal does not name."""
        spool = self.spool
        rows = [row for row in self.journal() if row.blob_kept]
        kept = {f"{row.id}.dcm" for row in rows}
        kept |= {f"{row.id}.companion.dcm" for row in rows if row.companion is not None}
        there = [path.name for name in ("received", "clean") for path in (spool / name).iterdir()]
        partial = [path.name for path in (spool / "partial").iterdir()]
        return [*partial, *(name for name in there if name not in kept)]

    def check_all(self, acknowledged: Collection[str]) -> None:
        """All of it."""
        assert self.lost(acknowledged) == []
        assert self.doubled() == []
        assert self.dirty() == []
        self.check_no_orphans()


@contextmanager
def house(
    folder: Path,
    *,
    workers: int = 1,
    time_limit_seconds: float = 600,
    marked: bool = False,
    encrypted: bool = False,
    waits: bool = False,
    archive: Kind = "cstore",
    engine: Mapping[str, Any] | None = None,
) -> Iterator[House]:
    """Return a house for the length of a ``with`` block.

    `marked` lets the node fill a corner of each slice and mark it, `encrypted` lets it
    encrypt the files of its spool, `waits` lets it wait for series; `archive` is how the
    archive takes instances. `engine` takes the place of the local one, workers and all.
    """
    built = House(
        folder,
        workers=workers,
        time_limit_seconds=time_limit_seconds,
        marked=marked,
        encrypted=encrypted,
        waits=waits,
        archive=archive,
        engine=engine,
    )
    try:
        yield built
    finally:
        built.close()


def _is_dirty(path: Path) -> bool:
    content = path.read_bytes()
    return any(needle in content for needle in NEEDLES)


def _configuration(
    archive: dict[str, Any], workers: int, time_limit_seconds: float
) -> dict[str, Any]:
    return {
        "receive": {
            "host": "127.0.0.1",
            "port": 0,
            "stow": {"host": "127.0.0.1", "port": 0},
        },
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
        "work": {
            "engine": {
                "kind": "local",
                "processes": workers,
                "time_limit_seconds": time_limit_seconds,
                "memory_limit_bytes": MEMORY_LIMIT_BYTES,
            }
        },
        "forward": {
            "destinations": {
                "archive": archive,
            },
            "retry": {"first_seconds": 0.1, "factor": 2, "cap_seconds": 2},
        },
        "observe": {"http": {"port": 0}, "log_level": "debug"},
    }
