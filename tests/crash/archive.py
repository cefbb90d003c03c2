"""An archive that records every arrival on disk before it answers; a process of its own.

``python -m tests.crash.archive KIND FOLDER PORT``

A recorded arrival is a file ``<SOP Instance UID>_<sha256>_<random>.dataset`` of
the bytes as they came. So a second arrival with other bytes cannot hide behind
the first.
"""

import hashlib
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, evt

from tests.fakes.waiting import eventually, listens
from tests.fakes.web_archive import BASE, Asked, Reply, WebArchive, plain

Kind: TypeAlias = Literal["cstore", "stow"]

_READY = "port"


class Archive:
    """The archive process as a test sees it; it takes instances by C-STORE or by STOW-RS."""

    def __init__(self, folder: Path, kind: Kind = "cstore") -> None:
        folder.mkdir()
        self._kind = kind
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Start it, again on the port that it had."""
        ready = self._folder / _READY
        ready.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "tests.crash.archive",
                self._kind, str(self._folder), str(self.port),
            ]
        )  # fmt: skip
        process = self._process
        eventually(lambda: ready.exists() or process.poll() is not None, what="the archive")
        self.port = int(ready.read_text())
        assert listens(self.port)

    @property
    def destination(self) -> dict[str, Any]:
        """Where it is, as the configuration of a node says it."""
        if self._kind == "stow":
            return {"kind": "stow", "url": f"http://127.0.0.1:{self.port}{BASE}"}
        return {"kind": "cstore", "ae_title": "RESEARCH", "host": "127.0.0.1", "port": self.port}

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def arrivals(self) -> Mapping[str, list[Path]]:
        """Return the recorded arrivals by SOP Instance UID."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self._folder.glob("*.dataset")):
            found.setdefault(path.name.split("_")[0], []).append(path)
        return found


def digest_of(arrival: Path) -> str:
    """Return the digest of the bytes that arrived."""
    return arrival.name.split("_")[1]


def _record(folder: Path, uid: str, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    name = f"{uid}_{digest}_{secrets.token_hex(4)}.dataset"
    partial = folder / f"{name}.partial"
    partial.write_bytes(content)
    partial.rename(folder / name)


def _say_ready(folder: Path, port: int) -> None:
    said = folder / f"{_READY}.partial"
    said.write_text(str(port))
    said.rename(folder / _READY)


def _serve_web(folder: Path, port: int) -> None:
    """Take instances by STOW-RS."""

    def store(asked: Asked, archive: WebArchive) -> Reply:
        for one in asked.files:
            _record(folder, one.uid, one.dataset)
        return plain(asked, archive)

    with WebArchive(store, port=port) as archive:
        _say_ready(folder, archive.port)
        threading.Event().wait()


def _serve(folder: Path, port: int) -> None:
    def store(event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        _record(folder, uid, event.request.DataSet.getvalue())
        return 0x0000

    entity = AE("RESEARCH")
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), AllTransferSyntaxes)
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    assert server is not None
    _say_ready(folder, server.server_address[1])
    threading.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    serve = {"cstore": _serve, "stow": _serve_web}[sys.argv[1]]
    serve(Path(sys.argv[2]), int(sys.argv[3]))
