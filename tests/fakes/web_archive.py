"""An archive of the web as strict as the Standard, that answers in the manner of one or another.

What it is sent must be a whole multipart/related body of the length that was announced,
each part a Part 10 file that the library reads; anything else is a fault of ours, kept in
`faults`, and answered with 400.
"""

import io
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from pydicom import dcmread

from deid_node.dicom.web.store_answer import (
    DICOM_JSON,
    DICOM_XML,
    NotStored,
    StoreAnswer,
    Stored,
    json_of,
    xml_of,
)

BASE = "/dicom-web"


@dataclass(frozen=True)
class File:
    """One part of a request."""

    content: bytes = field(repr=False)
    sop_class: str
    uid: str
    study: str
    series: str
    syntax: str

    @property
    def dataset(self) -> bytes:
        """What follows group 2."""
        return self.content[144 + int.from_bytes(self.content[140:144], "little") :]


@dataclass(frozen=True)
class Asked:
    """One request, whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    files: Sequence[File] = ()
    size_bytes: int = 0
    connection: int = 0

    @property
    def uids(self) -> list[str]:
        return [one.uid for one in self.files]


@dataclass(frozen=True)
class Reply:
    """What is answered, and which of the UIDs sent are kept."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()


Manner = Callable[[Asked, "WebArchive"], Reply]


class WebArchive:
    """Listens on the loopback for the length of a ``with`` block."""

    def __init__(
        self, manner: Manner | None = None, *, tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self.manner: Manner = manner or plain
        self.lock = threading.Lock()
        self.held: dict[str, File] = {}
        self.arrivals: list[File] = []
        self.asked: list[Asked] = []
        self.looks: list[str] = []
        self.faults: list[str] = []
        self.connections = 0
        self.on_look: Callable[[str, Mapping[str, Sequence[str]]], Reply] = self.look
        self._server = _Server(("127.0.0.1", port), self, tls)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}{BASE}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.end_all()
        self._server.server_close()
        self._thread.join()

    def datasets(self) -> dict[str, bytes]:
        """Return what is held, by UID."""
        with self.lock:
            return {uid: one.dataset for uid, one in self.held.items()}

    def look(self, path: str, query: Mapping[str, Sequence[str]]) -> Reply:
        """Answer QIDO-RS for an instance of a series, and WADO-RS for its metadata."""
        found = re.fullmatch(
            BASE + r"/studies/([0-9.]+)/series/([0-9.]+)/instances(?:/([0-9.]+)/metadata)?", path
        )
        if found is None:
            return Reply(404)
        study, series, uid = found.groups()
        (wanted,) = [uid] if uid else query["SOPInstanceUID"]
        with self.lock:
            one = self.held.get(wanted)
        is_there = one is not None and (one.study, one.series) == (study, series)
        if uid and not is_there:
            return Reply(404)
        content = json_items(wanted) if is_there else b"[]"
        return Reply(200, content, {"Content-Type": DICOM_JSON})

    def answer(self, asked: Asked) -> Reply:
        """Answer as `manner` says, and keep what it keeps."""
        with self.lock:
            self.asked.append(asked)
            reply = self.manner(asked, self)
            for one in asked.files:
                if one.uid in reply.kept:
                    self.arrivals.append(one)
                    self.held.setdefault(one.uid, one)
        return reply


# Manners.


def plain(asked: Asked, archive: WebArchive) -> Reply:
    """Take everything, duplicates too, and say so: Orthanc's manner."""
    answer = StoreAnswer(tuple(Stored(one.sop_class, one.uid) for one in asked.files))
    return said(200, answer, kept=asked.uids)


def said(
    status: int,
    answer: StoreAnswer,
    *,
    kept: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
    xml: bool = False,
) -> Reply:
    """Return a reply with an answer data set."""
    content = xml_of(answer) if xml else json_of(answer)
    kind = {"Content-Type": DICOM_XML if xml else DICOM_JSON}
    return Reply(status, content, {**kind, **(headers or {})}, frozenset(kept))


def judging(
    reason_of: Callable[[File, WebArchive], int | None],
    *,
    most_bytes: int | None = None,
    xml: bool = False,
    warning_header: bool = False,
) -> Manner:
    """Return the manner of archives that judge each instance: 200, 202 or 409 as PS3.18 has it."""

    def manner(asked: Asked, archive: WebArchive) -> Reply:
        if most_bytes is not None and asked.size_bytes > most_bytes:
            return Reply(413)
        reasons = {one.uid: reason_of(one, archive) for one in asked.files}
        stored = [one for one in asked.files if reasons[one.uid] is None]
        failed = [one for one in asked.files if reasons[one.uid] is not None]
        status = 200 if not failed else 202 if stored else 409
        headers = {"Warning": "299 archive: some were not stored"} if warning_header else {}
        answer = StoreAnswer(
            tuple(Stored(one.sop_class, one.uid) for one in stored),
            tuple(NotStored(one.sop_class, one.uid, reasons[one.uid]) for one in failed),
        )
        return said(
            status,
            answer,
            kept=[one.uid for one in stored],
            headers=headers if failed else {},
            xml=xml,
        )

    return manner


# Listening.


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(
        self, address: tuple[str, int], archive: WebArchive, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(address, _Handler)
        self.archive = archive
        self._tls = tls
        self._open: set[Any] = set()

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            try:
                connection.settimeout(20)
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                raise
        with self.archive.lock:
            self.archive.connections += 1
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self.archive.lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def end_all(self) -> None:
        """Break off what is open: a connection that is kept would hold its thread."""
        with self.archive.lock:
            left = list(self._open)
        for connection in left:
            with suppress(OSError):
                connection.shutdown(2)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections are cut on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._number = self.server.archive.connections

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        archive = self.server.archive
        length = self.headers.get("Content-Length")
        if not (length or "").isdigit() and not self._is_more():
            # Cut inside the headers.
            self.close_connection = True
            return
        if length is None or self.headers.get("Transfer-Encoding"):
            archive.faults.append("a body without a length")
            self.close_connection = True
            self._say(Reply(411))
            return
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            # The connection was cut: nobody is there to hear an answer.
            self.close_connection = True
            return
        try:
            files = _files(body, self.headers.get("Content-Type", ""))
        # Whatever the library says of it, it is our fault.
        except Exception as error:  # noqa: BLE001
            archive.faults.append(f"{type(error).__name__}: {error}")
            self._say(Reply(400))
            return
        self._say(archive.answer(self._asked("POST", files, len(body))))

    def _is_more(self) -> bool:
        reader = self.rfile
        return not isinstance(reader, io.BufferedReader) or bool(reader.peek(1))

    def do_GET(self) -> None:
        archive = self.server.archive
        path = urlsplit(self.path)
        with archive.lock:
            archive.looks.append(self.path)
        self._say(archive.on_look(path.path, parse_qs(path.query)))

    def _asked(self, method: str, files: Sequence[File] = (), size_bytes: int = 0) -> Asked:
        headers = {key.lower(): value for key, value in self.headers.items()}
        return Asked(method, self.path, headers, files, size_bytes, self._number)

    def _say(self, reply: Reply) -> None:
        head = [f"HTTP/1.1 {reply.status} OK"]
        head += [f"{key}: {value}" for key, value in reply.headers.items()]
        head.append(f"Content-Length: {len(reply.content)}")
        # In one piece, so that it is cut where a test wants it.
        self.wfile.write("\r\n".join([*head, "\r\n"]).encode() + reply.content)


def _files(body: bytes, content_type: str) -> list[File]:
    found = re.fullmatch(
        r'multipart/related; type="application/dicom"; boundary=([0-9a-f]{32})', content_type
    )
    assert found, "the content type"
    between = b"--" + found[1].encode()
    assert body.startswith(between + b"\r\n"), "the beginning"
    assert body.endswith(b"\r\n" + between + b"--\r\n"), "the end"
    inner = body[len(between) + 2 : -len(between) - 6]
    return [_file(part) for part in inner.split(b"\r\n" + between + b"\r\n")]


def _file(part: bytes) -> File:
    head, _, content = part.partition(b"\r\n\r\n")
    assert head == b"Content-Type: application/dicom", "the head of a part"
    dataset = dcmread(io.BytesIO(content), force=False)
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    return File(
        content,
        str(dataset.SOPClassUID),
        str(dataset.SOPInstanceUID),
        str(dataset.StudyInstanceUID),
        str(dataset.SeriesInstanceUID),
        str(dataset.file_meta.TransferSyntaxUID),
    )


def json_items(*uids: str) -> bytes:
    """Return what QIDO-RS and the metadata of WADO-RS answer: a data set for each."""
    return json.dumps([{"00080018": {"vr": "UI", "Value": [uid]}} for uid in uids]).encode()
