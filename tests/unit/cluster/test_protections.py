"""What a cluster lacks, seen from the environment, from outside and from what Ray notes."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from deid_node.cluster import protections
from deid_node.cluster.protections import (
    HeadDenies,
    HeadUnreachable,
    open_cluster,
    open_head,
    tls_files,
    unprotected,
)
from deid_node.errors import ConfigurationError
from deid_node.lines.options import LineTlsOptions
from tests.fakes.model_hall import line_tls
from tests.fakes.waiting import free_port

WHOLE = {
    "RAY_USE_TLS": "1",
    "RAY_TLS_SERVER_CERT": "a.crt",
    "RAY_TLS_SERVER_KEY": "a.key",
    "RAY_TLS_CA_CERT": "ca.crt",
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def test_a_machine_with_all_protections_lacks_none() -> None:
    assert unprotected(WHOLE) is None
    assert tls_files(WHOLE).ca_file == Path("ca.crt")


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [None, "", "2"])
def test_each_protection_is_missed_by_its_name(name: str, value: str | None) -> None:
    lacking = {key: said for key, said in WHOLE.items() if key != name}
    if value is not None:
        lacking[name] = value

    told = unprotected(lacking)

    if value == "2" and "TLS_" in name:
        assert told is None
    else:
        assert told is not None
        assert name in told


def test_without_certificates_there_is_no_foreman() -> None:
    with pytest.raises(ConfigurationError, match="RAY_TLS_CA_CERT is not set"):
        tls_files({name: said for name, said in WHOLE.items() if name != "RAY_TLS_CA_CERT"})


def test_a_dashboard_and_reports_to_others_are_found() -> None:
    assert open_cluster("", {"ray_version": "2.60.0"}) is None
    assert "dashboard" in str(open_cluster("127.0.0.1:8265", {}))
    assert "RAY_USAGE_STATS_ENABLED" in str(open_cluster("", {"session_start_timestamp_ms": 1}))


@pytest.mark.skipif(find_spec("ray") is None, reason="needs deid-node[ray]")
@pytest.mark.parametrize("enabled", ["0", "1"])
def test_ray_notes_the_start_of_its_session_only_where_it_reports(enabled: str) -> None:
    """Its own function, asked in a process of its own: another release may do otherwise."""
    program = (
        "import json; from ray._common.usage import usage_lib as u;"
        "print(json.dumps(u._generate_cluster_metadata(ray_init_cluster=False)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": enabled},
        capture_output=True,
        check=True,
    )

    noted = json.loads(done.stdout.splitlines()[-1])

    assert (open_cluster("", noted) is None) == (enabled == "0")


@contextmanager
def head(tls: LineTlsOptions | None, *, asks: ssl.VerifyMode = ssl.CERT_REQUIRED) -> Iterator[str]:
    """Return the address of a head that speaks TLS by `tls`, or in the clear."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if tls is not None:
        context.load_cert_chain(tls.certificate_file, tls.key_file)
        context.load_verify_locations(tls.ca_file)
        context.verify_mode = asks

    def serve() -> None:
        with suppress(OSError):
            plain, _ = listener.accept()
            with plain:
                plain.settimeout(30)
                if tls is None:
                    plain.recv(100)
                    plain.sendall(bytes.fromhex("000000040000000000"))
                    return
                with context.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(100)
                    secured.sendall(bytes.fromhex("000000040000000000"))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_a_head_is_looked_at_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls, strange = line_tls(tmp_path / "tls"), line_tls(tmp_path / "strange")
    needs_token, knows_ours = True, True
    monkeypatch.setattr(
        protections,
        "_lets_in",
        lambda _, *, token: knows_ours if token else not needs_token,
    )

    with head(None) as address:
        assert open_head(address, tls) == "the cluster does not encrypt: its head speaks no TLS"
    with head(tls, asks=ssl.CERT_NONE) as address:
        assert "asks for no certificate" in str(open_head(address, tls))
    with head(strange) as address:
        assert "another authority" in str(open_head(address, tls))
    with head(tls) as address:
        assert open_head(address, tls) is None
    needs_token = False
    with head(tls) as address:
        assert "asks for no token" in str(open_head(address, tls))
    # That nobody gets in proves nothing: whoever has the token must.
    needs_token, knows_ours = True, False
    with head(tls) as address, pytest.raises(HeadDenies):
        open_head(address, tls)
    with pytest.raises(HeadUnreachable):
        open_head(f"127.0.0.1:{free_port()}", tls)
