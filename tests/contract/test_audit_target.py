"""The promise of `Target`, kept by every backend."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from pydantic import TypeAdapter

from deid_node.audit.message import AuditMessage
from deid_node.audit.options import AuditOptions, FileAuditOptions, SyslogAuditOptions
from deid_node.audit.targets.base import Target
from deid_node.audit.targets.build import build_target
from deid_node.dicom.tls import server_tls
from deid_node.dicom.tls_options import ServerTlsOptions
from deid_node.errors import AuditUnavailable, ConfigurationError
from tests.builders.audit import SOURCE, one_of_each
from tests.fakes.audit_repository import DatagramRepository, Repository
from tests.fakes.certificates import Authority

KINDS = ("file", "udp", "tcp", "tls")
OPTIONS: TypeAdapter[Any] = TypeAdapter(AuditOptions)


@dataclass
class Bench:
    """A target, and the events that have arrived on its other side."""

    target: Target
    arrived: Callable[[int], list[str]]


def target_of(section: dict[str, Any]) -> Target:
    options = OPTIONS.validate_python(section)
    assert isinstance(options, FileAuditOptions | SyslogAuditOptions)
    return build_target(options, SOURCE, host="gateway")


def syslog(transport: str, port: int, **more: object) -> dict[str, Any]:
    return {
        "kind": "syslog", "transport": transport, "host": "127.0.0.1", "port": port,
        "timeout_seconds": 2, **more,
    }  # fmt: skip


def door(authority: Authority) -> ssl.SSLContext:
    shown = authority.issue("repository")
    return server_tls(
        ServerTlsOptions(
            certificate_file=shown.certificate,
            key_file=shown.key,
            ca_file=authority.file,
            require_client_certificate=True,
        ),
        "repository",
    )


def event_of(line: bytes) -> str:
    found = fromstring(line.partition(b"\xef\xbb\xbf")[2]).find("EventIdentification/EventID")
    assert found is not None
    return found.get("csd-code") or ""


@contextmanager
def bench(kind: str, folder: Path) -> Iterator[Bench]:
    if kind == "file":
        path = folder / "audit.jsonl"

        def lines(_count: int) -> list[str]:
            return [json.loads(line)[1]["event"]["value"] for line in path.read_text().splitlines()]

        yield Bench(target_of({"kind": "file", "file": path}), lines)
        return
    authority = Authority(folder / "authority")
    repository = (
        DatagramRepository()
        if kind == "udp"
        else Repository(tls=door(authority) if kind == "tls" else None)
    )
    files = {"ca_file": str(authority.file), **authority.issue("node").files}
    more = {"tls": files} if kind == "tls" else {}
    target = target_of(syslog(kind, repository.port, **more))
    try:
        yield Bench(target, lambda count: [event_of(line) for line in repository.wait_for(count)])
    finally:
        target.close()
        repository.close()


def codes_of(messages: list[AuditMessage]) -> list[str]:
    return [message.event.value for message in messages]


@pytest.mark.req("REQ-OB-08")
@pytest.mark.parametrize("kind", KINDS)
def test_batches_arrive_whole_and_in_order(kind: str, tmp_path: Path) -> None:
    messages = list(one_of_each())

    with bench(kind, tmp_path) as one:
        one.target.deliver(messages[:4])
        one.target.deliver(messages[4:])

        assert one.arrived(len(messages)) == codes_of(messages)


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_target_opens_anew(kind: str, tmp_path: Path) -> None:
    messages = list(one_of_each())[:2]

    with bench(kind, tmp_path) as one:
        one.target.deliver(messages[:1])
        # Two connections are two ways: what goes by the second may be there first.
        one.arrived(1)
        one.target.close()
        one.target.deliver(messages[1:])

        assert one.arrived(2) == codes_of(messages)


def test_nobody_who_listens_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with pytest.raises(AuditUnavailable):
        target_of(syslog("tcp", port)).deliver(one_of_each())


def test_a_repository_that_hung_up_is_noticed_and_called_again() -> None:
    first = Repository()
    port = first.port
    target = target_of(syslog("tcp", port))
    target.deliver(one_of_each()[:1])
    first.wait_for(1)
    first.close()

    with pytest.raises(AuditUnavailable):
        target.deliver(one_of_each()[:1])
    second = Repository(port=port)
    target.deliver(one_of_each()[:2])

    assert len(second.wait_for(2)) == 2
    target.close()
    second.close()


# By TCP enough to fill the buffers of a connection that nobody reads; TLS waits for a word.
@pytest.mark.parametrize(("transport", "times"), [("tcp", 400), ("tls", 1)])
def test_a_repository_that_says_nothing_holds_nobody_up(
    transport: str, times: int, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "authority")
    more = {"tls": {"ca_file": str(authority.file)}} if transport == "tls" else {}
    flood = list(one_of_each()) * times

    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = target_of(syslog(transport, silent.getsockname()[1], **more))
        began = monotonic()
        with pytest.raises(AuditUnavailable):
            target.deliver(flood)

    assert monotonic() - began < 30


def test_a_repository_of_another_authority_hears_nothing(tmp_path: Path) -> None:
    repository = Repository(tls=door(Authority(tmp_path / "theirs", "theirs")))
    ours = Authority(tmp_path / "ours", "ours")
    tls = {"ca_file": str(ours.file), **ours.issue("node").files}
    target = target_of(syslog("tls", repository.port, tls=tls))

    with pytest.raises(AuditUnavailable, match="no trusted authority"):
        target.deliver(one_of_each())

    assert repository.heard == []
    repository.close()


def test_a_file_is_for_its_owner_and_may_be_rotated(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    target = target_of({"kind": "file", "file": path})
    target.deliver(one_of_each()[:1])
    path.rename(tmp_path / "audit.jsonl.1")

    target.deliver(one_of_each()[:2])

    assert len(path.read_text().splitlines()) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_takes_no_file_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailable):
        target_of({"kind": "file", "file": tmp_path / "missing" / "audit"}).deliver(one_of_each())


@pytest.mark.parametrize(
    "wrong",
    [
        {"transport": "tls"},
        {"transport": "tcp", "tls": {"ca_file": "ca.crt"}},
    ],
)
def test_tls_goes_with_its_transport(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="tls must be given"):
        OPTIONS.validate_python({"kind": "syslog", "host": "a", "port": 1, **wrong})


def test_files_of_tls_are_looked_at_before_the_start(tmp_path: Path) -> None:
    missing = {"ca_file": str(tmp_path / "ca.crt")}

    with pytest.raises(ConfigurationError, match=r"audit\.tls\.ca_file"):
        target_of(syslog("tls", 6514, tls=missing))


def test_deliveries_of_one_thread_do_not_wait_for_the_reader() -> None:
    repository = Repository()
    target = target_of(syslog("tcp", repository.port))
    messages = list(one_of_each()) * 50
    thread = threading.Thread(target=lambda: target.deliver(messages))
    thread.start()
    thread.join(10)

    assert not thread.is_alive()
    repository.wait_for(len(messages))
    target.close()
    repository.close()
