"""Orthanc as the research archive: started by the test, counted over its REST interface."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.fakes.dcmtk import ENVIRONMENT, ended
from tests.fakes.programs import program
from tests.fakes.waiting import eventually, free_port, listens

DICOM_WEB = "libOrthancDicomWeb.so"
"""The plug-in by which Orthanc speaks DICOMweb."""


@dataclass(frozen=True)
class Archive:
    """An Orthanc that listens."""

    port: int
    http_port: int

    @property
    def web_url(self) -> str:
        """Where its DICOMweb is, if it speaks it."""
        return f"http://127.0.0.1:{self.http_port}/dicom-web"

    def instances(self) -> list[str]:
        """Return Orthanc's ids of the instances it holds."""
        return list(self._json("/instances"))

    def tags(self, identifier: str) -> dict[str, Any]:
        """Return the simplified tags of an instance."""
        return dict(self._json(f"/instances/{identifier}/simplified-tags"))

    def file(self, identifier: str) -> bytes:
        """Return an instance as a Part 10 file."""
        return self._bytes(f"/instances/{identifier}/file")

    def get(self, path: str) -> Any:
        """Return what the REST interface answers to GET."""
        return self._json(path)

    def post(self, path: str, content: bytes | Mapping[str, Any]) -> Any:
        """POST a file or an object and return the answer."""
        return json.loads(self._sent("POST", path, content))

    def put(self, path: str, content: Mapping[str, Any]) -> None:
        """PUT an object."""
        self._sent("PUT", path, content)

    def delete(self, path: str) -> None:
        """DELETE something."""
        url = f"http://127.0.0.1:{self.http_port}{path}"
        with urlopen(Request(url, method="DELETE"), timeout=60):
            pass

    def _sent(self, method: str, path: str, content: bytes | Mapping[str, Any]) -> bytes:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        url = f"http://127.0.0.1:{self.http_port}{path}"
        with urlopen(Request(url, body, method=method), timeout=60) as answer:
            return bytes(answer.read())

    def _json(self, path: str) -> Any:
        return json.loads(self._bytes(path))

    def _bytes(self, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=60) as answer:
            return bytes(answer.read())


@contextmanager
def orthanc(
    folder: Path, *, settings: Mapping[str, Any] | None = None, web: bool = False
) -> Iterator[Archive]:
    """Run an empty Orthanc on free loopback ports for the length of a ``with`` block.

    `settings` are added to those that every test wants; with `web` it speaks DICOMweb.
    """
    folder.mkdir()
    archive = Archive(free_port(), free_port())
    config = folder / "orthanc.json"
    config.write_text(
        json.dumps(
            {
                "Name": "research",
                "StorageDirectory": str(folder / "storage"),
                "IndexDirectory": str(folder / "storage"),
                "HttpServerEnabled": True,
                "HttpBindAddresses": ["127.0.0.1"],
                "HttpPort": archive.http_port,
                "RemoteAccessAllowed": False,
                "AuthenticationEnabled": False,
                "DicomServerEnabled": True,
                "DicomAet": "RESEARCH",
                "DicomCheckCalledAet": True,
                "DicomPort": archive.port,
                "DicomAlwaysAllowStore": True,
                "DicomAlwaysAllowEcho": True,
                "UnknownSopClassAccepted": True,
                "Plugins": [program(DICOM_WEB)] if web else [],
                **(settings or {}),
            }
        )
    )
    log = folder / "orthanc.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program("Orthanc"), str(config)],
            # Orthanc speaks through DCMTK, whose answers wait like those of its own programs.
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=folder,
        )
    try:
        eventually(
            lambda: (
                process.poll() is not None or (listens(archive.port) and listens(archive.http_port))
            ),
            what="Orthanc listens",
        )
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        yield archive
    finally:
        ended(process)
