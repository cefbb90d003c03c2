"""Whether a destination is there, asked of DCMTK, of Orthanc and of those that are not."""

import json
from pathlib import Path

import pytest

from deid_node.errors import DestinationUnavailable
from deid_node.forward.build import probe
from deid_node.forward.options import CStoreOptions
from tests.fakes import dcmtk
from tests.fakes.certificates import Authority
from tests.fakes.orthanc import orthanc
from tests.fakes.waiting import free_port
from tests.wire.nodes import cstore, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.peer("storescp", "Orthanc")]


def archive(port: int, **settings: object) -> CStoreOptions:
    return CStoreOptions.model_validate(cstore(port, timeout_seconds=10, **settings))


def test_dcmtk_and_orthanc_answer(tmp_path: Path) -> None:
    port = free_port()
    with dcmtk.storescp(tmp_path / "storescp", port), orthanc(tmp_path / "orthanc") as research:
        probe("dcmtk", archive(port))
        probe("orthanc", archive(research.port))


def test_an_archive_in_tls_answers_in_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    theirs = authority.issue("archive", kind="rsa")
    port, ca = free_port(), str(authority.file)
    options = ["+xa", "+tls", str(theirs.key), str(theirs.certificate), "+cf", ca, "-ic"]
    with dcmtk.storescp(tmp_path / "storescp", port, options=options):
        probe("dcmtk", archive(port, tls={"ca_file": ca}))
        with pytest.raises(DestinationUnavailable):
            probe("plain", archive(port))


def test_nobody_there_is_told_in_words() -> None:
    with pytest.raises(DestinationUnavailable, match="the connection failed"):
        probe("archive", archive(free_port()))


def test_the_command_asks_each_destination(root: Path, tmp_path: Path) -> None:
    port = free_port()
    folder = node_folder(root, destination=cstore(port))
    with folder.running() as node:
        assert node.stop() == 0

    silent = folder.command("status", "--echo", "--json", "--config", folder.config)
    with dcmtk.storescp(tmp_path / "storescp", port):
        answered = folder.command("status", "--echo", "--config", folder.config)

    assert silent.returncode == 3
    assert "the connection failed" in json.loads(silent.stdout)["echo"]["archive"]
    assert answered.returncode == 0
    assert "answers" in answered.stdout
