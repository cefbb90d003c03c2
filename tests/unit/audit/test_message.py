"""Audit messages are of the form that PS3.15 A.5 and RFC 5424 ask for."""

import base64
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from deid_node.audit.event_messages import (
    Sender,
    Study,
    caller_refused,
    instances_received,
    person_decided,
)
from deid_node.audit.message import AuditMessage
from deid_node.audit.targets.syslog import syslog_line
from deid_node.audit.xml import xml_of
from tests.architecture.source import ROOT
from tests.builders.audit import CT_IMAGE, NEW_UID, NODE, SOURCE, one_of_each
from tests.fakes import programs

SCHEMA = ROOT / "tests" / "data" / "audit-message.rng"


@pytest.fixture
def xmllint() -> str:
    programs.require("xmllint")
    return programs.program("xmllint")


@pytest.mark.req("REQ-OB-07")
@pytest.mark.peer("xmllint")
@pytest.mark.parametrize("message", one_of_each(), ids=lambda one: one.event.meaning)
def test_every_message_follows_the_schema(
    message: AuditMessage, xmllint: str, tmp_path: Path
) -> None:
    document = tmp_path / "message.xml"
    document.write_bytes(xml_of(message, SOURCE))

    said = subprocess.run(
        [xmllint, "--noout", "--relaxng", SCHEMA, document], capture_output=True, check=False
    )

    assert said.returncode == 0, said.stderr


@pytest.mark.peer("xmllint")
def test_the_schema_refuses_what_is_no_audit_message(xmllint: str, tmp_path: Path) -> None:
    document = tmp_path / "message.xml"
    whole = xml_of(one_of_each()[0], SOURCE)
    document.write_bytes(re.sub(rb"<ActiveParticipant.*</ActiveParticipant>", b"", whole))

    said = subprocess.run(
        [xmllint, "--noout", "--relaxng", SCHEMA, document], capture_output=True, check=False
    )

    assert said.returncode != 0


def test_receipt_names_who_sent_what_and_no_patient() -> None:
    message = instances_received(
        NODE,
        Sender("ct-one", "10.1.0.5"),
        Study(NEW_UID),
        {CT_IMAGE: 3},
        association="a1",
        repeated=False,
    )

    root = fromstring(xml_of(message, SOURCE))

    event = root.find("EventIdentification")
    assert event is not None
    assert event.get("EventActionCode") == "C"
    assert [code.get("csd-code") for code in event.iter("EventID")] == ["110104"]
    assert [
        (one.get("UserID"), one.get("NetworkAccessPointID"), code.get("csd-code"))
        for one in root.iter("ActiveParticipant")
        for code in one.iter("RoleIDCode")
    ] == [("ct-one", "10.1.0.5", "110153"), ("DEIDNODE", "gateway", "110152")]
    (study,) = root.iter("ParticipantObjectIdentification")
    assert study.get("ParticipantObjectID") == NEW_UID
    assert [(one.get("UID"), one.get("NumberOfInstances")) for one in study.iter("SOPClass")] == [
        (CT_IMAGE, "3")
    ]


def test_a_patient_is_an_object_of_its_own_where_the_site_asks_for_it() -> None:
    message = instances_received(
        NODE,
        Sender("ct-one", "10.1.0.5"),
        Study("1.2.3", "PAT-17", NEW_UID),
        {CT_IMAGE: 1},
        association="a1",
        repeated=False,
    )

    study, patient = fromstring(xml_of(message, SOURCE)).iter("ParticipantObjectIdentification")

    assert (study.get("ParticipantObjectID"), patient.get("ParticipantObjectID")) == (
        "1.2.3",
        "PAT-17",
    )
    assert (
        patient.get("ParticipantObjectTypeCode"),
        patient.get("ParticipantObjectTypeCodeRole"),
    ) == ("1", "1")
    linked = {
        one.get("type"): base64.b64decode(one.get("value") or "").decode()
        for one in study.iter("ParticipantObjectDetail")
    }
    assert linked == {"Association": "a1", "New Study Instance UID": NEW_UID}


def test_an_alert_tells_what_it_is_about() -> None:
    message = caller_refused(NODE, address="10.9.9.9", peer=None, reason="tls_untrusted")

    root = fromstring(xml_of(message, SOURCE))

    (detail,) = root.iter("ParticipantObjectDetail")
    assert detail.get("type") == "Alert Description"
    assert base64.b64decode(detail.get("value") or "") == b"tls_untrusted"
    assert [code.get("csd-code") for code in root.iter("EventTypeCode")] == ["110126"]
    assert [one.get("UserIsRequestor") for one in root.iter("ActiveParticipant")] == [
        "false",
        "false",
    ]


@pytest.mark.parametrize(
    ("verb", "action"),
    [("release", "U"), ("discard", "D"), ("redeliver", "U"), ("reprocess", "U")],
)
def test_a_decision_names_the_person_and_the_moment(verb: str, action: str) -> None:
    at = datetime(2026, 3, 4, 10, 11, 12, tzinfo=UTC)
    message = person_decided(NODE, person="anna", instance="7f3c", at=at, code="no_rule", verb=verb)

    root = fromstring(xml_of(message, SOURCE))

    event = root.find("EventIdentification")
    assert event is not None
    assert (event.get("EventActionCode"), event.get("EventDateTime")) == (
        action,
        "2026-03-04T10:11:12.000+00:00",
    )
    person = root.find("ActiveParticipant")
    assert person is not None
    assert (person.get("UserID"), person.get("UserIsRequestor")) == ("anna", "true")


def test_what_xml_cannot_hold_is_replaced() -> None:
    message = person_decided(
        NODE,
        person="an\x00na\ud800",
        instance="7f3c",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        code="no_rule",
        verb="release",
    )

    person = fromstring(xml_of(message, SOURCE)).find("ActiveParticipant")

    assert person is not None
    assert person.get("UserID") == "an\ufffdna\ufffd"


@pytest.mark.req("REQ-OB-07")
@pytest.mark.parametrize("message", one_of_each(), ids=lambda one: one.event.meaning)
def test_the_line_is_that_of_rfc_5424(message: AuditMessage) -> None:
    line = syslog_line(message, SOURCE, host="gate way", process_id=42)

    found = re.fullmatch(
        rb"<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z gateway deid_node 42"
        rb" DICOM\+RFC3881 - \xef\xbb\xbf(<\?xml .*)",
        line,
    )

    assert found is not None
    facility, severity = divmod(int(found[1]), 8)
    assert (facility, severity) == (10, 5 if message.result == "0" else 4)
    assert fromstring(found[2]).tag == "AuditMessage"
    assert b"\n" not in line
