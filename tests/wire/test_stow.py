"""A node that sends to Orthanc by STOW-RS, beside one that sends there by C-STORE."""

from pathlib import Path

import pytest
from pydicom import dcmread

from tests.fakes import dcmtk
from tests.fakes.orthanc import DICOM_WEB, orthanc
from tests.fakes.waiting import eventually
from tests.wire.instances import fresh
from tests.wire.nodes import AE_TITLE, cstore, node_folder, stow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.peer("Orthanc", DICOM_WEB, "dcmsend"),
    pytest.mark.xdist_group("stow"),
]

NAMES = (
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "JPEG2000.dcm",
    "examples_palette.dcm",
    "rtplan.dcm",
    "test-SR.dcm",
    "waveform_ecg.dcm",
)


@pytest.mark.req("REQ-FW-14")
def test_what_orthanc_gets_by_stow_is_what_it_gets_by_c_store(tmp_path: Path) -> None:
    """Two archives behind one rule: one of each kind."""
    files = fresh(NAMES, tmp_path)
    rule = {
        "name": "everything",
        "when": {"kind": "always"},
        "then": {"kind": "forward", "treatment": "research", "destinations": ["web", "dimse"]},
    }
    with orthanc(tmp_path / "web", web=True) as web, orthanc(tmp_path / "dimse") as dimse:
        folder = node_folder(
            tmp_path / "node",
            route={"rules": [rule]},
            forward={"destinations": {"web": stow(web.web_url), "dimse": cstore(dimse.port)}},
        )
        with folder.running() as node:
            done = dcmtk.run(
                "dcmsend", "-aec", AE_TITLE, "--decompress-never",
                "127.0.0.1", str(node.port), *files,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            journeys = folder.wait_until_ended(len(files))
            assert node.stop() == 0

        held = {archive: archive.instances() for archive in (web, dimse)}
        assert {one.state for one in journeys} == {"delivered"}
        assert sorted(held[web]) == sorted(held[dimse])
        assert len(held[web]) == len(files)
        for identifier in held[web]:
            assert web.tags(identifier) == dimse.tags(identifier)
        told = b"".join(web.file(identifier) for identifier in held[web])

    original = dcmread(files[0])
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "SOPInstanceUID"):
        assert str(original[keyword].value).encode() not in told


@pytest.mark.req("REQ-FW-17")
@pytest.mark.parametrize("confirm", ["qido", "wado"])
def test_what_orthanc_has_lost_is_sent_to_it_again(confirm: str, tmp_path: Path) -> None:
    """Orthanc is told to forget the instance between its answer and the look."""
    (file,) = fresh(NAMES[:1], tmp_path)
    with orthanc(tmp_path / "web", web=True) as web:
        folder = node_folder(
            tmp_path / "node",
            destination=stow(web.web_url, confirm=confirm, confirm_seconds=0.5),
        )
        with folder.running() as node:
            dcmtk.run("dcmsend", "-aec", AE_TITLE, "127.0.0.1", str(node.port), file)
            (identifier,) = eventually(web.instances, what="it arrives")
            web.delete(f"/instances/{identifier}")
            (journey,) = folder.wait_until_ended(1)
            held = web.instances()
            assert node.stop() == 0

    assert journey.state == "delivered"
    assert held == [identifier]
    assert len(folder.events("instance_sent")) == 2
    assert [event["failed"] for event in folder.events("inquiry_answered")] == [1, 0]


def test_orthanc_takes_again_what_it_has(tmp_path: Path) -> None:
    (file,) = fresh(NAMES[:1], tmp_path)
    with orthanc(tmp_path / "web", web=True) as web:
        folder = node_folder(
            tmp_path / "node",
            destination=stow(web.web_url),
            spool={"keep_delivered_seconds": 3600},
        )
        with folder.running() as node:
            dcmtk.run("dcmsend", "-aec", AE_TITLE, "127.0.0.1", str(node.port), file)
            folder.wait_until_ended(1)
            again = folder.command(
                "redeliver", "--config", folder.config, "--destination", "archive"
            )
            assert again.returncode == 0, again.stderr
            eventually(
                lambda: len(folder.events("instance_delivered")) == 2, what="it is delivered again"
            )
            assert node.stop() == 0
        held = web.instances()

    assert len(held) == 1
