"""A start of real parts that fails half way: nothing of the node is left."""

import socket
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from deid_node.assembly import build_node
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.errors import ConfigurationError, CustodyError
from deid_node.metadata.apply.keys import new_key_file
from deid_node.spool.custody import Custody

pytestmark = pytest.mark.slow


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_a_taken_dicom_port_leaves_nothing_running(tmp_path: Path, taken: int) -> None:
    _must_fail(_configuration(tmp_path, door=taken), ConfigurationError, path="receive.port")


def test_a_taken_http_port_leaves_nothing_running(tmp_path: Path, taken: int) -> None:
    _must_fail(_configuration(tmp_path, http=taken), ConfigurationError, path="observe.http.port")


def test_a_spool_that_another_node_holds_is_left_alone(tmp_path: Path) -> None:
    config = _configuration(tmp_path)
    other = Custody(config.spool, exclusive=True)
    other.open()
    left = other.blobs.partial / "in-hand-of-the-other"
    left.touch()
    try:
        _must_fail(config, CustodyError)
        assert left.exists()
    finally:
        other.close()


def test_a_spool_that_cannot_be_made_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "partial").touch()

    _must_fail(_configuration(tmp_path), CustodyError)


def test_a_journal_that_is_none_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "journal.sqlite").write_bytes(b"this is no journal at all" * 100)

    _must_fail(_configuration(tmp_path), CustodyError)


def _must_fail(config: Config, error: type[Exception], *, path: str | None = None) -> None:
    before = set(threading.enumerate())
    node = build_node(config, stream=StringIO())

    with pytest.raises(error) as raised:
        node.start()

    if path is not None:
        assert getattr(raised.value, "path", None) == path
    assert {thread for thread in threading.enumerate() if thread.is_alive()} <= before


def _configuration(folder: Path, *, door: int = 0, http: int = 0) -> Config:
    new_key_file(folder / "pseudonym.key")
    then = {"kind": "forward", "treatment": "research", "destinations": ["folder"]}
    content: dict[str, Any] = {
        "receive": {"host": "127.0.0.1", "port": door},
        "spool": {"dir": "./spool", "reserve_bytes": 0},
        "route": {"rules": [{"name": "everything", "when": {"kind": "always"}, "then": then}]},
        "metadata": {"pseudonym_key_file": "./pseudonym.key"},
        "work": {"engine": {"kind": "local", "processes": 1}},
        "forward": {"destinations": {"folder": {"kind": "folder", "dir": "./out"}}},
        "observe": {"http": {"port": http}},
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(content))
    return load(file)
