"""A desk over a real spool, with instances that wait for a person; and a browser without one."""

import http.client
import json
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from prometheus_client import CollectorRegistry
from pydicom import dcmread

from deid_node.config.schema import Config
from deid_node.dicom import part10
from deid_node.metadata.apply.keys import new_key_file
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.build import require_key_file
from deid_node.observe.metrics import Metrics
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.evidence import Band, Evidence
from deid_node.pixels.text.kinds import Kind
from deid_node.review.accounts import Role, account_line
from deid_node.review.build import build_review
from deid_node.review.looker import LookerFactory
from deid_node.review.options import ReviewOptions
from deid_node.review.server import ReviewServer
from deid_node.spool.custody import Custody
from deid_node.spool.files import PLAIN
from deid_node.status import StatusReader
from deid_node.values.geometry import Box, DoubtedRegion
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Withheld
from tests.builders.custody import Spool
from tests.builders.samples import packaged
from tests.builders.values import an_arrival
from tests.fakes.event_log import RecordingLog
from tests.fakes.finder import ScriptedFinder
from tests.fakes.waiting import eventually

BOX = Box(8, 8, 40, 20)
PASSCODES = {"vera": "view-only", "rita": "review-it", "adam": "may-see"}
ROLES = {"vera": Role.VIEWER, "rita": Role.REVIEWER, "adam": Role.ADMIN}


class PreviewsOfABox:
    """Finds `BOX` on every frame, and is not sure of it; fills evenly."""

    def __init__(self) -> None:
        self._cleaner = PixelCleaner(
            ScriptedFinder(lambda _: [BOX], score=0.5, name="boxed"),
            SolidInpainter(),
            second_look=ScriptedFinder(name="nothing"),
            evidence=Evidence({kind: Band(doubt=0.4, sure=0.8) for kind in Kind}),
        )

    def preview(self, order: WorkOrder) -> Any:
        original = part10.read(order.blob)
        return original, self._cleaner.clean(original, seed=1, markings=order.markings)


@dataclass
class DeskHouse:
    """A running desk and what stands around it."""

    custody: Custody
    server: ReviewServer
    log: RecordingLog
    metrics: Metrics
    offered: list[tuple[InstanceId, str]] = field(default_factory=list)
    tls: bool = False
    reloads: list[None] = field(default_factory=list)

    def withhold(
        self,
        name: str = "CT_small.dcm",
        *,
        uid: str = "1.2.3",
        code: str = "text_uncertain",
        reason: str = "something may be text",
        boxes: Sequence[Box] = (BOX,),
    ) -> InstanceId:
        """Let a file of pydicom's wait for a person."""
        spool = Spool(self.custody)
        accepted = spool.accept(an_arrival(uid), [as_received(packaged(name))])
        order = spool.claim(accepted.instance.id)
        assert isinstance(order, WorkOrder)
        seen = tuple(DoubtedRegion(0, box, 0.5, "boxed") for box in boxes)
        spool.record(order, Withheld(code, reason, seen=seen))
        return order.id

    def browser(self, name: str | None = None) -> "Browser":
        """Return a browser; signed in where a name is given."""
        browser = Browser(self.server.port, is_secure=self.tls)
        if name is not None:
            assert browser.sign_in(name, PASSCODES[name]).status == 303
        return browser


def mark_of(config: Config) -> Callable[[str], str]:
    """Return what the journal keeps of an Accession Number, under the key of `config`."""
    return Pseudonyms(require_key_file(config.metadata)).accession_mark


def as_received(path: Path) -> bytes:
    """Return a file as it lies in the spool: the dataset as it was, under the node's header."""
    meta = dcmread(path, stop_before_pixels=True).file_meta
    header = part10.spool_header(
        sop_class_uid=meta.MediaStorageSOPClassUID,
        sop_instance_uid=meta.MediaStorageSOPInstanceUID,
        transfer_syntax=meta.TransferSyntaxUID,
    )
    # Preamble, prefix, and the element that says how long the rest of the header is.
    return header + path.read_bytes()[144 + meta.FileMetaInformationGroupLength :]


@contextmanager
def a_desk(
    folder: Path,
    *,
    undo_seconds: float = 0,
    port: int = 0,
    has_users: bool = True,
    regions_file: Path | None = None,
    before: Callable[[Custody], None] = lambda _: None,
    **options: Any,
) -> Iterator[DeskHouse]:
    """Run a desk in `folder`; `before` is done to its spool before it starts."""
    users = folder / "desk-users"
    users.write_text("".join(f"{_account_line(name)}\n" for name in PASSCODES))
    users.chmod(0o600)
    if not (folder / "pseudonym.key").exists():
        new_key_file(folder / "pseudonym.key")
    config = Config.model_validate(
        {
            "spool": {"dir": folder / "spool", "reserve_bytes": 0},
            "metadata": {"pseudonym_key_file": folder / "pseudonym.key"},
            "forward": {"destinations": {"archive": {"kind": "folder", "dir": folder / "out"}}},
        }
    )
    reloads: list[None] = []
    log, metrics = RecordingLog(), Metrics(CollectorRegistry())
    custody = Custody(config.spool, exclusive=True, mark=mark_of(config))
    custody.open()
    before(custody)
    offered: list[tuple[InstanceId, str]] = []
    settings = ReviewOptions(
        port=port,
        users_file=users if has_users else None,
        undo_seconds=undo_seconds,
        **options,
    )
    server = build_review(
        settings,
        custody,
        LookerFactory(PreviewsOfABox, PLAIN, Pseudonyms(bytes(32)).uid),
        lambda instance, sender: offered.append((instance, sender)),
        regions_file=lambda: regions_file,
        metrics=metrics,
        log=log,
        status=StatusReader(lambda: config, custody),
        reload=lambda: reloads.append(None),
    )
    assert server is not None
    try:
        server.start()
        is_secure = settings.tls is not None
        yield DeskHouse(custody, server, log, metrics, offered, is_secure, reloads)
    finally:
        server.stop()
        custody.close()


@cache
def _account_line(name: str) -> str:
    # To hash a passcode is slow by design.
    return account_line(name, ROLES[name], PASSCODES[name])


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Speaks HTTP as a browser does that stands on a page of the desk."""

    def __init__(self, port: int, *, is_secure: bool = False) -> None:
        self._port = port
        self._is_secure = is_secure
        self.cookie: str | None = None
        self.set_cookie: str | None = None
        self.token = ""

    @property
    def origin(self) -> str:
        return f"{'https' if self._is_secure else 'http'}://127.0.0.1:{self._port}"

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str | None] = {},
    ) -> Answer:
        """Send a request; a header that is None is left out."""
        connection: http.client.HTTPConnection
        if self._is_secure:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection("127.0.0.1", self._port, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        said: dict[str, str | None] = {"Sec-Fetch-Site": "same-origin", "Cookie": self.cookie}
        if method == "POST":
            said |= {"Origin": self.origin}
        said |= headers
        connection.request(
            method, path, body, {name: value for name, value in said.items() if value is not None}
        )
        answer = connection.getresponse()
        # A header may stand more than once, as one that sets a cookie does.
        said_back: dict[str, str] = {}
        for name, value in answer.getheaders():
            before = said_back.get(name.lower())
            said_back[name.lower()] = value if before is None else f"{before}, {value}"
        found = Answer(answer.status, said_back, answer.read())
        connection.close()
        return found

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(
        self,
        path: str,
        said: Any,
        headers: Mapping[str, str | None] = {},
    ) -> Answer:
        """Send JSON with the token of the pages."""
        return self.request(
            "POST", path, json.dumps(said).encode(), {"X-Desk-Token": self.token, **headers}
        )

    def form(self, path: str, **said: str) -> Answer:
        """Send a form with the token of the pages."""
        return self.request("POST", path, urlencode({**said, "token": self.token}).encode())

    def sign_in(self, name: str, passcode: str, headers: Mapping[str, str | None] = {}) -> Answer:
        form = urlencode({"name": name, "passcode": passcode}).encode()
        answer = self.request("POST", "/login", form, headers)
        if answer.status == 303:
            self.set_cookie = answer.headers["set-cookie"]
            self.cookie = self.set_cookie.partition(";")[0]
            found = re.search(r'name="token" value="([^"]+)"', self.get("/").text)
            assert found is not None
            self.token = found[1]
        return answer


def until(look: Callable[[], bool]) -> None:
    """Wait until `look` says so."""
    eventually(look, what="the desk has carried it out")
