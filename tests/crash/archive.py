"""An archive that records every arrival on disk before it answers; a process of its own.

``python -m tests.crash.archive FOLDER PORT``

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
from typing import Any

from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, evt

from tests.fakes.waiting import eventually, listens

_READY = "port"


class Archive:
    """The archive process as a test sees it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Start it, again on the port that it had."""
        ready = self._folder / _READY
        ready.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.archive", str(self._folder), str(self.port)]
        )
        process = self._process
        eventually(lambda: ready.exists() or process.poll() is not None, what="the archive")
        self.port = int(ready.read_text())
        assert listens(self.port)

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


def _serve(folder: Path, port: int) -> None:
    def store(event: Any) -> int:
        content = event.request.DataSet.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        name = f"{event.request.AffectedSOPInstanceUID}_{digest}_{secrets.token_hex(4)}.dataset"
        partial = folder / f"{name}.partial"
        partial.write_bytes(content)
        partial.rename(folder / name)
        return 0x0000

    entity = AE("RESEARCH")
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), AllTransferSyntaxes)
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    assert server is not None
    said = folder / f"{_READY}.partial"
    said.write_text(str(server.server_address[1]))
    said.rename(folder / _READY)
    threading.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
