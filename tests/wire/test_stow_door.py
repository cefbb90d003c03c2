"""Foreign programs that store by STOW-RS at a real node."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dicomweb_client import DICOMwebClient
from pydicom import dcmread

from deid_node.demo import scanner
from deid_node.demo.server import RunningNode
from deid_node.values.state import InstanceState
from tests.fakes.certificates import Authority
from tests.fakes.orthanc import orthanc
from tests.wire.instances import fresh
from tests.wire.nodes import AE_TITLE, NodeFolder, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stow_door")]

NAMES = ("CT_small.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg_gdcm.dcm", "JPEG2000.dcm", "rtplan.dcm")
TOKEN = "a-token-that-nobody-guesses"  # noqa: S105 - of a test
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class Hall:
    """A node with a port for STOW-RS, and the authority of its certificate."""

    folder: NodeFolder
    node: RunningNode
    authority: Authority

    @property
    def address(self) -> str:
        """Where instances are stored by HTTP."""
        (line,) = [one for one in self.folder.events("listener_ready") if one["listener"] == "stow"]
        return f"https://127.0.0.1:{line['port']}/dicom-web"

    def client(self, **options: Any) -> DICOMwebClient:
        """Return a client that shows the token."""
        return DICOMwebClient(self.address, headers={"Authorization": f"Bearer {TOKEN}"}, **options)

    def wait_until_delivered(self, count: int) -> None:
        """Wait until `count` instances have come and been delivered."""
        journeys = self.folder.wait_until_ended(count)
        assert {one.state for one in journeys} == {InstanceState.DELIVERED}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    root = tmp_path_factory.mktemp("stow_door")
    authority = Authority(root / "authority")
    own = authority.issue("node")
    token = root / "token"
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    stow = {
        "host": "127.0.0.1",
        "port": 0,
        "tls": {**own.files, "require_client_certificate": False},
        "peers": [{"name": "cloud", "token_file": str(token)}],
    }
    rule = {
        "name": "by-web",
        "when": {
            "kind": "all_of",
            "of": [
                {"kind": "equals", "attribute": "peer", "value": "cloud"},
                {"kind": "equals", "attribute": "listener", "value": "stow"},
            ],
        },
        "then": {"kind": "forward", "treatment": "research", "destinations": ["archive"]},
    }
    other = {
        **rule,
        "name": "by-dimse",
        "when": {"kind": "equals", "attribute": "calling_ae", "value": "SCANNER"},
    }
    folder = node_folder(root / "node", receive={"stow": stow}, route={"rules": [rule, other]})
    with folder.running() as node:
        yield Hall(folder, node, authority)
        assert node.stop() == 0


@pytest.fixture
def files(tmp_path: Path) -> Sequence[Path]:
    return fresh(NAMES, tmp_path)


@pytest.mark.req("REQ-RX-03")
def test_what_dicomweb_client_stores_is_cleaned_and_delivered(
    hall: Hall, files: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(hall.authority.file))
    before = len(hall.folder.journeys())
    datasets = [dcmread(path) for path in files]

    answer = hall.client().store_instances(datasets)

    named = {str(item.ReferencedSOPInstanceUID) for item in answer.ReferencedSOPSequence}
    assert named == {str(one.SOPInstanceUID) for one in datasets}
    assert "FailedSOPSequence" not in answer
    hall.wait_until_delivered(before + len(files))
    assert b'deid_node_instances_received_total{door="stow",peer="cloud"}' in hall.node.metrics()


def test_the_same_instance_by_both_ways_is_one(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(hall.authority.file))
    (path,) = fresh(["CT_small.dcm"], tmp_path)
    before = len(hall.folder.journeys())

    (sent,) = scanner.send([path], port=hall.node.port, called=AE_TITLE)
    answer = hall.client().store_instances([dcmread(path)])

    assert sent.status == 0x0000
    assert len(answer.ReferencedSOPSequence) == 1
    assert len(hall.folder.journeys()) == before + 1
    assert len(hall.folder.events("instance_repeated")) == 1
    hall.wait_until_delivered(before + 1)


def test_who_has_no_token_hears_so(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(hall.authority.file))

    answer = requests.post(f"{hall.address}/studies", data=b"", timeout=60)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
        401, 'Bearer realm="deid-node"',
    )  # fmt: skip


def test_check_says_where_it_would_listen(hall: Hall) -> None:
    done = hall.folder.command("check", "--config", hall.folder.config)

    assert "127.0.0.1:0 (stow): TLS, STOW-RS at /dicom-web/studies, for 1 peers" in done.stdout


@pytest.mark.peer("Orthanc")
@pytest.mark.skipif(not PLUGIN.exists(), reason="needs the DICOMweb plug-in of Orthanc")
def test_what_orthanc_stores_is_cleaned_and_delivered(
    hall: Hall, files: Sequence[Path], tmp_path: Path
) -> None:
    before = len(hall.folder.journeys())
    server = {
        "Url": f"{hall.address}/",
        "HttpHeaders": {"Authorization": f"Bearer {TOKEN}"},
    }
    settings = {
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Servers": {"node": server}},
        "HttpsCACertificates": str(hall.authority.file),
        "HttpsVerifyPeers": True,
    }

    with orthanc(tmp_path / "orthanc", settings=settings) as archive:
        for path in files:
            archive.post("/instances", path.read_bytes())
        answer = archive.post(
            "/dicom-web/servers/node/stow", {"Resources": archive.instances(), "Synchronous": True}
        )

    assert answer
    hall.wait_until_delivered(before + len(files))


def test_no_line_of_the_log_tells_of_the_patient(hall: Hall) -> None:
    text = hall.folder.log.read_text()

    assert "CompressedSamples" not in text
    assert TOKEN not in text
    assert hall.folder.events("request_answered")
