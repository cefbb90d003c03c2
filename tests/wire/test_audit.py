"""A node that tells an audit repository what happens: rsyslog, as it is shipped, in TLS."""

import getpass
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from pydicom import dcmread

from deid_node.demo.samples import shipped
from deid_node.values.state import InstanceState
from tests.fakes import dcmtk
from tests.fakes.certificates import Authority
from tests.fakes.rsyslog import rsyslog
from tests.fakes.waiting import eventually, free_port
from tests.wire.nodes import AE_TITLE, NodeFolder, node_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("tls"),
    pytest.mark.peer("storescu", "rsyslogd"),
    # Four starts of a node.
    pytest.mark.timeout(900),
]

RULES = [
    {
        "name": "reports",
        "when": {"kind": "one_of", "attribute": "Modality", "values": ["MR"]},
        "then": {"kind": "withhold"},
    },
    {
        "name": "everything",
        "when": {"kind": "always"},
        "then": {"kind": "forward", "treatment": "research", "destinations": ["archive"]},
    },
]
PEERS = [{"name": "ct-one", "ae_title": "SCANNER"}]


def send(port: int, *names: str, calling: str = "SCANNER") -> int:
    files = [shipped(name) for name in names]
    done = dcmtk.run("storescu", "-aet", calling, "-aec", AE_TITLE, "127.0.0.1", str(port), *files)
    return done.returncode


def messages_in(heard: Path) -> Sequence[Element]:
    """Return the messages that rsyslog has written, after a look at what it made of the head."""
    found = []
    for line in heard.read_text(encoding="utf-8").splitlines() if heard.exists() else ():
        head, _, document = line.partition("<?xml")
        if "deid_node" in head:
            assert head.split()[0] == "10"
            assert head.split()[2:4] == ["deid_node", "DICOM+RFC3881"]
            found.append(fromstring(f"<?xml{document}".encode()))
    return found


def kinds(messages: Sequence[Element]) -> list[str]:
    return [code.get("originalText") or "" for one in messages for code in one.iter("EventID")]


@pytest.mark.req("REQ-OB-07")
@pytest.mark.req("REQ-OB-08")
@pytest.mark.req("REQ-OB-09")
def test_the_repository_hears_the_whole_story_also_what_happened_while_it_was_away(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path / "authority")
    ours = authority.issue("node", kind="rsa")
    port = free_port()
    folder = node_folder(
        tmp_path / "node",
        receive={"peers": PEERS},
        route={"rules": RULES},
        audit={
            "kind": "syslog", "host": "127.0.0.1", "port": port,
            "tls": {"ca_file": str(authority.file), **ours.files},
        },
    )  # fmt: skip
    with rsyslog(tmp_path / "rsyslog", port, authority) as heard, folder.running() as node:
        assert send(node.port, "CT_small.dcm") == 0
        folder.wait_until_ended(1)
        eventually(lambda: len(messages_in(heard)) >= 3, what="the first messages")
    before = len(messages_in(heard))

    with folder.running() as node:
        assert send(node.port, "CT_small.dcm", calling="STRANGER") != 0
        assert send(node.port, "MR_small.dcm") == 0
        (withheld,) = (
            one for one in folder.wait_until_ended(2) if one.state is InstanceState.WITHHELD
        )
        done = folder.command("withheld", "discard", withheld.id, "--config", folder.config)
        assert done.returncode == 0, done.stderr
        assert node.metrics().decode().count("deid_node_audit_waiting_messages 0.0") == 0
    with rsyslog(tmp_path / "rsyslog", port, authority), folder.running():
        eventually(
            lambda: "DICOM Instances Accessed" in kinds(messages_in(heard)),
            what="the decision in the repository",
        )

    told = messages_in(heard)
    assert kinds(told)[:3] == [
        "Application Activity", "DICOM Instances Transferred", "Export",
    ]  # fmt: skip
    assert {"Security Alert", "DICOM Instances Accessed"} <= set(kinds(told)[before:])
    decision = next(one for one in told if kinds([one]) == ["DICOM Instances Accessed"])
    person = decision.find("ActiveParticipant")
    assert person is not None
    assert person.get("UserID") == getpass.getuser()
    require_no_patient(heard.read_text(), folder)


@pytest.mark.req("REQ-OB-09")
def test_the_file_holds_patient_and_study_only_where_the_site_asks_for_it(tmp_path: Path) -> None:
    told: dict[str, str] = {}
    for patient in ("none", "original"):
        folder = node_folder(
            tmp_path / patient,
            audit={"kind": "file", "file": "./audit.jsonl", "patient": patient},
        )
        with folder.running() as node:
            assert send(node.port, "CT_small.dcm") == 0
            folder.wait_until_ended(1)
        told[patient] = (folder.root / "audit.jsonl").read_text()
        require_no_patient(folder.log.read_text(), folder)

    original = dcmread(shipped("CT_small.dcm"))
    for value in (str(original.PatientID), str(original.StudyInstanceUID)):
        assert value not in told["none"]
        assert value in told["original"]
    received, exported = (study_of(told["none"], event) for event in ("110104", "110106"))
    assert received == exported
    lines = [json.loads(line)[1] for line in told["none"].splitlines()]
    assert [line["event"]["value"] for line in lines] == [
        "110100", "110104", "110106", "110100",
    ]  # fmt: skip


def study_of(lines: str, event: str) -> Any:
    for line in map(json.loads, lines.splitlines()):
        if line[1]["event"]["value"] == event:
            return line[1]["objects"][0]["id"]
    raise AssertionError(f"no event {event}")


def require_no_patient(text: str, folder: NodeFolder) -> None:
    for name in ("CT_small.dcm", "MR_small.dcm"):
        original = dcmread(shipped(name))
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "SOPInstanceUID"):
            assert str(original[keyword].value) not in text, keyword
